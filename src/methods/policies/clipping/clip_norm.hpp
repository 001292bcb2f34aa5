// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>

namespace tardigrad::methods {

/// Clips a gradient to a ball: clip_c(g) = min(1, c/||g||) g, with clip_c(0) = 0, over the whole vector at once.
/// The factor is folded into the coefficient of the update, so clipping costs no pass of its own.
/// radius = infinity gives the factor 1 exactly: bitwise the method without clipping.
/// Source  Erickson, Johansson, arXiv 2606.13287, section 4
struct ClipNorm {
  double radius = std::numeric_limits<double>::infinity();
  double now() const { return radius; }
  bool clips(double norm) const { return norm > radius; }
  double factor(double norm) const { return clips(norm) ? radius / norm : 1.0; }
};

}  // namespace tardigrad::methods
