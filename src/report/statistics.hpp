// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace tardigrad::report {

struct Interval {
  double low = 0.0, high = 0.0;
  bool holds(double value) const { return low <= value && value <= high; }
};

/// How values are averaged. Times and their ratios: geometric, as seeds multiply them; metrics: arithmetic.
enum class Averaging { arithmetic, geometric };

/// What a sample x_1 ... x_n says about the centre of its distribution.
struct Estimate {
  Averaging averaging = Averaging::arithmetic;
  std::vector<double> values = {};
  double centre = 0.0;
  /// Sample standard deviation, geometric: of ln x. Nothing for n = 1, and where a logarithm is not finite.
  std::optional<double> deviation = {};
  /// 95 % confidence interval of the centre; nothing for n < 3, where it would say more of the t distribution than of
  /// the sample, and where there is no deviation.
  std::optional<Interval> interval = {};

  std::size_t n() const { return values.size(); }
};

/// With y_i = x_i (arithmetic) or ln x_i (geometric):  m = (1/n) sum y_i,  s^2 = sum (y_i - m)^2 / (n - 1),
/// centre = m, interval = m -+ t_{0.975, n-1} s / sqrt(n); geometric: exp of both, so that neither is negative. Where
/// some x_i = 0 the geometric mean is 0.
/// Pre  not empty; geometric: no x_i < 0     checked
Estimate estimate(std::span<const double> sample, Averaging averaging);

/// P(|T| <= t) for Student's t with `degrees` degrees of freedom, t >= 0: the finite sums for integer degrees.
/// Source  Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4
double student_t_within(double t, std::size_t degrees);

/// The t >= 0 with P(|T| <= t) = probability, by bisection to the last bits.
/// Pre  0 <= probability < 1, degrees >= 1     checked
double student_t_bound(double probability, std::size_t degrees);

}  // namespace tardigrad::report
