// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "problems/catalogue.hpp"
#include "record/event_log.hpp"
#include "record/provenance.hpp"
#include "tardigrad/availability.hpp"
#include "tardigrad/compute_time.hpp"
#include "tardigrad/method.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/run.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::cli {

/// Where a scenario's parts come from.
struct Sources {
  problems::ProblemCatalogue& problems;
  std::filesystem::path data_root;
};

/// Where a run takes place.
struct RuntimePlan {
  enum class Kind : std::uint8_t { sim, threads, hogwild } kind = Kind::sim;
  double time_scale = 1.0;  ///< threads: real seconds that a second of the run takes
};
const char* name_of(RuntimePlan::Kind kind);

/// The part of a scenario that methods are compared on: problem, data, workers and their speeds, for one seed.
struct World {
  std::string problem_name;
  std::uint64_t seed = 1;
  std::size_t workers = 0;
  std::shared_ptr<const Problem> problem;
  std::shared_ptr<const std::vector<float>> start;   ///< problem.start; nothing: the problem's own x0
  std::shared_ptr<const ComputeTime> compute_time;   ///< nothing with hogwild
  std::shared_ptr<const Availability> availability;  ///< nothing: everybody is always there
  std::optional<Time> restart_after;                 ///< threads: when a worker that failed returns; nothing: never
  SettingValue::Table resolved;                      ///< [problem] and [workers] with every default
  SettingValue::Table identity;                      ///< as resolved, without the paths of files
  record::Provenance provenance;                     ///< of what is computed in it

  /// Writes x0, where every run in it begins, into x: [d].
  void initial_point(std::span<float> x) const;
};

/// When a run is saved beside its interruption, and how many of its checkpoints are kept.
struct CheckpointPlan {
  std::optional<std::uint64_t> updates = {};
  std::optional<Time> seconds = {};  ///< of real time
  std::size_t keep = 3;
};

/// What [run] says.
struct RunPlan {
  std::uint64_t seed = 1;
  RuntimePlan runtime;
  RunOptions options;
  std::optional<record::EventLogOptions> events;  ///< nothing: no events.jsonl
  bool record = false;                            ///< write recording.bin
  CheckpointPlan checkpoints = {};
  bool per_worker = false;  ///< write what every worker holds, and how well the model fits it in the end
  SettingValue::Table resolved;
};

/// A [method] table made into a method, or, with hogwild, into the step size of its t-th update.
struct MethodPlan {
  std::string name;
  std::unique_ptr<Method> method = {};
  std::function<double(Version)> step = {};
  SettingValue::Table resolved = {};
};

/// A scenario file as it was read: tables [problem], [workers], [method], [run], [compare] and nothing else.
/// Errors  every function: Error "FILE:LINE: key = value: what is allowed"
class Scenario {
 public:
  Scenario(SettingValue::Table root, std::string file);

  const std::string& file() const { return file_; }
  const SettingValue::Table& root() const { return root_; }
  /// The scenario with some keys replaced: [problem], [workers], [run].
  Scenario with(const SettingValue::Table& changes) const;
  bool has(const std::string& table) const { return root_.count(table) > 0; }

  World make_world(std::uint64_t seed, const Sources& sources) const;
  MethodPlan make_method(const World& world) const;
  MethodPlan make_method(const SettingValue::Table& table, const std::string& path, const World& world) const;
  enum class Use : std::uint8_t { run, compare, compare_to_the_end };
  /// `metrics`: what the problem measures, to check the target. In a comparison a run stops at its target, but where it
  /// is to go on to its end, and writes no events, unless the scenario says otherwise.
  RunPlan make_run_plan(Use use, const std::vector<std::string>& metrics) const;
  /// problem.name; nothing where there is none.
  std::optional<std::string> problem_name() const;
  /// run.runtime, or sim.
  RuntimePlan::Kind runtime() const;
  /// Throws for a runtime that a comparison cannot take place in, before anything else is asked of the scenario.
  void require_methods() const;
  /// run.seed, or 1.
  std::uint64_t seed() const;
  /// A reader of the [compare] table.
  std::unique_ptr<Settings> compare_settings() const;

 private:
  Settings settings(const std::string& table) const;
  void read_workers(World& world) const;

  SettingValue::Table root_;
  std::string file_;
};

/// The whole scenario of one run, every default written out, and as TOML.
SettingValue::Table resolved_scenario(const World& world, const MethodPlan& method, const RunPlan& run);
std::string resolved_document(const World& world, const MethodPlan& method, const RunPlan& run);

/// What a run computes, in three forms.
struct RunIdentity {
  std::string document;  ///< scenario.toml: the resolved scenario
  /// Hash of the resolved scenario without the paths of its files: what they hold is told by the provenance.
  std::string hash;
  /// As `hash`, without the keys that may change when a run goes on (`without_what_may_change`).
  std::string hash_to_go_on;
};
RunIdentity identity_of(const World& world, const MethodPlan& method, const RunPlan& run);

/// Without run.stop, run.checkpoint_every and run.keep_checkpoints: a run may go on for longer, and be saved more
/// often.
SettingValue::Table without_what_may_change(SettingValue::Table scenario);
/// Of a table of settings: equal for equal values, be a number written 1 or 1.0.
std::string hash_of(const SettingValue::Table& scenario);

}  // namespace tardigrad::cli
