// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tardigrad/types.hpp"

namespace tardigrad {

/// When workers are there: each joins, stays for a while, is away for a while, joins again. Stateless: the same
/// (worker, episode) always gives the same times. Units   nanoseconds; Time::max() means for ever Thread  any
class Availability {
 public:
  virtual ~Availability() = default;
  /// When the worker joins for the first time; 0: it is there from the start.
  virtual Time first_join(WorkerId worker) const = 0;
  /// How long it stays the `episode`-th time.
  virtual Time uptime(WorkerId worker, std::uint64_t episode) const = 0;
  /// And how long it is away then.
  virtual Time downtime(WorkerId worker, std::uint64_t episode) const = 0;
};

}  // namespace tardigrad
