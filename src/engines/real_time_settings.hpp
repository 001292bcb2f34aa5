// SPDX-License-Identifier: Apache-2.0
// What every runtime whose clock is real has in [run] and [workers].
#pragma once

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

/// Nothing: never.
inline std::optional<Time> restart_of(const RuntimeSettings& settings) {
  const auto found = settings.find(kRestartAfter.key);
  if (found == settings.end()) return std::nullopt;
  return from_seconds(found->second);
}

}  // namespace tardigrad
