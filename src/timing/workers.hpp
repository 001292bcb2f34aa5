// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tardigrad/availability.hpp"
#include "tardigrad/compute_time.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::timing {

/// How many workers there are, and how long each takes.
struct WorkersSpec {
  std::size_t count;
  std::unique_ptr<ComputeTime> compute_time;
  std::unique_ptr<Availability> availability = {};  ///< nothing: everybody is always there
};

/// Must every worker have a compute time? Where it may be absent, a worker is as fast as it can be.
enum class ComputeTimes : std::uint8_t { required, optional };

/// Reads the `workers` table of a scenario, in one of two forms:
///
///   count = 16, compute_time = 1.0 | { kind = "...", ... } | [one number for each worker]
///   groups = [ { count = 8, compute_time = 1.0 }, { count = 8, compute_time = { kind = "...", ... } } ]
///
///
/// and, beside count or in a group, `availability` (make_availability).
/// Workers are numbered 0, 1, ... in the order of the groups. A group costs the same memory for any count.
/// Errors  Error: both forms at once; neither; more workers than 2^32 - 1; a list of another length than count
WorkersSpec make_workers(Settings& settings, std::uint64_t seed, ComputeTimes times = ComputeTimes::required);

}  // namespace tardigrad::timing
