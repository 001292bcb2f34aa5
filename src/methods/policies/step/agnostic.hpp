// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "methods/policies/arrival.hpp"

namespace tardigrad::methods {

/// Parameters that ask for no knowledge of the problem, at version k = 0, 1, ...:
///   gamma_k = gamma/(k + 1)^{3/4}
/// (with the limit of AdmitAgnostic, and 1 - beta = 1/sqrt(k + 1) in the update rule).
/// Source  the code of Ringmaster LMO, arXiv 2605.18174
struct AgnosticStep {
  double step_size;
  double at(const Arrival& arrival) const {
    const double root = std::sqrt(static_cast<double>(arrival.model.version()) + 1.0);
    return step_size / (root * std::sqrt(root));  // square roots are rounded alike on every machine; pow is not
  }
};

}  // namespace tardigrad::methods
