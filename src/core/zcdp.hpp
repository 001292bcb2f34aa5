// SPDX-License-Identifier: Apache-2.0
// What noise is worth in privacy: zero-concentrated differential privacy, in two formulas.
#pragma once

#include <cmath>

namespace tardigrad {

/// rho of `releases` sums with Gaussian noise of `noise_multiplier` times what one contribution can move them:
/// releases/(2 z^2). Contributions of one participant add up; those of different participants do not.
/// Source  Bun, Steinke, arXiv 1605.02065, proposition 1.6 and lemma 1.7
inline double zcdp_rho(double noise_multiplier, double releases) {
  return releases / (2.0 * noise_multiplier * noise_multiplier);
}

/// epsilon of (epsilon, delta)-differential privacy: rho + 2 sqrt(rho ln(1/delta)).
/// Source  the same, proposition 1.3. Tighter conversions exist; this one is a bound by hand.
inline double zcdp_epsilon(double rho, double delta) { return rho + 2.0 * std::sqrt(rho * std::log(1.0 / delta)); }

}  // namespace tardigrad
