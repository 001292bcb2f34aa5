// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/policies/update/moments.hpp"

namespace tardigrad::methods {

/// m <- b1 m + (1 - b1) u;  v <- b2 v + (1 - b2) u^2;  x <- x - gamma m^ / (sqrt(v^) + eps),
/// m^ = m/(1 - b1^k), v^ = v/(1 - b2^k) at the k-th update.  Memory  2 vectors
/// Source  arXiv 1412.6980
class AdamUpdate : public UpdateRule {
 public:
  AdamUpdate(Settings& table, const UpdateDefaults& /*defaults*/) : moments_(table) {}
  void append(VectorProgram& program, Model& model, const Gradient*, Direction u, double step) override {
    moments_.make_vectors(model);
    beta1_power_ *= moments_.beta1;
    beta2_power_ *= moments_.beta2;
    moments_.append(program, u);
    program.divide_root(vec::kModel, vec::kModel, -step / (1.0 - beta1_power_), moments_.first, moments_.second,
                        {.b = 1.0 / (1.0 - beta2_power_), .d = moments_.epsilon});
  }
  void serialize(Archive& archive) override { archive(moments_, beta1_power_, beta2_power_); }

 private:
  Moments moments_;
  double beta1_power_ = 1.0, beta2_power_ = 1.0;  // to the number of updates
};

}  // namespace tardigrad::methods
