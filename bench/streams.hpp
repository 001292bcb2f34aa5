// SPDX-License-Identifier: Apache-2.0
// Floors: plain loops that only move bytes, through as many vectors as something else must move.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tardigrad::bench {

/// How many vectors a sweep over the memory reads, overwrites without reading, and changes in place.
struct Streams {
  std::size_t read = 0, overwritten = 0, in_place = 0;
  auto operator<=>(const Streams&) const = default;
  /// Vectors read plus vectors written.
  std::size_t moved() const { return read + overwritten + 2 * in_place; }
};

inline constexpr std::size_t kMostRead = 6, kMostOverwritten = 3, kMostInPlace = 4;

/// Their memory: so many pointers as there are streams of each kind.
struct StreamMemory {
  std::vector<const float*> read;
  std::vector<float*> overwritten, in_place;
};

/// Seconds of the fastest plain loop: cached and non-temporal stores, one thread or all, the median of `repetitions`.
/// Pre  this machine has AVX2; no more streams than the constants above
double seconds_of_streams(const StreamMemory& memory, std::size_t size, bool all_threads, int repetitions);

}  // namespace tardigrad::bench
