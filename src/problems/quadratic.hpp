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
/// Workers may have a curvature of their own too: f_i(x) = 1/2 sum_j h_ij (x_j - s_ij)^2 with
/// h_ij = a_j w_ij / ((1/n) sum_k w_kj), w_ij = 1 + curvature U(-1, 1) from (seed, heterogeneity, i, 1), and s_ij less
/// sum_k h_kj s_kj / (n a_j): the mean is the same f, to the last digit, whatever shift and curvature are. Where both
/// are > 0, methods that make K > 1 local steps of eta come to rest beside 0: at x_j = sum_i rho_ij s_ij / sum_i
/// rho_ij, rho_ij = 1 - (1 - eta h_ij)^K. h_ij < a_j (1 + curvature) / (1 - curvature).
///
/// Settings  dimension (10), mu (0.1), smoothness (1), noise = { kind, ... }, heterogeneity = { shift, curvature }
/// Cost      O(d) a gradient. Where workers differ: O(n d) draws once, 2 d draws a gradient, memory O(d) for any n
std::unique_ptr<Problem> make_quadratic(Settings& settings, const ProblemContext& context);

}  // namespace tardigrad::problems
