// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/policies/arrival.hpp"

namespace tardigrad::methods {

/// Admits a gradient while x has not moved far from where it was computed: ||x_t - x_{t-tau}||_2 <= distance.
/// Cost    reads x and the point; the gradient itself is not looked at
/// Source  Cohen et al., arXiv 2106.11879 (Picky SGD), with distance = eps/(2 beta)
struct AdmitCloseEnough {
  double distance;
  bool admits(const Arrival& arrival) const {
    if (arrival.delay() == 0) return true;
    return arrival.model.squared_distance(vec::kModel, vec::kPoint, &arrival.gradient) <= distance * distance;
  }
  Reason reason(std::uint64_t /*delay*/) const {
    return {.rule = "the distance that x has gone since then must be at most", .limit = distance};
  }
  Version oldest_useful(Version /*now*/) const { return 0; }
};

}  // namespace tardigrad::methods
