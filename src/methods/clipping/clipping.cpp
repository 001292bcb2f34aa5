// SPDX-License-Identifier: Apache-2.0
#include "methods/clipping/clipping.hpp"

#include <limits>

namespace tardigrad::methods {

Clipping::Clipping(Settings& settings)
    : norm_{.radius = settings.number_or("clip_radius", std::numeric_limits<double>::infinity(), Range::positive())} {}

Clipped Clipping::clip(const Arrival&, double norm, Pass&, Vec v) {
  return {.direction = {.vector = v, .factor = norm_.factor(norm)}, .clipped = norm_.clips(norm)};
}

}  // namespace tardigrad::methods
