// SPDX-License-Identifier: Apache-2.0
#include "engines/local_work.hpp"

#include <cmath>
#include <limits>

#include "core/kernels.hpp"

namespace tardigrad {
namespace {

// min(1, c/||g||); what is not finite stays so, and is found out on arrival.
double clip_factor(std::span<const float> g, double radius) {
  if (radius == std::numeric_limits<double>::infinity()) return 1.0;
  const double norm = std::sqrt(kernels::squared_norm(g));
  return norm > radius ? radius / norm : 1.0;
}

}  // namespace

std::uint32_t do_work(Replica& replica, const Order& order, std::span<const float> x, std::span<float> g,
                      BufferPool& buffers, const MayStep& may_step) {
  if (order.work.steps == 0) {
    if (may_step(0)) replica.gradient(order, x, g);
    return 0;
  }
  const LocalWork& work = order.work;
  Buffer point = buffers.take(), local = buffers.take();
  kernels::clear(g);
  std::uint32_t k = 0;
  for (; k < work.steps && may_step(k); ++k) {
    Order step = order;
    step.index += k;
    step.step = k;
    // y = x - D
    const std::span<const float> y = k == 0 ? x : point.view();
    if (k > 0) kernels::subtract_scaled(point.view(), x, 1.0f, g);
    replica.gradient(step, y, local.view());
    const double factor = work.step_size * clip_factor(local.view(), work.clip_radius);
    // u = g + mu (y - x) = g - mu D
    if (work.proximal_weight > 0.0)
      kernels::scale(g, static_cast<float>(1.0 - work.step_size * work.proximal_weight), g);
    kernels::add_scaled(g, static_cast<float>(factor), local.view());
  }
  return k;
}

void do_work(Replica& replica, const Order& order, std::span<const float> x, std::span<float> g, BufferPool& buffers) {
  const auto may_step = [&](std::uint32_t k) { return order.work.steps == 0 || k < order.steps_done; };
  do_work(replica, order, x, g, buffers, may_step);
}

}  // namespace tardigrad
