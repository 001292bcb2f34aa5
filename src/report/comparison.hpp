// SPDX-License-Identifier: Apache-2.0
// Methods against each other, each at its best setting: nothing is dropped, and the rule is written down.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "report/statistics.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad::report {

/// What a key of a method was set to. Infinity means "no limit".
using Value = std::variant<double, bool, std::string>;

/// A point of a method's grid: ("clip_radius", "auto"), ("step_size", 0.1), ... : all that was given.
using Setting = std::vector<std::pair<std::string, Value>>;

/// One run of the grid.
struct RunRow {
  std::string method;
  Setting setting = {};
  std::uint64_t seed = 1;
  bool search = false;  ///< made to choose a setting; in no figure but those of the search
  enum class Stage : std::uint8_t { not_started, running, broken_off, ended } stage = Stage::ended;
  bool pruned = false;  ///< stopped early by the comparison, as it could not win any more
  std::string run_id = {};
  // What follows is known of a run that has ended, be it by Ctrl-C; one that was broken off left nothing.
  StopReason reason = StopReason::idle;
  std::optional<double> time_to_target = {};  ///< seconds
  std::optional<double> lasting_time = {};    ///< seconds from which on the target was met until the end
  std::uint64_t later = 0, later_met = 0;     ///< evaluations after the first that met the target; that met it too
  double time = 0.0;                          ///< seconds, at the end of the run
  std::uint64_t updates = 0;
  double mean_delay = 0.0;
  std::uint64_t delay_max = 0;
  double clip_rate = 0.0;  ///< share of the applied gradients that were clipped
  /// Orders by how they ended; those in flight at the end of the run are in none.
  std::uint64_t applied = 0, discarded = 0, cancelled = 0, lost = 0, not_finite = 0;
  /// What workers took for what was applied, and for what was not.
  double used_seconds = 0.0, wasted_seconds = 0.0;
  double utilisation = 0.0;  ///< share of the workers' time that was spent computing
  std::vector<Metric> last_metrics = {};
  std::string digest = {};
  double wall_seconds = 0.0;
  std::optional<double> epsilon = {};  ///< of the account of privacy, where the method kept one

  /// A part of the orders that came to an end.
  double share_of_orders(std::uint64_t part) const;
  /// Of the worker time of orders that came to an end, the share that bought nothing.
  double wasted_share() const;
};

const Value* find_value(const Setting& setting, const std::string& key);
std::optional<double> find_value(const std::vector<Metric>& metrics, const std::string& name);

/// What methods are compared by: with a threshold the time until the metric reaches it, without one the last value
/// of the metric.
struct Goal {
  std::string metric;
  Target::Direction direction = Target::Direction::at_most;
  std::optional<double> threshold = {};
  std::uint64_t hold = 1;  ///< evaluations in a row that must meet it
  /// By the time until it was reached first, or until it was reached for good: to the end of the run.
  enum class Rank : std::uint8_t { first, lasting } rank = Rank::first;
  /// Of scores: seeds multiply times, and add to metrics.
  Averaging averaging() const { return threshold ? Averaging::geometric : Averaging::arithmetic; }
};

/// How a run ended, if it did.
enum class RunEnd : std::uint8_t {
  reached,  ///< the target, as the goal ranks it, whatever came later, unless it was broken off
  pruned,
  diverged,     ///< infinity or NaN, in the run or in its last metric
  capped,       ///< time, update or gradient budget spent
  stopped,      ///< the method stopped, or nothing was left to do
  interrupted,  ///< broken off: it will be run again
  running,      ///< at the moment of the report
  not_started,
};
inline constexpr std::size_t kRunEnds = 8;

const char* name_of(RunEnd end);
/// The time to the target by which runs are ranked.
std::optional<double> time_to(const Goal& goal, const RunRow& row);
RunEnd end_of(const RunRow& row, const Goal& goal);

/// The value that a run brings to the comparison: its time to the target; without a target the last value of the
/// metric, if the run ended by itself or by its budget. Nothing for a run that failed, or has not ended.
std::optional<double> score_of(const RunRow& row, const Goal& goal);

/// Runs by how they ended.
struct EndCounts {
  std::size_t by_end[kRunEnds] = {};
  std::size_t operator[](RunEnd end) const { return by_end[static_cast<std::size_t>(end)]; }
  std::size_t total() const;
  /// Those that are over: no result of them is still to come.
  std::size_t over() const;
  EndCounts& operator+=(const EndCounts& other);
};

/// One setting over seeds.
struct SeedsResult {
  std::vector<std::size_t> runs = {};  ///< indices into Comparison::rows
  EndCounts ends = {};
  std::optional<Estimate> score = {};  ///< over the runs that have one; nothing when there is none
  std::size_t scored() const { return score ? score->n() : 0; }
  /// Every seed has a score. The average of an incomplete setting leaves its failures out: it flatters.
  bool complete() const { return scored() == runs.size(); }
};

/// One grid point of one method.
struct SettingResult {
  Setting setting = {};
  SeedsResult search = {};    ///< on the seeds that settings are chosen on, where those are seeds of their own
  SeedsResult reported = {};  ///< on the seeds of the report
};

/// A grid key whose best value is the smallest or largest number that was tried: a better one may lie beyond.
struct GridEdge {
  std::string key;
  double value = 0.0;
  enum class Side : std::uint8_t { smallest, largest } side = Side::smallest;
};

struct MethodResult {
  std::string method;
  std::vector<SettingResult> settings = {};  ///< in the order of the grid
  std::optional<std::size_t> best = {};      ///< index into `settings`; nothing: no setting has a score to be chosen by
  EndCounts search_ends = {}, ends = {};     ///< over the whole grid: on the seeds of the search, and of the report
  std::vector<GridEdge> edges = {};          ///< of the best setting; infinity has no beyond

  bool searched() const { return search_ends.total() > 0; }  ///< on seeds of its own
  const SettingResult* best_setting() const { return best ? &settings[*best] : nullptr; }
  /// Of the best setting, on the seeds of the report; empty when there is none.
  const SeedsResult& result() const;
};

struct Comparison {
  Goal goal;
  std::vector<RunRow> rows = {};
  /// Best first, if all runs are over; else in the order of the scenario, as an order would be a result.
  std::vector<MethodResult> methods = {};
  EndCounts search_ends = {}, ends = {};
  std::size_t unplanned = 0;  ///< runs of settings that are still to be chosen

  bool searched() const { return search_ends.total() > 0; }
  std::size_t total() const { return rows.size() + unplanned; }
  std::size_t over() const { return search_ends.over() + ends.over(); }
  /// All runs are over, so that results can be told.
  bool complete() const { return over() == total(); }
};

/// Best setting of a method:  most seeds with a score; then the best average score over those seeds (lowest geometric
/// mean of times to target, or lowest / highest arithmetic mean of the metric); ties go to the first in the order of
/// the grid. The seeds are those of the search where the method has runs there, else those of the report. A method's
/// only setting is its best one. Methods are put in order by the results of their best settings with the same rule.
Comparison compare(std::vector<RunRow> rows, Goal goal, std::size_t unplanned = 0);

/// Whether the score `a` is strictly better than `b`: lower, unless the last value of a metric should be high.
bool better_score(double a, double b, const Goal& goal);

/// Whether `a` is strictly better than `b` by that rule.
bool better(const SeedsResult& a, const SeedsResult& b, const Goal& goal);

/// The mean of `value` over those runs that have ended, however they did; nothing when there are none.
std::optional<double> mean_over(const Comparison& comparison, const SeedsResult& result,
                                double (*value)(const RunRow&));

}  // namespace tardigrad::report
