// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "methods/policies/arrival.hpp"

namespace tardigrad::methods {

/// A step for every coordinate, smaller where gradients were large and where they come late. At update t = 1, 2, ...
/// with delay tau:
///   s_j <- s_j + t/(t + tau) g_j^2;   u_j = g_j / (L + sqrt(s_j/t) sqrt(t + tau))
/// Memory  one vector
/// Source  Sra, Yu, Li, Smola, arXiv 1508.05003, the practical rule (L = 1 there)
class AdaDelayScaling {
 public:
  explicit AdaDelayScaling(double smoothness) : smoothness_(smoothness) {}
  Direction apply(const Arrival& arrival, Direction g, VectorProgram& program) {
    if (squares_.kind == Vec::Kind::none) squares_ = arrival.model.make_vector();
    const auto t = static_cast<double>(arrival.model.version() + 1), tau = static_cast<double>(arrival.delay());
    program.square(squares_, 1.0, squares_, t / (t + tau) * g.factor * g.factor, g.vector);
    program.divide_root(kCorrectionTemporary, {}, g.factor, g.vector, squares_, {.b = (t + tau) / t, .d = smoothness_});
    return {.vector = kCorrectionTemporary};
  }
  void serialize(Archive& archive) { archive(squares_); }

 private:
  double smoothness_;
  Vec squares_{};
};

/// One step for all coordinates: step_size / (L + scale sqrt(t + tau)).
/// Source  the same, the rule of the theory
struct AdaDelayStep {
  double step_size, smoothness, scale;
  double at(const Arrival& arrival) const {
    const auto t = static_cast<double>(arrival.model.version() + 1), tau = static_cast<double>(arrival.delay());
    return step_size / (smoothness + scale * std::sqrt(t + tau));
  }
};

}  // namespace tardigrad::methods
