// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/policies/update/update_rule.hpp"
#include "methods/policies/update/update_settings.hpp"

namespace tardigrad::methods {

/// The averages that adam and its kin keep: m <- b1 m + (1 - b1) u;  v <- b2 v + (1 - b2) u^2.  Memory  2 vectors
struct Moments {
  explicit Moments(Settings& table) {
    beta1 = read(table, kBeta1);
    beta2 = read(table, kBeta2);
    epsilon = read(table, kEpsilon);
  }
  void make_vectors(Model& model) {
    if (first.kind != Vec::Kind::none) return;
    first = model.make_vector();
    second = model.make_vector();
  }
  void append(VectorProgram& program, Direction u) const {
    program.mix(first, beta1, first, (1.0 - beta1) * u.factor, u.vector);
    program.square(second, beta2, second, (1.0 - beta2) * u.factor * u.factor, u.vector);
  }
  void serialize(Archive& archive) { archive(first, second); }

  double beta1 = 0.0, beta2 = 0.0, epsilon = 0.0;
  Vec first{}, second{};
};

}  // namespace tardigrad::methods
