// SPDX-License-Identifier: Apache-2.0
// Which runs may be gone on with, and which are to be left alone.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "experiment/run_identity.hpp"
#include "experiment/run_origin.hpp"
#include "record/run_summary.hpp"

namespace tardigrad {

/// A run in a directory that is to go on with the scenario that was given.
class Continuation {
 public:
  /// `given`: as it was read, with what the command line changed in it.
  Continuation(std::filesystem::path directory, const RunOrigin& memory, Scenario given);

  /// The scenario to go on with: `given`, and what it leaves to a default that depends on the stop (evaluate_every)
  /// stays as the run began with it.
  const Scenario& scenario() const { return scenario_; }

  /// May it go on, by what it computes in `world`? A later stop and other checkpoints may change; all else must be what
  /// it was: scenario, program, libraries, plugin, data.
  /// Errors  Error naming the key that was changed, or what differs
  void check(const World& world, const MethodPlan& method, const RunPlan& plan) const;

  /// The summary of a run that has ended and is not to go on; nothing where it is to be gone on with, or begun.
  /// Errors  as `check`; Error when it has ended, and nothing can be gone on from
  std::optional<record::RunSummary> finished(const World& world, const MethodPlan& method, const RunPlan& plan);
  /// It had ended, and rows of its logs could not be written.
  bool make_rows_again() const { return make_rows_again_; }

  /// scenario.toml from now on, where it changes.
  std::optional<std::string> document(const RunPlan& plan) const;
  /// What the user should know beside: "" for nothing.
  const std::string& remark() const { return remark_; }

 private:
  [[noreturn]] void fail(const std::string& problem) const;
  /// What nothing but another directory or a new beginning helps against.
  [[noreturn]] void refuse(const std::string& problem) const;
  record::RunSummary read(const std::filesystem::path& summary) const;
  void check_logs(const record::RunSummary& summary) const;
  void check_stop(const SettingValue::Table& here) const;
  void check_scenario(const World& world, const MethodPlan& method, const RunPlan& plan) const;
  std::filesystem::path directory_;
  const RunOrigin& memory_;
  std::optional<SettingValue::Table> there_;  // the run's scenario; nothing: it has none yet
  Scenario scenario_;
  std::string remark_;
  bool make_rows_again_ = false;
};

}  // namespace tardigrad
