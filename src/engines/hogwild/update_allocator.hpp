// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

#include "tardigrad/types.hpp"

namespace tardigrad::hogwild {

/// Deals the numbers of the updates, 0, 1, ..., out to the threads in runs: a budget is met exactly, no thread waits
/// for a slower one, and the counter that all of them need is touched once in many updates. Thread  any
class UpdateAllocator {
 public:
  struct Range {
    Version begin, end;
  };

  /// limit: so many updates in all. every: no run goes beyond a multiple of it.
  UpdateAllocator(std::optional<Version> limit, std::optional<Version> every, std::size_t workers)
      : limit_(limit.value_or(kNever)), every_(every.value_or(kNever)), length_(length_of_run(limit_, workers)) {}

  /// The next updates to make; nothing when all are dealt out.
  std::optional<Range> next() {
    Version begin = dealt_.load(std::memory_order_relaxed);
    for (;;) {
      const Version limit = limit_.load(std::memory_order_relaxed);
      if (begin >= limit) return std::nullopt;
      const Version end = std::min({begin + length_, limit, every_ == kNever ? kNever : (begin / every_ + 1) * every_});
      if (dealt_.compare_exchange_weak(begin, end, std::memory_order_relaxed)) return Range{begin, end};
    }
  }
  /// `count` updates that were dealt out will not be made by those who had them.
  void give_back(Version count) {
    if (limit_.load(std::memory_order_relaxed) != kNever) limit_.fetch_add(count, std::memory_order_relaxed);
  }
  bool any_left() const { return dealt_.load(std::memory_order_relaxed) < limit_.load(std::memory_order_relaxed); }
  bool is_multiple(Version number) const { return every_ != kNever && number % every_ == 0; }

 private:
  static constexpr Version kNever = std::numeric_limits<Version>::max();

  // Of a small budget everybody gets many runs, so that all end at about the same time.
  static Version length_of_run(Version limit, std::size_t workers) {
    constexpr Version kLongest = 64, kRunsEach = 64;
    return std::clamp<Version>(limit / (kRunsEach * workers), 1, kLongest);
  }

  std::atomic<Version> dealt_{0};
  std::atomic<Version> limit_;
  const Version every_, length_;
};

}  // namespace tardigrad::hogwild
