// SPDX-License-Identifier: Apache-2.0
// How progress looks: pure functions from numbers to text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tardigrad/types.hpp"

namespace tardigrad::report {

enum class RunState : std::uint8_t { waiting, running, finished, reached, diverged, pruned, interrupted, failed };
const char* name_of(RunState state);
/// Neither waiting nor running.
bool has_ended(RunState state);

/// What is known of one run at one moment.
struct ProgressRow {
  std::string name;
  RunState state = RunState::waiting;
  std::uint64_t updates = 0, arrived = 0;
  Time time{};            ///< on the runtime's clock
  double fraction = 0.0;  ///< done, in [0, 1]
  std::string metric_name = {};
  double metric = 0.0;                      ///< last value; NaN when there is none
  double updates_per_second = 0.0;          ///< of the wall clock
  std::optional<double> seconds_left = {};  ///< of the wall clock
};

enum class Colour : std::uint8_t { none, ansi };

/// One row of at most `width` columns without a newline: name, bar, percent, metric, time left, virtual time, rate.
/// On a narrow terminal the last ones of this list go first, then the bar; the name is cut at last.
std::string progress_row(const ProgressRow& row, std::size_t width, Colour colour);

/// The rows of many runs in at most `height` lines: those that run, then one line of totals ("12 of 36 runs done,
/// 4 running, 1 diverged"). A single run has no line of totals.
std::vector<std::string> progress_screen(const std::vector<ProgressRow>& rows, std::size_t width, std::size_t height,
                                         Colour colour);

/// "12 of 36 runs done (1 diverged), 4 running"
std::string progress_totals(const std::vector<ProgressRow>& rows);

}  // namespace tardigrad::report
