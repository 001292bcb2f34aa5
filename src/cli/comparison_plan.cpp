// SPDX-License-Identifier: Apache-2.0
#include "cli/comparison_plan.hpp"

#include <algorithm>
#include <map>

#include "cli/execute.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {

report::Goal Arena::goal() const {
  if (const auto& target = plan.options.target)
    return {.metric = target->metric,
            .direction = target->direction,
            .threshold = target->threshold,
            .hold = target->hold,
            .rank = rank};
  return {.metric = worlds.front().problem->metric_names().front(),
          .direction = Target::Direction::at_most,
          .threshold = std::nullopt};
}

const World& Arena::world(std::uint64_t seed) const {
  const auto found = std::ranges::find(worlds, seed, &World::seed);
  TG_CHECK(found != worlds.end(), "no world with the seed ", seed);
  return *found;
}

report::RunRow Job::row() const {
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

ComparisonPlan::ComparisonPlan(const Scenario& scenario, const std::filesystem::path& directory,
                               const Sources& sources) {
  const std::unique_ptr<Settings> settings = scenario.compare_settings();
  grid_ = read_grid(*settings);
  settings->finish();
  if (grid_.worlds.empty()) arenas_.push_back({.label = "", .scenario = scenario, .directory = directory});
  for (const WorldEntry& world : grid_.worlds)
    arenas_.push_back(
        {.label = world.label, .scenario = scenario.with(world.changes), .directory = directory / world.label});
  for (Arena& arena : arenas_) {
    arena.rank = grid_.rank;
    plan_arena(arena, sources);
  }
}

bool ComparisonPlan::on_threads() const { return std::ranges::any_of(arenas_, &Arena::on_threads); }

void ComparisonPlan::plan_arena(Arena& arena, const Sources& sources) {
  arena.scenario.require_methods();
  for (const auto* seeds : {&grid_.search_seeds, &grid_.seeds})
    for (const std::uint64_t seed : *seeds) arena.worlds.push_back(arena.scenario.make_world(seed, sources));
  const bool lasting = arena.rank == report::Goal::Rank::lasting;
  const Scenario::Use use = lasting ? Scenario::Use::compare_to_the_end : Scenario::Use::compare;
  arena.plan = arena.scenario.make_run_plan(use, arena.worlds.front().problem->metric_names());
  if (lasting && (!arena.plan.options.target || arena.plan.options.stop.at_target))
    throw Error(arena.scenario.file() +
                ": compare.rank_by = \"lasting\": needs a run.target, and runs that go on after it, that is no "
                "run.stop.target = true");
  std::vector<const GridPoint*> points;
  std::map<std::string, std::size_t> settings;
  for (const GridPoint& point : grid_.points) {
    if (!point.worlds.empty() && std::ranges::find(point.worlds, arena.label) == point.worlds.end()) continue;
    points.push_back(&point);
    ++settings[point.method_label];
  }
  for (const GridPoint* point : points) {
    const bool search = !grid_.search_seeds.empty() && settings[point->method_label] > 1;
    add(arena, *point, search ? grid_.search_seeds : grid_.seeds, search);
    if (search && std::ranges::find(arena.unchosen, point->method_label) == arena.unchosen.end())
      arena.unchosen.push_back(point->method_label);
  }
}

void ComparisonPlan::add(const Arena& arena, const GridPoint& point, const std::vector<std::uint64_t>& seeds,
                         bool search) {
  for (const std::uint64_t seed : seeds) {
    Job& job = jobs_.emplace_back();
    job.point = &point;
    job.arena = &arena;
    job.world = &arena.world(seed);
    job.search = search;
    job.method = arena.scenario.make_method(point.method, point.path, *job.world);
    job.id = run_id(point, seed);
    job.hash = identity_of(*job.world, job.method, arena.plan).hash;
  }
}

report::Comparison ComparisonPlan::comparison(const Arena& arena) const {
  std::vector<report::RunRow> rows;
  for (const Job& job : jobs_)
    if (job.arena == &arena) rows.push_back(job.row());
  return report::compare(std::move(rows), arena.goal(), arena.unchosen.size() * grid_.seeds.size());
}

void ComparisonPlan::plan_chosen() {
  for (Arena& arena : arenas_) {
    const report::Comparison searched = comparison(arena);
    for (const std::string& label : std::exchange(arena.unchosen, {})) {
      const auto method = std::ranges::find(searched.methods, label, &report::MethodResult::method);
      const report::SettingResult* best = method->best_setting();
      if (!best) continue;
      const auto point = std::ranges::find_if(grid_.points, [&](const GridPoint& candidate) {
        return candidate.method_label == label && candidate.setting == best->setting &&
               (candidate.worlds.empty() || std::ranges::find(candidate.worlds, arena.label) != candidate.worlds.end());
      });
      TG_CHECK(point != grid_.points.end(), "no point of ", label);
      add(arena, *point, grid_.seeds, false);
    }
  }
}

}  // namespace tardigrad::cli
