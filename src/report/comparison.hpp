// SPDX-License-Identifier: Apache-2.0
// Methods against each other, each at its best setting: nothing is dropped, and the rule is written down.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "report/statistics.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad::report {

/// A point of a method's grid: ("step_size", 0.1), ("clip_radius", 1.0), ... Infinity means "no limit".
using Setting = std::vector<std::pair<std::string, double>>;

/// One run of the grid.
struct RunRow {
  std::string method;
  Setting setting;
  std::uint64_t seed = 1;
  StopReason reason = StopReason::idle;
  std::optional<double> time_to_target;  ///< seconds
  double time = 0.0;                     ///< seconds, at the end of the run
  std::uint64_t updates = 0;
  double mean_delay = 0.0;
  std::uint64_t delay_max = 0;
  double clip_rate = 0.0;        ///< share of the applied gradients that were clipped
  double discarded_share = 0.0;  ///< share of the arrived gradients that were discarded
  double utilisation = 0.0;      ///< share of the workers' time that was spent computing
  std::vector<Metric> last_metrics;
  std::string digest;
  double wall_seconds = 0.0;
  std::string run_id;
  bool pruned = false;  ///< stopped early by the comparison, as it could not win any more
};

std::optional<double> find_value(const Setting& setting, const std::string& key);
std::optional<double> find_value(const std::vector<Metric>& metrics, const std::string& name);

/// What methods are compared by: with a threshold the time until the metric reaches it, without one the last value
/// of the metric.
struct Goal {
  std::string metric;
  Target::Direction direction = Target::Direction::at_most;
  std::optional<double> threshold = {};
};

/// How a run ended; the first that applies.
enum class RunEnd : std::uint8_t {
  reached,  ///< met the target, whatever came later
  pruned,
  diverged,  ///< infinity or NaN, in the run or in its last metric
  interrupted,
  capped,   ///< time, update or gradient budget spent
  stopped,  ///< the method stopped, or nothing was left to do
};
inline constexpr std::size_t kRunEnds = 6;

const char* name_of(RunEnd end);
RunEnd end_of(const RunRow& row, const Goal& goal);

/// The value that a run brings to the comparison: its time to the target; without a target the last value of the
/// metric, if the run ended by itself or by its budget. Nothing for a run that failed.
std::optional<double> score_of(const RunRow& row, const Goal& goal);

/// Runs by how they ended.
struct EndCounts {
  std::size_t by_end[kRunEnds] = {};
  std::size_t operator[](RunEnd end) const { return by_end[static_cast<std::size_t>(end)]; }
  std::size_t total() const;
};

/// One grid point of one method, over its seeds.
struct SettingResult {
  Setting setting;
  std::vector<std::size_t> runs;  ///< indices into Comparison::rows
  EndCounts ends;
  std::size_t scored = 0;         ///< runs that have a score
  std::optional<Estimate> score;  ///< over those; nothing when there is none
  /// Every seed has a score. The mean of an incomplete setting leaves its failures out: it flatters.
  bool complete() const { return scored == runs.size(); }
};

/// A grid key whose best value is the smallest or largest that was tried: a better one may lie beyond.
struct GridEdge {
  std::string key;
  double value = 0.0;
  enum class Side : std::uint8_t { smallest, largest } side = Side::smallest;
};

struct MethodResult {
  std::string method;
  std::vector<SettingResult> settings;  ///< in the order of the grid
  std::size_t best = 0;                 ///< index into `settings`
  EndCounts ends;                       ///< over the whole grid
  std::vector<GridEdge> edges;          ///< of the best setting; infinity has no beyond
  const SettingResult& best_setting() const { return settings[best]; }
};

struct Comparison {
  Goal goal;
  std::vector<RunRow> rows = {};
  std::vector<MethodResult> methods = {};  ///< best first
  EndCounts ends = {};
};

/// Best setting of a method:  most seeds with a score; then the best mean score over those seeds (lowest time to
/// target, or lowest / highest metric); ties go to the first in the order of the grid. Methods are put in order by
/// their best settings with the same rule.
Comparison compare(std::vector<RunRow> rows, Goal goal);

/// Whether the score `a` is strictly better than `b`: lower, unless the last value of a metric should be high.
bool better_score(double a, double b, const Goal& goal);

/// Whether `a` is strictly better than `b` by that rule.
bool better(const SettingResult& a, const SettingResult& b, const Goal& goal);

/// The mean of `value` over the runs of a setting.
double mean_over(const Comparison& comparison, const SettingResult& setting, double (*value)(const RunRow&));

}  // namespace tardigrad::report
