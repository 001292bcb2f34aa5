// SPDX-License-Identifier: Apache-2.0
// What a comparison has to run: in every world, first what is needed to choose settings, then the chosen ones.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "experiment/grid.hpp"
#include "experiment/run_identity.hpp"
#include "record/run_summary.hpp"
#include "report/comparison.hpp"
#include "report/progress.hpp"

namespace tardigrad {

/// One of the worlds that the methods are compared in: its scenario, and its problem for every seed.
struct ComparedWorld {
  std::string label;  ///< "" when there is only one
  Scenario scenario;
  std::filesystem::path directory;
  report::Goal::Rank rank = report::Goal::Rank::first;
  RunPlan plan = {};
  std::deque<World> by_seed = {};          ///< those of the search included
  std::vector<std::string> unchosen = {};  ///< methods whose setting is still to be chosen

  bool in_real_time() const { return plan.runtime.row->clock == Clock::real_time; }
  report::Goal goal() const;
  const World& world(std::uint64_t seed) const;
};

/// One run of the grid, from the plan to its row in the table.
struct PlannedRun {
  using Stage = report::RunRow::Stage;

  const GridPoint* point;
  const ComparedWorld* compared;
  const World* world;
  bool search;  ///< made to choose a setting, on seeds that are not reported
  MethodPlan method;
  std::string id;
  std::string hash;  ///< of its resolved scenario: recognises its result after a restart
  report::RunProgress* progress = nullptr;
  std::atomic<bool> stop{false};
  bool pruned = false;
  Stage stage = Stage::not_started;
  record::RunSummary summary;  ///< of a run that has ended

  /// Nothing is to be done for it any more.
  bool over() const { return stage == Stage::ended || pruned; }
  std::filesystem::path directory() const { return compared->directory / "runs" / id; }
  report::RunRow row() const;
};

/// Thread  one at a time
class ComparisonPlan {
 public:
  /// Checks everything, and plans the first runs: a method with several settings is run with all of them, on the seeds
  /// of the search where there are such; one with a single setting needs no search.
  /// Errors  Error for mistakes of the scenario
  ComparisonPlan(const Scenario& scenario, const std::filesystem::path& directory, const Sources& sources);

  const Grid& grid() const { return grid_; }
  const std::deque<ComparedWorld>& worlds() const { return worlds_; }
  std::deque<PlannedRun>& runs() { return runs_; }
  const std::deque<PlannedRun>& runs() const { return runs_; }
  bool in_real_time() const;

  /// The comparison in a world as far as it is.
  report::Comparison comparison(const ComparedWorld& compared) const;
  /// Once the runs of the search are over: plans those of each method's best setting on the seeds of the report. A
  /// method that has none is not run there.
  void plan_chosen();

 private:
  void plan_world(ComparedWorld& compared, const Sources& sources);
  void add(const ComparedWorld& compared, const GridPoint& point, const std::vector<std::uint64_t>& seeds, bool search);

  const methods::MethodCatalogue& methods_;
  Grid grid_;
  std::deque<ComparedWorld> worlds_;
  std::deque<PlannedRun> runs_;
};

}  // namespace tardigrad
