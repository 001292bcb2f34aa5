// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "methods/policies/arrival.hpp"

namespace tardigrad::methods {

/// Clips every coordinate from above and below: g_j <- sign(g_j) min(max(|g_j|, low), high), with sign(0) = 0. A few
/// huge coordinates lose their say and the others keep theirs; tiny ones are lifted to `low`, as in a sign method.
/// How many coordinates change is not known without a sweep of its own. Counted as clipped are the gradients of which
/// it is sure: low > 0, or a root mean square above high. Cost    a statement in the program that applies the gradient
/// Source  Bi2Clip of Lee, Zaheer, Li, arXiv 2502.04164 (the formula is all that we know of it)
struct ClipCoordinates {
  double low = 0.0;
  double high;
  double now() const { return high; }

  Clipped clip(const Arrival& arrival, double norm, VectorProgram& program, Vec v) const {
    program.clamp(kClippingTemporary, v, low, high);
    const bool clipped = low > 0.0 || norm > high * std::sqrt(static_cast<double>(arrival.model.dimension()));
    return {.direction = {.vector = kClippingTemporary}, .clipped = clipped};
  }
};

}  // namespace tardigrad::methods
