// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "methods/policies/update/update_rule.hpp"
#include "methods/policies/update/update_settings.hpp"

namespace tardigrad::methods {

/// The average m <- beta m + (1 - beta) u. averaging = "inverse-sqrt": 1 - beta = 1/sqrt(k + 1) at version k.
/// Memory  1 vector
struct Averaging {
  Averaging(Settings& table, const UpdateDefaults& defaults, double usual) {
    inverse_sqrt = read(table, kAveraging, defaults.averaging) == "inverse-sqrt";
    if (!inverse_sqrt) momentum = read(table, kMomentum, usual);
  }
  /// 1 - beta.
  double rest(const Model& model) const {
    return inverse_sqrt ? 1.0 / std::sqrt(static_cast<double>(model.version()) + 1.0) : 1.0 - momentum;
  }
  /// to <- beta m + (1 - beta) u; m itself where `to` is m.
  void append(VectorProgram& program, const Model& model, Vec to, Direction u) const {
    program.mix(to, 1.0 - rest(model), average, rest(model) * u.factor, u.vector);
  }

  bool inverse_sqrt = false;
  double momentum = 0.0;
  Vec average{};
};

}  // namespace tardigrad::methods
