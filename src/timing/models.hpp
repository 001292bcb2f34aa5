// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>

#include "tardigrad/compute_time.hpp"
#include "tardigrad/setting.hpp"
#include "timing/settings.hpp"

namespace tardigrad::timing {

/// A row of the catalogue of compute-time models.
struct ModelRow {
  const SettingVariant& law;
  /// Reads the keys of a `{ kind = ..., ... }` table.
  std::unique_ptr<ComputeTime> (*make)(Settings& table, std::uint64_t seed);
};

/// Every model, in the order of `tardigrad list timing`.
std::span<const ModelRow> models();

/// The same time for every order.
/// Pre  0 < seconds <= kLongestSeconds
std::unique_ptr<ComputeTime> make_constant(double seconds);

/// Reads `settings.key`: a number of seconds, or `{ kind = "...", ... }`. The draws of (worker, index) come from the
/// stream (seed, compute_time, worker, index), rounded to nanoseconds, at least 1 ns.
/// Errors  Error: neither number nor table; unknown kind, with the nearest; a key out of its range
std::unique_ptr<ComputeTime> make_compute_time(Settings& settings, const std::string& key, std::uint64_t seed);

/// Seconds to the clock's unit: rounded to nanoseconds, at least 1 ns, at most kLongestSeconds.
Time to_compute_time(double seconds);

}  // namespace tardigrad::timing
