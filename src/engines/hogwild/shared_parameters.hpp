// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

namespace tardigrad::hogwild {

/// Parameters that many threads read and write at the same time, each coordinate for itself, without a lock. A
/// coordinate is always a number that somebody wrote; what is read of several may never have stood together.
/// Relaxed: nothing but x is handed over by it. A thread sees its own writes, and those of others soon.
/// Thread  any. The memory outlives it, and is written by nobody else meanwhile
class SharedParameters {
 public:
  explicit SharedParameters(std::span<float> x) : x_(x) {}

  std::size_t dimension() const { return x_.size(); }
  float load(std::size_t j) const { return std::atomic_ref(x_[j]).load(std::memory_order_relaxed); }
  /// x_j + delta, as one step: of two threads that add at the same time neither is lost.
  void add(std::size_t j, float delta) const { std::atomic_ref(x_[j]).fetch_add(delta, std::memory_order_relaxed); }
  /// Shapes  out: [dimension]
  void copy_to(std::span<float> out) const {
    for (std::size_t j = 0; j < x_.size(); ++j) out[j] = load(j);
  }

 private:
  std::span<float> x_;
};

}  // namespace tardigrad::hogwild
