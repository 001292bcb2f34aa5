// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/policies/arrival.hpp"

namespace tardigrad::methods {

/// Brings a stale gradient nearer to the one at x, with diag(g g^T) in the place of the Hessian:
///   constant   u = g + lambda g*g*(x - x_{t-tau})                         coordinate by coordinate
///   adaptive   v <- mm v + (1 - mm) g*g;  lambda/sqrt(v + 1e-7) for lambda
/// g is the direction handed over, so a clipped gradient where clipping comes first. Its factor stays a factor of u:
/// with lambda = 0 nothing is rounded that the method without the correction would not round.
/// Memory  the points of orders in flight; adaptive: one vector more
/// Source  Zheng et al., arXiv 1609.08326, DC-ASGD-c and -a (read in the authors' code)
class DelayCompensation {
 public:
  enum class Kind : std::uint8_t { constant, adaptive };
  struct Options {
    Kind kind = Kind::constant;
    double lambda = 0.0;
    double mean_square_decay = 0.95;  ///< mm
  };
  explicit DelayCompensation(const Options& options) : options_(options) {}

  Direction apply(const Arrival& arrival, Direction g, VectorProgram& program) {
    const Vec t = kCorrectionTemporary;
    program.add(t, vec::kModel, -1.0, vec::kPoint);
    program.multiply(t, t, g.vector);
    program.multiply(t, t, g.vector);
    if (options_.kind == Kind::constant) {
      program.add(t, g.vector, options_.lambda * g.factor, t);
      return {.vector = t, .factor = g.factor};
    }
    if (mean_square_.kind == Vec::Kind::none) mean_square_ = arrival.model.make_vector();
    const double mm = options_.mean_square_decay;
    program.square(mean_square_, mm, mean_square_, (1.0 - mm) * g.factor * g.factor, g.vector);
    program.divide_root(t, {}, options_.lambda * g.factor, t, mean_square_, {.c = 1e-7});
    program.add(t, g.vector, 1.0, t);
    return {.vector = t, .factor = g.factor};
  }
  void serialize(Archive& archive) { archive(mean_square_); }

 private:
  Options options_;
  Vec mean_square_{};
};

}  // namespace tardigrad::methods
