// SPDX-License-Identifier: Apache-2.0
#include "report/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

void count(EndCounts& counts, RunEnd end) { ++counts.by_end[static_cast<std::size_t>(end)]; }

void finish(SeedsResult& result, const Comparison& comparison) {
  std::vector<double> scores;
  for (const std::size_t run : result.runs)
    if (const auto score = score_of(comparison.rows[run], comparison.goal)) scores.push_back(*score);
  if (!scores.empty()) result.score = estimate(scores, comparison.goal.averaging());
}

std::vector<GridEdge> edges_of(const MethodResult& method) {
  std::vector<GridEdge> edges;
  for (const auto& [key, value] : method.best_setting()->setting) {
    const double* own = std::get_if<double>(&value);
    if (!own || !std::isfinite(*own)) continue;
    bool smaller = false, larger = false;
    for (const SettingResult& setting : method.settings) {
      const Value* found = find_value(setting.setting, key);
      const double* other = found ? std::get_if<double>(found) : nullptr;
      if (!other) continue;  // a word has no place among numbers
      smaller |= *other < *own;
      larger |= *other > *own;
    }
    if (smaller == larger) continue;  // inside the grid, or the only number
    edges.push_back({key, *own, smaller ? GridEdge::Side::largest : GridEdge::Side::smallest});
  }
  return edges;
}

void finish(MethodResult& method, const Comparison& comparison) {
  const auto deciding = [&](const SettingResult& setting) -> const SeedsResult& {
    return method.searched() ? setting.search : setting.reported;
  };
  for (SettingResult& setting : method.settings) {
    finish(setting.search, comparison);
    finish(setting.reported, comparison);
  }
  std::size_t best = 0;
  for (std::size_t i = 1; i < method.settings.size(); ++i)
    if (better(deciding(method.settings[i]), deciding(method.settings[best]), comparison.goal)) best = i;
  const bool scored = deciding(method.settings[best]).score.has_value();
  if (scored || method.settings.size() == 1) method.best = best;
  if (scored) method.edges = edges_of(method);
}

// Places of names in a list, in the order in which they came.
template <class Key>
class Index {
 public:
  std::size_t place(const Key& key) { return places_.try_emplace(key, places_.size()).first->second; }

 private:
  std::map<Key, std::size_t> places_;
};

template <class Item>
Item& at(std::vector<Item>& items, std::size_t place) {
  if (place == items.size()) items.emplace_back();
  return items[place];
}

}  // namespace

const Value* find_value(const Setting& setting, const std::string& key) {
  for (const auto& [name, value] : setting)
    if (name == key) return &value;
  return nullptr;
}

std::optional<double> find_value(const std::vector<Metric>& metrics, const std::string& name) {
  for (const Metric& metric : metrics)
    if (metric.name == name) return metric.value;
  return std::nullopt;
}

double RunRow::share_of_orders(std::uint64_t part) const {
  const std::uint64_t ended = applied + discarded + cancelled + lost + not_finite;
  return ended ? static_cast<double>(part) / static_cast<double>(ended) : 0.0;
}

double RunRow::wasted_share() const {
  const double all = used_seconds + wasted_seconds;
  return all > 0.0 ? wasted_seconds / all : 0.0;
}

std::optional<double> time_to(const Goal& goal, const RunRow& row) {
  if (!goal.threshold) return std::nullopt;
  return goal.rank == Goal::Rank::lasting ? row.lasting_time : row.time_to_target;
}

const char* name_of(RunEnd end) {
  switch (end) {
    case RunEnd::reached:
      return "reached";
    case RunEnd::pruned:
      return "pruned";
    case RunEnd::diverged:
      return "diverged";
    case RunEnd::capped:
      return "capped";
    case RunEnd::stopped:
      return "stopped";
    case RunEnd::interrupted:
      return "interrupted";
    case RunEnd::running:
      return "running";
    case RunEnd::not_started:
      return "not started";
  }
  return "?";
}

