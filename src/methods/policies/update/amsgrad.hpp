// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/policies/update/moments.hpp"

namespace tardigrad::methods {

/// m and v as in adam;  V <- max(V, v);  x <- x - gamma m / (sqrt(V) + eps), without bias correction.
/// Memory  3 vectors
/// Source  Reddi et al. 2018
class AmsgradUpdate final : public UpdateRule {
 public:
  AmsgradUpdate(Settings& table, const UpdateDefaults& /*defaults*/) : moments_(table) {}
  void append(VectorProgram& program, Model& model, const Gradient*, Direction u, double step) override {
    moments_.make_vectors(model);
    if (largest_.kind == Vec::Kind::none) largest_ = model.make_vector();
    moments_.append(program, u);
    program.maximum(largest_, largest_, moments_.second);
    program.divide_root(vec::kModel, vec::kModel, -step, moments_.first, largest_, {.d = moments_.epsilon});
  }
  void serialize(Archive& archive) override { archive(moments_, largest_); }

 private:
  Moments moments_;
  Vec largest_{};
};

}  // namespace tardigrad::methods
