// SPDX-License-Identifier: Apache-2.0
#include "experiment/comparison_plan.hpp"

#include <algorithm>
#include <map>

#include "experiment/compare_settings.hpp"
#include "experiment/run_session.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {

report::Goal ComparedWorld::goal() const {
  if (const auto& target = plan.options.target)
    return {.metric = target->metric,
            .direction = target->direction,
            .threshold = target->threshold,
            .hold = target->hold,
            .rank = rank};
  return {.metric = by_seed.front().problem->metric_names().front(),
          .direction = Target::Direction::at_most,
          .threshold = std::nullopt};
}

const World& ComparedWorld::world(std::uint64_t seed) const {
  const auto found = std::ranges::find(by_seed, seed, &World::seed);
  TG_CHECK(found != by_seed.end(), "no world with the seed ", seed);
  return *found;
}

report::RunRow PlannedRun::row() const {
  report::RunRow row{.method = point->method_label,
                     .setting = point->setting,
                     .seed = world->seed,
                     .search = search,
                     .stage = stage,
                     .pruned = pruned,
                     .run_id = id};
  if (stage != Stage::ended) return row;
  const Counters& counters = summary.counters;
  row.reason = summary.reason;
  if (summary.time_to_target) row.time_to_target = to_seconds(*summary.time_to_target);
  if (summary.hits.lasting) row.lasting_time = to_seconds(summary.hits.lasting->time);
  row.later = summary.hits.later;
  row.later_met = summary.hits.later_met;
  row.time = to_seconds(summary.time);
  row.updates = counters.updates;
  row.mean_delay = counters.mean_delay();
  row.delay_max = counters.delay_max;
  if (counters.applied > 0)
    row.clip_rate = static_cast<double>(counters.clipped) / static_cast<double>(counters.applied);
  row.applied = counters.applied;
  row.discarded = counters.discarded;
  row.cancelled = counters.cancelled;
  row.lost = counters.lost;
  row.not_finite = counters.not_finite;
  row.used_seconds = counters.used_seconds;
  row.wasted_seconds = counters.wasted_seconds;
  row.utilisation = summary.runtime.utilisation;
  row.last_metrics = summary.metrics;
  row.digest = summary.digest;
  row.wall_seconds = summary.wall_seconds;
  row.epsilon = report::find_value(summary.figures, "epsilon");
  return row;
}

ComparisonPlan::ComparisonPlan(const Scenario& scenario, const std::filesystem::path& directory, const Sources& sources)
    : methods_(sources.catalogues.methods) {
  const std::unique_ptr<Settings> settings = scenario.compare_settings();
  grid_ = read_grid(*settings);
  settings->finish();
  check_listed(settings->resolved(), {kCompareSettings}, "compare");
  if (grid_.worlds.empty()) worlds_.push_back({.label = "", .scenario = scenario, .directory = directory});
  for (const WorldEntry& entry : grid_.worlds)
    worlds_.push_back(
        {.label = entry.label, .scenario = scenario.with(entry.changes), .directory = directory / entry.label});
  for (ComparedWorld& compared : worlds_) {
    compared.rank = grid_.rank;
    plan_world(compared, sources);
  }
}

bool ComparisonPlan::in_real_time() const { return std::ranges::any_of(worlds_, &ComparedWorld::in_real_time); }

void ComparisonPlan::plan_world(ComparedWorld& compared, const Sources& sources) {
  require_methods(compared.scenario);
  for (const auto* seeds : {&grid_.search_seeds, &grid_.seeds})
    for (const std::uint64_t seed : *seeds) compared.by_seed.push_back(make_world(compared.scenario, seed, sources));
  const bool lasting = compared.rank == report::Goal::Rank::lasting;
  const Use use = lasting ? Use::compare_to_the_end : Use::compare;
  compared.plan = make_run_plan(compared.scenario, use, compared.by_seed.front().problem->metric_names());
  if (lasting && (!compared.plan.options.target || compared.plan.options.stop.at_target))
    throw Error(compared.scenario.file() +
                ": compare.rank_by = \"lasting\": needs a run.target, and runs that go on after it, that is no "
                "run.stop.target = true");
  std::vector<const GridPoint*> points;
  std::map<std::string, std::size_t> settings;
  for (const GridPoint& point : grid_.points) {
    if (!point.worlds.empty() && std::ranges::find(point.worlds, compared.label) == point.worlds.end()) continue;
    points.push_back(&point);
    ++settings[point.method_label];
  }
  for (const GridPoint* point : points) {
    const bool search = !grid_.search_seeds.empty() && settings[point->method_label] > 1;
    add(compared, *point, search ? grid_.search_seeds : grid_.seeds, search);
    if (search && std::ranges::find(compared.unchosen, point->method_label) == compared.unchosen.end())
      compared.unchosen.push_back(point->method_label);
  }
}

void ComparisonPlan::add(const ComparedWorld& compared, const GridPoint& point, const std::vector<std::uint64_t>& seeds,
                         bool search) {
  for (const std::uint64_t seed : seeds) {
    PlannedRun& run = runs_.emplace_back();
    run.point = &point;
    run.compared = &compared;
    run.world = &compared.world(seed);
    run.search = search;
    run.method = make_method(compared.scenario, point.method, point.path, *run.world, methods_);
    run.id = run_id(point, seed);
    run.hash = identity_of(*run.world, run.method, compared.plan).hash;
  }
}

report::Comparison ComparisonPlan::comparison(const ComparedWorld& compared) const {
  std::vector<report::RunRow> rows;
  for (const PlannedRun& run : runs_)
    if (run.compared == &compared) rows.push_back(run.row());
  return report::compare(std::move(rows), compared.goal(), compared.unchosen.size() * grid_.seeds.size());
}

void ComparisonPlan::plan_chosen() {
  for (ComparedWorld& compared : worlds_) {
    const report::Comparison searched = comparison(compared);
    for (const std::string& label : std::exchange(compared.unchosen, {})) {
      const auto method = std::ranges::find(searched.methods, label, &report::MethodResult::method);
      const report::SettingResult* best = method->best_setting();
      if (!best) continue;
      const auto point = std::ranges::find_if(grid_.points, [&](const GridPoint& candidate) {
        return candidate.method_label == label && candidate.setting == best->setting &&
               (candidate.worlds.empty() ||
                std::ranges::find(candidate.worlds, compared.label) != candidate.worlds.end());
      });
      TG_CHECK(point != grid_.points.end(), "no point of ", label);
      add(compared, *point, grid_.seeds, false);
    }
  }
}

}  // namespace tardigrad
