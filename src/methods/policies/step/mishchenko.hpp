// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "methods/policies/arrival.hpp"

namespace tardigrad::methods {

/// gamma n / max(n, delta), where delta counts the updates since the worker's previous arrival, or, before its first,
/// since its first order: one more than the delay once it has delivered.
/// Source  Mishchenko, Bach, Even, Woodworth, arXiv 2206.07638: the rule of the authors' notebook
struct MishchenkoStep {
  double step_size;
  double workers;
  double at(const Arrival& arrival) const {
    const double delta = static_cast<double>(arrival.delay()) + (arrival.order.index > 0 ? 1.0 : 0.0);
    return step_size * (workers / std::max(workers, delta));  // exactly step_size while delta <= n
  }
};

}  // namespace tardigrad::methods
