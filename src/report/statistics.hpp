// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace tardigrad::report {

struct Interval {
  double low = 0.0, high = 0.0;
  bool overlaps(const Interval& other) const { return low <= other.high && other.low <= high; }
};

/// What a sample x_1 ... x_n says about the mean of its distribution.
struct Estimate {
  std::size_t n = 0;
  double mean = 0.0;
  std::optional<double> deviation = {};   ///< sample standard deviation s; nothing for n = 1
  std::optional<Interval> interval = {};  ///< 95 % confidence interval of the mean; nothing for n = 1
};

/// mean = (1/n) sum x_i,  s^2 = sum (x_i - mean)^2 / (n - 1),  interval = mean -+ t_{0.975, n-1} s / sqrt(n)
/// Pre  not empty     checked
Estimate estimate(std::span<const double> sample);

/// P(|T| <= t) for Student's t with `degrees` degrees of freedom, t >= 0: the finite sums for integer degrees.
/// Source  Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4
double student_t_within(double t, std::size_t degrees);

/// The t >= 0 with P(|T| <= t) = probability, by bisection to the last bits.
/// Pre  0 <= probability < 1, degrees >= 1     checked
double student_t_bound(double probability, std::size_t degrees);

}  // namespace tardigrad::report
