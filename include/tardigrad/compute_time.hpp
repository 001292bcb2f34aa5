// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tardigrad/types.hpp"

namespace tardigrad {

/// How long a worker takes for one order. Stateless: the same (worker, index) always gives the same time.
/// Units   nanoseconds of virtual time, at least 1; on real threads, where it is a pace, 0 means none
/// Thread  any
class ComputeTime {
 public:
  virtual ~ComputeTime() = default;
  /// Compute time of the `index`-th order of `worker`.
  virtual Time sample(WorkerId worker, std::uint64_t index) const = 0;
  /// What passes beside it before the server has the order's gradient: on the way to the worker, and back. Below 0
  /// where the worker began a queued order before the server had the one before it; with the compute times of the order
  /// it is at least 1 ns.
  virtual Time turn_around(WorkerId /*worker*/, std::uint64_t /*index*/) const { return Time{0}; }
};

}  // namespace tardigrad
