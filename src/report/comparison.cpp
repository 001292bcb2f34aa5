// SPDX-License-Identifier: Apache-2.0
#include "report/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

template <class Items, class Key, class Value>
auto& find_or_add(Items& items, Key key, const Value& value) {
  const auto found = std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.*key == value; });
  if (found != items.end()) return *found;
  auto& added = items.emplace_back();
  added.*key = value;
  return added;
}

void count(EndCounts& counts, RunEnd end) { ++counts.by_end[static_cast<std::size_t>(end)]; }

void finish(SettingResult& setting, const Comparison& comparison) {
  std::vector<double> scores;
  for (const std::size_t run : setting.runs)
    if (const auto score = score_of(comparison.rows[run], comparison.goal)) scores.push_back(*score);
  setting.scored = scores.size();
  if (!scores.empty()) setting.score = estimate(scores);
}

std::vector<GridEdge> edges_of(const MethodResult& method) {
  std::vector<GridEdge> edges;
  for (const auto& [key, value] : method.best_setting().setting) {
    bool smaller = false, larger = false;
    for (const SettingResult& setting : method.settings) {
      const double other = find_value(setting.setting, key).value_or(value);
      smaller |= other < value;
      larger |= other > value;
    }
    if (smaller == larger || !std::isfinite(value)) continue;  // inside the grid, or the only value
    edges.push_back({key, value, smaller ? GridEdge::Side::largest : GridEdge::Side::smallest});
  }
  return edges;
}

void finish(MethodResult& method, const Comparison& comparison) {
  for (SettingResult& setting : method.settings) finish(setting, comparison);
  for (std::size_t i = 1; i < method.settings.size(); ++i)
    if (better(method.settings[i], method.best_setting(), comparison.goal)) method.best = i;
  if (method.best_setting().score) method.edges = edges_of(method);
}

}  // namespace

std::optional<double> find_value(const Setting& setting, const std::string& key) {
  for (const auto& [name, value] : setting)
    if (name == key) return value;
  return std::nullopt;
}

std::optional<double> find_value(const std::vector<Metric>& metrics, const std::string& name) {
  for (const Metric& metric : metrics)
    if (metric.name == name) return metric.value;
  return std::nullopt;
}

const char* name_of(RunEnd end) {
  switch (end) {
    case RunEnd::reached:
      return "reached";
    case RunEnd::pruned:
      return "pruned";
    case RunEnd::diverged:
      return "diverged";
    case RunEnd::interrupted:
      return "interrupted";
    case RunEnd::capped:
      return "capped";
    case RunEnd::stopped:
      return "stopped";
  }
  return "?";
}

RunEnd end_of(const RunRow& row, const Goal& goal) {
  if (goal.threshold && row.time_to_target) return RunEnd::reached;
  if (row.pruned) return RunEnd::pruned;
  const std::optional<double> metric = find_value(row.last_metrics, goal.metric);
  if (row.reason == StopReason::diverged || (metric && !std::isfinite(*metric))) return RunEnd::diverged;
  if (row.reason == StopReason::interrupted) return RunEnd::interrupted;
  if (row.reason == StopReason::method || row.reason == StopReason::idle) return RunEnd::stopped;
  return RunEnd::capped;
}

std::optional<double> score_of(const RunRow& row, const Goal& goal) {
  if (goal.threshold) return row.time_to_target;
  const RunEnd end = end_of(row, goal);
  const std::optional<double> metric = find_value(row.last_metrics, goal.metric);
  return end == RunEnd::capped || end == RunEnd::stopped ? metric : std::nullopt;
}

std::size_t EndCounts::total() const { return std::accumulate(std::begin(by_end), std::end(by_end), std::size_t{0}); }

bool better_score(double a, double b, const Goal& goal) {
  const bool higher = !goal.threshold && goal.direction == Target::Direction::at_least;
  return higher ? a > b : a < b;
}

bool better(const SettingResult& a, const SettingResult& b, const Goal& goal) {
  if (a.scored != b.scored) return a.scored > b.scored;
  return a.score && b.score && better_score(a.score->mean, b.score->mean, goal);
}

Comparison compare(std::vector<RunRow> rows, Goal goal) {
  Comparison comparison{.goal = std::move(goal), .rows = std::move(rows)};
  for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
    const RunRow& row = comparison.rows[i];
    const RunEnd end = end_of(row, comparison.goal);
    MethodResult& method = find_or_add(comparison.methods, &MethodResult::method, row.method);
    SettingResult& setting = find_or_add(method.settings, &SettingResult::setting, row.setting);
    setting.runs.push_back(i);
    for (EndCounts* counts : {&setting.ends, &method.ends, &comparison.ends}) count(*counts, end);
  }
  for (MethodResult& method : comparison.methods) finish(method, comparison);
  std::stable_sort(comparison.methods.begin(), comparison.methods.end(),
                   [&](const MethodResult& a, const MethodResult& b) {
                     return better(a.best_setting(), b.best_setting(), comparison.goal);
                   });
  return comparison;
}

double mean_over(const Comparison& comparison, const SettingResult& setting, double (*value)(const RunRow&)) {
  double sum = 0.0;
  for (const std::size_t run : setting.runs) sum += value(comparison.rows[run]);
  return sum / static_cast<double>(setting.runs.size());
}

}  // namespace tardigrad::report
