// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>

#include "methods/policies/arrival.hpp"

namespace tardigrad::methods {

/// Admits a gradient while its delay is below R_k = max(1, floor(sqrt(k))), at version k = 0, 1, ...
/// Source  the code of Ringmaster LMO, arXiv 2605.18174
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
