// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "methods/arrival.hpp"

namespace tardigrad::methods {

/// Admits a gradient while x has not moved far from where it was computed: ||x_t - x_{t-tau}||_2 <= distance.
/// Cost    reads x and the point; the gradient itself is not looked at
/// Source  Cohen et al., arXiv 2106.11879 (Picky SGD), with distance = eps/(2 beta)
struct AdmitCloseEnough {
  double distance;
  double squared = 0.0;  ///< of the last arrival
  bool admits(const Arrival& arrival) {
    if (arrival.delay() == 0) return true;
    squared = arrival.model.squared_distance(vec::kModel, vec::kPoint, &arrival.gradient);
    return squared <= distance * distance;
  }
  Reason reason(std::uint64_t /*delay*/) const {
    return {.rule = "the distance that x has gone since then must be at most",
            .limit = distance,
            .value = std::sqrt(squared)};
  }
  Version oldest_useful(Version /*now*/) const { return 0; }
};

}  // namespace tardigrad::methods
