// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/policies/update/update_rule.hpp"
#include "methods/policies/update/update_settings.hpp"

namespace tardigrad::methods {

/// m <- beta m + u;  x <- x - gamma m.  Memory  1 vector
/// Source  Polyak 1964
class MomentumUpdate final : public UpdateRule {
 public:
  MomentumUpdate(Settings& table, const UpdateDefaults& /*defaults*/) : beta_(read(table, kMomentum, 0.9)) {}
  void append(VectorProgram& program, Model& model, const Gradient*, Direction u, double step) override {
    if (momentum_.kind == Vec::Kind::none) momentum_ = model.make_vector();
    program.mix(momentum_, beta_, momentum_, u.factor, u.vector);
    program.add(vec::kModel, vec::kModel, -step, momentum_);
  }
  void serialize(Archive& archive) override { archive(momentum_); }

 private:
  double beta_;
  Vec momentum_{};
};

}  // namespace tardigrad::methods
