// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace tardigrad::methods {

/// The same step size for every gradient.
struct ConstantStep {
  double step_size;
  double at(std::uint64_t /*delay*/) const { return step_size; }
};

/// Smaller steps for gradients whose delay exceeds the threshold tau_C (the concurrency):
///   tau <= tau_C:  gamma
///   tau >  tau_C:  gamma / tau                 (practical rule; smoothness not given)
///                  min(gamma, 1 / (4 L tau))   (rule with L)
/// Pre     threshold >= 1
/// Source  Koloskova, Stich, Jaggi, arXiv 2206.08307, Theorem 8. The theorem allows any step in
///         [0, min(gamma, 1/(4 L tau))); we take the upper end.
struct DelayAdaptiveStep {
  double step_size;
  std::uint64_t threshold;
  double smoothness = std::numeric_limits<double>::quiet_NaN();  ///< NaN: the practical rule
  double at(std::uint64_t delay) const {
    if (delay <= threshold) return step_size;
    const double tau = static_cast<double>(delay);
    return smoothness == smoothness ? std::min(step_size, 1.0 / (4.0 * smoothness * tau)) : step_size / tau;
  }
};

}  // namespace tardigrad::methods
