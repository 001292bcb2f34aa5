// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engines/compute_pool.hpp"
#include "experiment/comparison_plan.hpp"
#include "experiment/run_session.hpp"
#include "record/retry_policy.hpp"
#include "report/progress.hpp"

namespace tardigrad {

struct ComparisonOptions {
  std::string title;  ///< of its reports
  std::filesystem::path directory;
  std::optional<unsigned> threads = {};  ///< nothing: one a core
  bool prune = false;                    ///< ends a run when its setting can no longer be its method's best
  bool fresh = false;                    ///< runs again what has ended in an earlier comparison
};

/// What somebody who watches a comparison is asked and told.
struct ComparisonHooks {
  std::function<report::RunProgress&(const std::string& label)> add_progress;  ///< of a run, for as long as it lasts
  std::function<void(const std::string&)> warn;                                ///< on any thread
  /// The settings are chosen: so many runs of them are to be made, and so many of these are there already.
  std::function<void(std::size_t runs, std::size_t adopted)> on_chosen;
  const std::atomic<bool>* interrupted = nullptr;
};

/// Carries a comparison out: the runs that settings are chosen by, then those of the chosen ones, side by side in
/// virtual time and one after another in real time. What ended by itself in an earlier comparison in the same directory
/// is taken over. The tables are written now and then, and at the end.
/// Thread  one; its runs are on threads of its own
class Comparison {
 public:
  /// Checks the whole plan, and takes over what is there.
  /// Errors  Error for mistakes of the scenario, and for a run in its place that came from other data or another
  /// program
  Comparison(const Scenario& scenario, const ComparisonOptions& options, const Sources& sources);

  const ComparisonPlan& plan() const { return plan_; }
  unsigned threads() const { return threads_; }
  std::size_t adopted() const { return adopted_; }    ///< runs that were there
  std::size_t replaced() const { return replaced_; }  ///< runs of other scenarios that are in the way
  /// Runs of settings that are still to be chosen.
  std::size_t waiting() const;

  /// Errors  what a run threw, once the others have stopped
  void run(const ComparisonHooks& hooks);

  enum class Curves : std::uint8_t { none, drawn };
  /// Writes the tables as far as they are; what cannot be written is left out.  Thread  any
  void write_reports(Curves curves);
  /// Writes the tables of a world, for as long as there is hope.  Returns what they say
  report::Comparison write_last_report(const ComparedWorld& compared);

  /// What could not be written in the end.
  const std::optional<std::string>& failure() const { return failure_; }
  /// Threads of a run are still in the problem's hands: the process ends by leaving them.
  bool left_behind() const { return left_behind_; }

 private:
  void check_pruning() const;
  std::size_t adopt_finished(std::size_t first);
  void run_from(std::size_t first, bool prune);
  void run_one(PlannedRun& run, const record::Tell& tell);
  std::optional<RunOutput> execute_when_possible(const RunRequest& request) const;
  void watch(bool prune);
  void prune_hopeless();
  void stop_all();
  bool interrupted() const { return hooks_.interrupted && *hooks_.interrupted; }

  const ComparisonOptions options_;
  const unsigned threads_;
  ComputePool pool_;
  ComparisonPlan plan_;
  unsigned side_by_side_ = 1;  // runs at once
  ComparisonHooks hooks_;
  std::size_t adopted_ = 0, replaced_ = 0;
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;            // guarded by mutex_: what the first run that threw threw
  std::mutex mutex_;                    // guards the runs' stages and results while runs go on
  std::optional<std::string> failure_;  // guarded by it
  bool left_behind_ = false;            // guarded by it
  record::RetryPolicy retry_{{}};
  std::condition_variable changed_;
};

}  // namespace tardigrad
