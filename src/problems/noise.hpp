// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "problems/chunks.hpp"
#include "tardigrad/rng.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::problems {

/// What is added to an exact gradient in R^d to make it stochastic.
///
///   none         xi = 0
///   gaussian     every coordinate N(0, scale^2 / d): E||xi||^2 = scale^2. Per-coordinate noise N(0, s^2), as some
///                papers give it, is scale = s sqrt(d).
///   sub-weibull  xi = r u, u uniform on the unit sphere, r = scale / 2^tail * E^tail, E ~ Exp(1), so that
///                E exp((||xi|| / scale)^(1/tail)) = 2 exactly: ||xi|| ~ subW(tail, scale), and
///                E||xi||^2 = scale^2 / 4^tail * Gamma(2 tail + 1). tail = 1/2 is sub-Gaussian, 1 sub-exponential.
///
///   skewed       xi = scale z u, u = (1, ..., 1) / sqrt(d) fixed, z = (E^tail - m) / s, E ~ Exp(1), with the mean
///                m = Gamma(tail + 1) and the deviation s, s^2 = Gamma(2 tail + 1) - m^2, of E^tail: E z = 0, E z^2 =
///                1, so that E||xi||^2 = scale^2. Steps against u are frequent and short, those along it rare and long:
///                who clips the long ones is biased.
///
/// growth = a > 0, of any kind: xi is multiplied by sqrt(1 + a^2 ||grad f_i(x)||^2), the length of the exact gradient
/// that it is added to, so that E||xi||^2 grows with it in the affine way that analyses allow for.
///
/// Source  affine variance: Bottou, Curtis, Nocedal 2018, assumption 4.3; sub-Weibull: Vladimirova, Girard, Nguyen,
/// Arbel 2020, definition 1
class GradientNoise {
 public:
  enum class Kind { none, gaussian, sub_weibull, skewed };

  /// Reads the table `noise` of `settings`: kind, and scale, growth and tail where the kind has them.
  static GradientNoise read(Settings& settings);

  bool is_none() const { return kind_ == Kind::none; }
  /// E||xi||^2 where the exact gradient is 0.
  double mean_square() const;
  /// g <- g + xi, with g the exact gradient; or, once it is given up, anything.
  /// Shapes  g, scratch: [d]
  void add_to(
      std::span<float> g, Stream stream, std::span<float> scratch,
      const IsCancelled& cancelled = [] { return false; }) const;

 private:
  Kind kind_ = Kind::none;
  double scale_ = 0.0, tail_ = 0.0, growth_ = 0.0;
  double power_mean_ = 0.0, power_deviation_ = 1.0;  // skewed: m and s
};

}  // namespace tardigrad::problems
