// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "experiment/run_identity.hpp"
#include "experiment/run_origin.hpp"
#include "record/recording_reader.hpp"
#include "record/run_summary.hpp"

namespace tardigrad {

/// The directory of a run that was recorded: its scenario, made anew, and its recording.
class RecordedRun {
 public:
  /// own_data: of a run whose workers own their training data, that of worker 0, 1, ...
  /// Errors  Error: no recording, a scenario that is not the recorded one, data or a plugin that are not the recorded
  ///         ones, own data where they are not the workers', none where they are. A program that is another one is no
  ///         error, but remarked on: a replay checks what it computes.
  RecordedRun(std::filesystem::path directory, const std::vector<std::filesystem::path>& plugins,
              const std::optional<std::filesystem::path>& data_root,
              const std::vector<std::filesystem::path>& own_data = {});

  /// What the user should know beside: "" for nothing.
  const std::string& remark() const { return remark_; }
  const Scenario& scenario() const { return scenario_; }
  const World& world() const { return world_; }
  const methods::MethodCatalogue& methods() const { return catalogues_.methods; }
  const RunPlan& plan() const { return plan_; }
  /// Of the run that was recorded; nothing when it did not end.
  const std::optional<record::RunSummary>& summary() const { return summary_; }
  /// Every call begins at the first event.
  record::RecordingReader read() const { return record::RecordingReader(directory_ / "recording.bin"); }

 private:
  void check_own_data(const std::vector<std::filesystem::path>& own_data) const;

  std::filesystem::path directory_;
  RunOrigin memory_;
  Scenario scenario_;
  Catalogues catalogues_;
  World world_;
  RunPlan plan_;
  std::optional<record::RunSummary> summary_;
  std::string remark_;
};

}  // namespace tardigrad
