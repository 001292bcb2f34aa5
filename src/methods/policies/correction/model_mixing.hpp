// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/policies/arrival.hpp"

namespace tardigrad::methods {

/// Turns a pseudo-gradient D = x_{t-tau} - y into the way from the worker's model y to x, so that x - a u mixes models:
///   u = x - y = x - x_{t-tau} + D;   x - a u = (1 - a) x + a y
/// Memory  the points of orders in flight
class ModelMixing {
 public:
  Direction apply(const Arrival&, Direction d, VectorProgram& program) const {
    program.add(kCorrectionTemporary, vec::kModel, -1.0, vec::kPoint);
    program.add(kCorrectionTemporary, kCorrectionTemporary, d.factor, d.vector);
    return {.vector = kCorrectionTemporary};
  }
};

}  // namespace tardigrad::methods
