// SPDX-License-Identifier: Apache-2.0
// What every runtime whose clock is real has in [run] and [workers].
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "engines/runtime_row.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad {

// From before times of nanoseconds run over (timing::kLongestSeconds).
inline constexpr double kLongestRestart = 1e8;

inline constexpr Setting<double> kTimeScale = {
    .key = "time_scale",
    .fallback = 1.0,
    .range = {.low = 1e-6, .high = 1e6},
    .unit = "real s per s",
    .meaning = "how long a second of the run takes: paces, availability and stops are scaled"};
inline constexpr Setting<double> kRestartAfter = {
    .key = "restart_after",
    .default_in_words = "never",
    .range = {.low = 0.0, .high = kLongestRestart},
    .unit = "s",
    .meaning = "a worker that failed returns after so long; without it never"};
inline constexpr Setting<std::int64_t> kAtStart = {.key = "at_start",
                                                   .default_in_words = "all; 1 where workers come from elsewhere",
                                                   .range = {.low = 1.0},
                                                   .meaning = "a run begins when so many workers have joined"};

/// Of so many workers.
inline std::size_t present_at_start(const RuntimeSettings& settings, std::size_t workers) {
  const auto found = settings.find(kAtStart.key);
  return found == settings.end() ? workers : static_cast<std::size_t>(found->second);
}

/// Of a runtime that serves workers elsewhere (RuntimeRow::serves).
inline constexpr Setting<bool> kOwnData = {
    .key = "own_data",
    .fallback = false,
    .meaning = "workers elsewhere draw from training data of their own, which nobody else sees"};

/// Nothing: never.
inline std::optional<Time> restart_of(const RuntimeSettings& settings) {
  const auto found = settings.find(kRestartAfter.key);
  if (found == settings.end()) return std::nullopt;
  return from_seconds(found->second);
}

}  // namespace tardigrad
