// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/clipping/percentile_radius.hpp"

namespace tardigrad::methods {

/// The radius that needs no tuning, clip_radius = "auto": the median of the last 256 norms; the very first gradient, of
/// which nothing is known, is not clipped.
///   Why the median: as many wild norms as half of the window move it only within the sane ones; an objective that is
///   multiplied by a number multiplies it by the same; in noise it is the scale of the noise, which is where theory has
///   its radius (4 sigma up to logarithms); and it falls as the gradients do. It is a robust step-size normaliser
///   for half of the arrivals, and leaves the other half alone.
///   Why 256: a stretch over which norms are alike, and still short enough to follow them; 64 and 1000 do as well.
/// Source  ours; measured against the best constant in docs/results/auto-clipping.md
inline const PercentileRadius::Options kAutoRadius = {.percentile = 50.0, .window = 256};

}  // namespace tardigrad::methods
