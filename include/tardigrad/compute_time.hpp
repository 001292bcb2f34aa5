// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tardigrad/types.hpp"

namespace tardigrad {

/// How long a worker takes for one order. Stateless: the same (worker, index) always gives the same time.
/// Units   nanoseconds of virtual time, at least 1
/// Thread  any
class ComputeTime {
 public:
  virtual ~ComputeTime() = default;
  /// Compute time of the `index`-th order of `worker`.
  virtual Time sample(WorkerId worker, std::uint64_t index) const = 0;
};

}  // namespace tardigrad
