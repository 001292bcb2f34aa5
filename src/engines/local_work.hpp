// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>

#include "core/buffer_pool.hpp"
#include "tardigrad/problem.hpp"

namespace tardigrad {

/// May local step k be made? A plain gradient counts as step 0.
using MayStep = std::function<bool(std::uint32_t k)>;

/// Carries out what an order asks for at x, for every runtime: a stochastic gradient, or local steps (LocalWork) until
/// `may_step` says no. Step k draws from the streams of index order.index + k, and has order.step = k.
/// The pseudo-gradient is summed up as D <- D + step_size * u, with y = x - D, so that one step without proximal weight
/// and clipping brings step_size * g to the last bit.
/// Shapes  x, g: [d]; g comes uninitialised
/// Memory  two buffers of the pool while local steps are made
/// Returns the number of local steps made.  Thread  that of the replica
std::uint32_t do_work(Replica& replica, const Order& order, std::span<const float> x, std::span<float> g,
                      BufferPool& buffers, const MayStep& may_step);
/// The same where it is known before how many steps fit: order.steps_done.
void do_work(Replica& replica, const Order& order, std::span<const float> x, std::span<float> g, BufferPool& buffers);

}  // namespace tardigrad
