// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>

#include "methods/arrival.hpp"

namespace tardigrad::methods {

/// Parameters that ask for no knowledge of the problem, at version k = 0, 1, ...:
///   gamma_k = gamma/(k + 1)^{3/4};   R_k = max(1, floor(sqrt(k)))
/// (and 1 - beta = 1/sqrt(k + 1) in the update rule).
/// Source  the code of Ringmaster LMO, arXiv 2605.18174
struct AgnosticStep {
  double step_size;
  double at(const Arrival& arrival) const {
    const double root = std::sqrt(static_cast<double>(arrival.model.version()) + 1.0);
    return step_size / (root * std::sqrt(root));  // square roots are rounded alike on every machine; pow is not
  }
};

struct AdmitAgnostic {
  bool admits(const Arrival& arrival) const { return arrival.delay() < limit(arrival.model.version()); }
  Reason reason(const Arrival& arrival) const {
    return {.rule = "its delay must be below",
            .limit = static_cast<double>(limit(arrival.model.version())),
            .value = static_cast<double>(arrival.delay())};
  }
  Version oldest_useful(Version now) const { return now >= limit(now) ? now - (limit(now) - 1) : 0; }

 private:
  static Version limit(Version now) {
    auto root = static_cast<Version>(std::sqrt(static_cast<double>(now)));
    return std::max<Version>(1, root);
  }
};

}  // namespace tardigrad::methods
