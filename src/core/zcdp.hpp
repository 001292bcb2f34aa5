// SPDX-License-Identifier: Apache-2.0
// What noise is worth in privacy: zero-concentrated differential privacy, in three formulas.
#pragma once

#include <algorithm>
#include <cmath>

namespace tardigrad {

/// rho of one release with Gaussian noise of `noise_multiplier` times a unit, which one participant can move by at most
/// `sensitivity` units: (sensitivity/z)^2/2. The rho of releases add up, also where a release is chosen by earlier
/// ones. Source  Bun, Steinke, arXiv 1605.02065, proposition 1.6 and lemma 1.7
inline double zcdp_rho(double noise_multiplier, double sensitivity) {
  const double ratio = sensitivity / noise_multiplier;
  return ratio * ratio / 2.0;
}

/// The least epsilon >= 0 for which rho is known to give (epsilon, delta)-differential privacy:
///   min over a > 0 of  (1 + a) rho + ln(a/(1 + a)) + (ln(1/delta) - ln(1 + a))/a        (alpha = 1 + a)
/// whose derivative is zero where rho a^2 + ln(1 + a) = ln(1/delta). Every a gives a bound, so that an error in its
/// last digits errs on the safe side.
/// Pre     rho >= 0, maybe infinity; 0 < delta < 1
/// Source  Canonne, Kamath, Steinke, arXiv 2004.00010, proposition 12
inline double zcdp_epsilon(double rho, double delta) {
  if (rho == 0.0 || std::isinf(rho)) return rho;
  const double target = -std::log(delta);
  double low = -345.0, high = 709.0;  // of ln a: neither a^2 underflows nor a overflows
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2, a = std::exp(middle);
    (rho * a * a + std::log1p(a) < target ? low : high) = middle;
  }
  const double a = std::exp(low);
  return std::max(0.0, (1.0 + a) * rho - std::log1p(1.0 / a) + (target - std::log1p(a)) / a);
}

/// The largest sum of squares that `contributions` contributions make when a release holds at most `bound` of them: as
/// many full releases as there are, and the rest in one.  Pre  bound >= 1
inline double most_squares(double contributions, double bound) {
  const double full = std::floor(contributions / bound), rest = contributions - full * bound;
  return full * bound * bound + rest * rest;
}

}  // namespace tardigrad
