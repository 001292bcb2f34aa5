// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "core/buffer_pool.hpp"
#include "tardigrad/problem.hpp"

namespace tardigrad {

/// Carries out what an order asks for at x, for every runtime: a stochastic gradient, or `steps_done` local steps
/// (LocalWork). Step k draws from the streams of index order.index + k.
/// The pseudo-gradient is summed up as D <- D + step_size * u, with y = x - D, so that one step without proximal weight
/// and clipping brings step_size * g to the last bit.
/// Shapes  x, g: [d]; g comes uninitialised
/// Memory  two buffers of the pool while local steps are made
/// Thread  that of the replica
void do_work(Replica& replica, const Order& order, std::span<const float> x, std::span<float> g, BufferPool& buffers);

}  // namespace tardigrad
