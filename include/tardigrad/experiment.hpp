// SPDX-License-Identifier: Apache-2.0
// For programs that embed Tardigrad: what `tardigrad run` and `tardigrad compare` do, without the command line.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tardigrad/method_row.hpp"
#include "tardigrad/observer.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad {

/// A scenario, and what it needs.
struct ScenarioSource {
  std::filesystem::path file;
  std::vector<std::string> assignments = {};            ///< "a.b=c", applied to it in their order
  std::vector<std::filesystem::path> plugins = {};      ///< shared libraries with problems and methods
  std::vector<ProblemRow> problems = {};                ///< of the program itself, beside those built in
  std::vector<MethodRow> methods = {};                  ///< as `problems`
  std::optional<std::filesystem::path> data_root = {};  ///< nothing: $TARDIGRAD_DATA, or ~/.cache/tardigrad/data
  std::optional<unsigned> threads = {};                 ///< nothing: one a core
};

/// How a run is made beside what its scenario says.
struct RunSettings {
  /// Where it writes what `tardigrad run --out` does; nothing: nowhere.
  std::optional<std::filesystem::path> directory = {};
  bool overwrite = false;                                   ///< what is in the directory makes way
  bool resume = false;                                      ///< the run in the directory goes on
  Observer* observer = nullptr;                             ///< called on the caller's thread
  const std::atomic<bool>* interrupted = nullptr;           ///< once true, the run is saved and ends
  std::function<void(const std::string&)> on_trouble = {};  ///< what cannot be written; on any thread
};

/// What a run came to.
struct RunReport {
  StopReason reason = StopReason::idle;
  Time time{};  ///< on the runtime's clock
  std::optional<Time> time_to_target = {};
  Counters counters;
  std::vector<EvaluationRecord> evaluations;  ///< since it was begun or gone on with
  std::vector<Metric> figures;                ///< the method's own
  std::string digest;                         ///< of the whole run; equal digests, equal runs
  std::vector<float> parameters;              ///< x at the end.  Shapes  [d]
};

/// Runs a scenario.
/// Errors  Error for mistakes of the scenario, for a directory that must not be written, and for what the run threw
/// Thread  any; calls may go on side by side where their directories differ
RunReport run(const ScenarioSource& scenario, const RunSettings& settings = {});

/// How a comparison is made beside what its scenario's [compare] says.
struct CompareSettings {
  std::filesystem::path directory;  ///< its runs and tables; what has ended there is not run again
  bool fresh = false;               ///< but now it is
  bool prune = false;               ///< a run ends early when its setting can no longer be its method's best
  const std::atomic<bool>* interrupted = nullptr;
  std::function<void(const std::string&)> on_trouble = {};  ///< on any thread
};

/// One run of a comparison.
struct ComparedRun {
  std::string world, method, setting;  ///< world: "" where there is one; setting: "step_size = 0.1"
  std::uint64_t seed = 0;
  bool search = false;  ///< made to choose a setting: in no figure
  bool ended = false;   ///< else it was broken off or pruned, and what follows is not known
  StopReason reason = StopReason::idle;
  std::optional<double> time_to_target = {};  ///< s
  std::string digest;
};

struct CompareReport {
  bool complete = false;  ///< else it was interrupted; the same call goes on
  std::vector<ComparedRun> runs;
  std::vector<std::string> sentences;  ///< who wins, and by how much, world after world
};

/// Compares methods by a scenario with a [compare] table.
/// Errors  as run
CompareReport compare(const ScenarioSource& scenario, const CompareSettings& settings);

}  // namespace tardigrad
