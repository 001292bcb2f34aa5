// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace tardigrad::methods {

/// Smaller steps for gradients whose delay exceeds the threshold tau_C (the concurrency):
///   tau <= tau_C:  gamma
///   tau >  tau_C:  gamma tau_C / tau           (proportional)
///                  gamma / tau                 (practical)
///                  min(gamma, 1 / (4 L tau))   (smoothness)
/// At gamma = 1/(4 L tau_C), the largest that the theorem allows, the last is the first; the second is tau_C times
/// shorter.
/// Pre     threshold >= 1
/// Source  Koloskova, Stich, Jaggi, arXiv 2206.08307, Theorem 8. The theorem allows any step in
///         [0, min(gamma, 1/(4 L tau))); proportional and smoothness take the upper end.
struct DelayAdaptiveStep {
  enum class Rule : std::uint8_t { proportional, practical, smoothness };
  double step_size;
  std::uint64_t threshold;
  Rule rule = Rule::proportional;
  double smoothness = 1.0;  ///< L, of the rule of that name
  double at(std::uint64_t delay) const {
    if (delay <= threshold) return step_size;
    const double tau = static_cast<double>(delay);
    if (rule == Rule::smoothness) return std::min(step_size, 1.0 / (4.0 * smoothness * tau));
    return rule == Rule::practical ? step_size / tau : step_size * static_cast<double>(threshold) / tau;
  }
};

}  // namespace tardigrad::methods
