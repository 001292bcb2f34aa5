// SPDX-License-Identifier: Apache-2.0
#include "record/workers_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "record/json.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void add_spread(std::vector<Metric>& spread, const std::string& name, std::vector<double> values) {
  const double mean = mean_of(values);
  std::vector<double> squares;
  for (const double value : values) squares.push_back((value - mean) * (value - mean));
  spread.push_back({name + "_mean", mean});
  spread.push_back({name + "_deviation", std::sqrt(mean_of(squares))});
  // NaN has no place in an order: where one is, nothing is known of the quantiles.
  const bool ordered = std::none_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
  std::sort(values.begin(), ordered ? values.end() : values.begin());
  constexpr std::pair<const char*, double> kQuantiles[] = {
      {"_min", 0.0}, {"_p10", 0.1}, {"_median", 0.5}, {"_p90", 0.9}, {"_max", 1.0}};
  for (const auto& [ending, q] : kQuantiles)
    spread.push_back({name + ending, ordered ? quantile(values, q) : std::numeric_limits<double>::quiet_NaN()});
}

Json or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

// "37 to 4203"
std::string range_of(std::span<const double> sorted) {
  return sorted.front() == sorted.back() ? fmt::format("{}", sorted.front())
                                         : fmt::format("{} to {}", sorted.front(), sorted.back());
}

}  // namespace

double quantile(std::span<const double> sorted, double q) {
  TG_CHECK(!sorted.empty() && q >= 0.0 && q <= 1.0, "quantile ", q, " of ", sorted.size());
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = place - static_cast<double>(below);
  return part == 0.0 ? sorted[below] : sorted[below] + part * (sorted[above] - sorted[below]);
}

std::string spread_text(std::span<const Metric> spread, const std::string& name) {
  const auto value = [&](const char* ending) -> std::optional<double> {
    for (const Metric& metric : spread)
      if (metric.name == name + ending) return metric.value;
    return std::nullopt;
  };
  if (!value("_mean")) return "";
  return fmt::format("{:.6g} to {:.6g} (p10 {:.4g}, median {:.4g}, p90 {:.4g}), mean {:.4g}", *value("_min"),
                     *value("_max"), *value("_p10"), *value("_median"), *value("_p90"), *value("_mean"));
}

std::string partition_rows(const Problem& problem, std::size_t workers) {
  std::string rows;
  for (std::size_t i = 0; i < workers; ++i) {
    const auto worker = static_cast<WorkerId>(i);
    Json row = {{"worker", worker}, {"examples", static_cast<std::uint64_t>(problem.examples(worker))}};
    if (const std::vector<std::uint64_t> classes = problem.class_counts(worker); !classes.empty())
      row["classes"] = classes;
    rows += to_line(row) + "\n";
  }
  return rows;
}

std::string partition_summary(const Problem& problem, std::size_t workers) {
  std::vector<double> sizes, kinds;
  for (std::size_t i = 0; i < workers; ++i) {
    const auto worker = static_cast<WorkerId>(i);
    sizes.push_back(problem.examples(worker));
    const std::vector<std::uint64_t> counts = problem.class_counts(worker);
    if (!counts.empty())
      kinds.push_back(static_cast<double>(counts.size()) -
                      static_cast<double>(std::count(counts.begin(), counts.end(), std::uint64_t{0})));
  }
  const double all = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  std::sort(sizes.begin(), sizes.end());
  std::sort(kinds.begin(), kinds.end());
  std::string text =
      fmt::format("{} worker{} with {} of {} examples", workers, workers == 1 ? "" : "s", range_of(sizes), all);
  if (sizes.front() != sizes.back()) text += fmt::format(" (median {})", quantile(sizes, 0.5));
  if (kinds.empty()) return text;
  text += fmt::format(", {} class{} each", range_of(kinds), kinds.back() == 1 ? "" : "es");
  if (kinds.front() != kinds.back()) text += fmt::format(" (median {})", quantile(kinds, 0.5));
  return text;
}

std::string score_rows(const Problem& problem, std::span<const WorkerScore> scores) {
  std::string rows;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto worker = static_cast<WorkerId>(i);
    Json row = {{"worker", worker},
                {"examples", static_cast<std::uint64_t>(problem.examples(worker))},
                {"loss", or_null(scores[i].loss)}};
    if (scores[i].accuracy) row["accuracy"] = or_null(*scores[i].accuracy);
    rows += to_line(row) + "\n";
  }
  return rows;
}

std::vector<Metric> spread_of(const Problem& problem, std::span<const WorkerScore> scores) {
  std::vector<double> losses, accuracies;
  double weighed = 0.0, weights = 0.0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    losses.push_back(scores[i].loss);
    if (scores[i].accuracy) accuracies.push_back(*scores[i].accuracy);
    const double weight = problem.objective() == Objective::examples ? problem.examples(static_cast<WorkerId>(i)) : 1.0;
    weighed += weight * scores[i].loss;
    weights += weight;
  }
  std::vector<Metric> spread = {{"objective_loss", weighed / weights}};
  add_spread(spread, "loss", std::move(losses));
  if (!accuracies.empty()) add_spread(spread, "accuracy", std::move(accuracies));
  return spread;
}

}  // namespace tardigrad::record
