// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "tardigrad/problem.hpp"

namespace tardigrad::problems {

/// The quadratic of given condition number:
///
///   f(x) = 1/2 sum_j a_j x_j^2,   a_j = mu (smoothness / mu)^(j / (d - 1)),  j = 0..d-1  (a_0 = smoothness when d = 1)
///
/// minimiser 0, x0 = (1, ..., 1). Heterogeneous: f_i(x) = 1/2 sum_j a_j (x_j - s_ij)^2 with s_ij ~ N(0, shift^2) from
/// (seed, heterogeneity, i, 0), less their mean over the workers: (1/n) sum_i f_i then has its minimiser in 0, and
/// is f plus a constant, which is left out. E||grad f_i - grad f||^2 = (1 - 1/n) shift^2 sum_j a_j^2.
///
/// Settings  dimension (10), mu (0.1), smoothness (1), noise = { kind, ... }, heterogeneity = { shift }
/// Cost      O(d) a gradient. With a shift: O(n d) draws once, d draws a gradient, memory O(d) for any n
std::unique_ptr<Problem> make_quadratic(Settings& settings, const ProblemContext& context);

}  // namespace tardigrad::problems
