// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/policies/update/update_rule.hpp"

namespace tardigrad::methods {

/// x <- x - gamma u.  Memory  none
class SgdUpdate final : public UpdateRule {
 public:
  SgdUpdate(Settings& /*table*/, const UpdateDefaults& /*defaults*/) {}
  void append(VectorProgram& program, Model&, const Gradient*, Direction u, double step) override {
    program.add(vec::kModel, vec::kModel, -(step * u.factor), u.vector);
  }
  void serialize(Archive&) override {}
};

}  // namespace tardigrad::methods
