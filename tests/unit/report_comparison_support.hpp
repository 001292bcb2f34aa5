// SPDX-License-Identifier: Apache-2.0
// Rows of comparisons.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/comparison.hpp"

namespace tardigrad::report {

inline const Goal kTimeToLoss{.metric = "loss", .direction = Target::Direction::at_most, .threshold = 0.001};
inline const Goal kFinalLoss{.metric = "loss", .direction = Target::Direction::at_most};
inline const Goal kFinalAccuracy{.metric = "accuracy", .direction = Target::Direction::at_least};
inline const std::optional<double> kNever;

/// A run that reached the target, or was capped.
inline RunRow row(const std::string& method, double step_size, std::uint64_t seed,
                  std::optional<double> time_to_target) {
  return {.method = method,
          .setting = {{"step_size", step_size}},
          .seed = seed,
          .run_id = method + "/" + std::to_string(seed),
          .reason = time_to_target ? StopReason::target : StopReason::time,
          .time_to_target = time_to_target,
          .time = time_to_target.value_or(300.0),
          .updates = 1000,
          .mean_delay = 2.5,
          .delay_max = 9,
          .clip_rate = 0.125,
          .applied = 700,
          .discarded = 10,
          .cancelled = 240,
          .lost = 50,
          .used_seconds = 750,
          .wasted_seconds = 250,
          .utilisation = 0.987,
          .last_metrics = {{"loss", time_to_target ? 0.001 : 0.5}},
          .digest = "d",
          .wall_seconds = 1.5};
}

inline RunRow ended(RunRow result, StopReason reason) {
  result.reason = reason;
  return result;
}

inline RunRow with_loss(RunRow result, double loss) {
  result.last_metrics = {{"loss", loss}};
  return result;
}

inline RunRow for_search(RunRow result) {
  result.search = true;
  return result;
}

/// One that has not ended: nothing is known of it.
inline RunRow at_stage(const RunRow& result, RunRow::Stage stage) {
  return {.method = result.method,
          .setting = result.setting,
          .seed = result.seed,
          .search = result.search,
          .stage = stage,
          .run_id = result.run_id};
}

/// One row a seed, from 1 on.
inline std::vector<RunRow> rows_of(const std::string& method, const std::vector<std::optional<double>>& times) {
  std::vector<RunRow> rows;
  for (std::size_t i = 0; i < times.size(); ++i) rows.push_back(row(method, 1, i + 1, times[i]));
  return rows;
}

inline std::vector<RunRow> joined(std::vector<RunRow> rows, const std::vector<RunRow>& more) {
  rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

inline std::vector<RunRow> example() {
  return {row("vanilla-asgd", 0.05, 1, 64), row("vanilla-asgd", 0.05, 2, 100),
          row("vanilla-asgd", 0.1, 1, 61),  ended(row("vanilla-asgd", 0.1, 2, kNever), StopReason::diverged),
          row("vanilla-asgd", 0.02, 1, 90), row("vanilla-asgd", 0.02, 2, 92),
          row("clipped-asgd", 0.1, 1, 32),  row("clipped-asgd", 0.1, 2, 50),
          row("naive", 0.1, 1, kNever),     row("naive", 0.1, 2, kNever)};
}

}  // namespace tardigrad::report
