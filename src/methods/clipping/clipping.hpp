// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/arrival.hpp"
#include "methods/clipping/clip_norm.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::methods {

/// What clipping made of a gradient.
struct Clipped {
  Direction direction;
  bool clipped = false;  ///< it is not what arrived
};

/// How a method clips every gradient (or pseudo-gradient) on arrival; the same choices for every method.
///   norm   clip_c(g) = min(1, c/||g||) g over the whole vector, c = clip_radius
class Clipping {
 public:
  /// clip_radius
  explicit Clipping(Settings& settings);

  /// norm: ||v||, finite. Appends to the pass what must be done coordinate by coordinate.
  Clipped clip(const Arrival& arrival, double norm, Pass& pass, Vec v = vec::kGradient);
  std::vector<Metric> figures() const { return {}; }

 private:
  ClipNorm norm_;
};

}  // namespace tardigrad::methods
