// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "methods/policies/update/averaging.hpp"

namespace tardigrad::methods {

/// m <- beta m + (1 - beta) u;  x <- x - gamma m/||m||   (nothing while ||m|| <= 1e-12).  Memory  1 vector
/// Cost    a second program, after the norm
/// Source  Cutkosky, Mehta 2020
class NormalisedUpdate final : public UpdateRule {
 public:
  NormalisedUpdate(Settings& table, const UpdateDefaults& defaults) : averaging_(table, defaults, 0.9) {}
  void append(VectorProgram& program, Model& model, const Gradient* gradient, Direction u, double step) override {
    Vec& average = averaging_.average;
    if (average.kind == Vec::Kind::none) average = model.make_vector();
    averaging_.append(program, model, average, u);
    model.run(program, gradient);
    program.clear();
    const double norm = std::sqrt(model.squared_distance(average));
    const double factor = norm > 1e-12 ? 1.0 / norm : 0.0;
    program.add(vec::kModel, vec::kModel, -(step * factor), average);
  }
  void serialize(Archive& archive) override { archive(averaging_.average); }

 private:
  Averaging averaging_;
};

}  // namespace tardigrad::methods