RunEnd end_of(const RunRow& row, const Goal& goal) {
  const bool ended = row.stage == RunRow::Stage::ended;
  if (ended && row.reason == StopReason::interrupted && !row.pruned) return RunEnd::interrupted;
  if (ended && time_to(goal, row)) return RunEnd::reached;
  if (row.pruned) return RunEnd::pruned;
  if (row.stage == RunRow::Stage::not_started) return RunEnd::not_started;
  if (row.stage == RunRow::Stage::running) return RunEnd::running;
  if (row.stage == RunRow::Stage::broken_off) return RunEnd::interrupted;
  const std::optional<double> metric = find_value(row.last_metrics, goal.metric);
  if (row.reason == StopReason::diverged || (metric && !std::isfinite(*metric))) return RunEnd::diverged;
  if (row.reason == StopReason::method || row.reason == StopReason::idle || row.reason == StopReason::no_workers)
    return RunEnd::stopped;
  return RunEnd::capped;
}

std::optional<double> score_of(const RunRow& row, const Goal& goal) {
  const RunEnd end = end_of(row, goal);
  if (goal.threshold) return end == RunEnd::reached ? time_to(goal, row) : std::nullopt;
  const std::optional<double> metric = find_value(row.last_metrics, goal.metric);
  return end == RunEnd::capped || end == RunEnd::stopped ? metric : std::nullopt;
}

std::size_t EndCounts::total() const { return std::accumulate(std::begin(by_end), std::end(by_end), std::size_t{0}); }

std::size_t EndCounts::over() const {
  return total() - (*this)[RunEnd::interrupted] - (*this)[RunEnd::running] - (*this)[RunEnd::not_started];
}

EndCounts& EndCounts::operator+=(const EndCounts& other) {
  for (std::size_t i = 0; i < kRunEnds; ++i) by_end[i] += other.by_end[i];
  return *this;
}

const SeedsResult& MethodResult::result() const {
  static const SeedsResult kNone;
  return best ? settings[*best].reported : kNone;
}

bool better_score(double a, double b, const Goal& goal) {
  const bool higher = !goal.threshold && goal.direction == Target::Direction::at_least;
  return higher ? a > b : a < b;
}

bool better(const SeedsResult& a, const SeedsResult& b, const Goal& goal) {
  if (a.scored() != b.scored()) return a.scored() > b.scored();
  return a.score && b.score && better_score(a.score->centre, b.score->centre, goal);
}

Comparison compare(std::vector<RunRow> rows, Goal goal, std::size_t unplanned) {
  Comparison comparison{.goal = std::move(goal), .rows = std::move(rows), .unplanned = unplanned};
  Index<std::string> methods;
  std::vector<Index<Setting>> settings;
  for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
    const RunRow& row = comparison.rows[i];
    const RunEnd end = end_of(row, comparison.goal);
    const std::size_t place = methods.place(row.method);
    MethodResult& method = at(comparison.methods, place);
    method.method = row.method;
    SettingResult& setting = at(method.settings, at(settings, place).place(row.setting));
    setting.setting = row.setting;
    SeedsResult& seeds = row.search ? setting.search : setting.reported;
    seeds.runs.push_back(i);
    count(seeds.ends, end);
    count(row.search ? method.search_ends : method.ends, end);
    count(row.search ? comparison.search_ends : comparison.ends, end);
  }
  for (MethodResult& method : comparison.methods) finish(method, comparison);
  if (!comparison.complete()) return comparison;
  std::ranges::stable_sort(comparison.methods, [&](const MethodResult& a, const MethodResult& b) {
    return better(a.result(), b.result(), comparison.goal);
  });
  return comparison;
}

std::optional<double> mean_over(const Comparison& comparison, const SeedsResult& result,
                                double (*value)(const RunRow&)) {
  double sum = 0.0;
  std::size_t ended = 0;
  for (const std::size_t run : result.runs) {
    if (comparison.rows[run].stage != RunRow::Stage::ended) continue;
    sum += value(comparison.rows[run]);
    ++ended;
  }
  return ended ? std::optional(sum / static_cast<double>(ended)) : std::nullopt;
}

}  // namespace tardigrad::report
