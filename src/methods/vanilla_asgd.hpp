// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {

/// Vanilla asynchronous SGD: x_{t+1} = x_t - gamma * g(x_{t - tau_t}), each arrival, however stale; clipped to the
/// ball of radius clip_radius where one is given.
/// With data that differ between the workers it settles at the minimiser of the speed-weighted objective
/// sum_i (1/tau_i) f_i / sum_j (1/tau_j), unless dispatch = "uniform".
/// Source  Koloskova, Stich, Jaggi, arXiv 2206.08307, Algorithm 1 (same) and Algorithm 2 (uniform)
std::unique_ptr<Method> make_asgd(Settings& settings, const MethodContext& context);

}  // namespace tardigrad::methods
