// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "tardigrad/problem.hpp"

namespace tardigrad::problems {

/// The quadratic on which first-order methods are slowest, used in the literature on asynchronous SGD:
///
///   f(x) = 1/2 x'Ax - b'x,   A = 1/4 tridiag(-1, 2, -1),   b = (-1/4, 0, ..., 0),   x0 = (sqrt d, 0, ..., 0)
///
/// minimiser x*_j = j / (d + 1) - 1 (j = 1..d), min f = -d / (8 (d + 1)); smoothness < 1,
/// strong convexity sin^2(pi / (2 (d + 1))).
///
/// Settings  dimension (1729), noise = { kind, ... }
/// Cost      O(d) a gradient
/// Source    Nesterov's worst-case function, as in the experiments of Rennala SGD and Ringmaster ASGD
std::unique_ptr<Problem> make_tridiagonal(Settings& settings, const ProblemContext& context);

}  // namespace tardigrad::problems
