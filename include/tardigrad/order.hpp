// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <span>

#include "tardigrad/archive.hpp"
#include "tardigrad/types.hpp"

namespace tardigrad {

/// What an order asks its worker to compute at the parameters x that come with it.
///   steps = 0:  the stochastic gradient g(x) of f_i
///   steps = K:  the pseudo-gradient x - y_K of K local steps from y_0 = x:
///               y_{k+1} = y_k - step_size * ( min(1, clip_radius/||g||) g(y_k) + proximal_weight * (y_k - x) )
/// A worker makes as many of the steps as its `budget` has room for, but at least one, and returns what it has then
/// (partial work).
///
/// epochs = E > 0: the steps are E passes over the worker's own examples without replacement, E * steps_per_epoch in
/// all (Problem::steps_per_epoch): the runtime's loop writes their number into `steps` when the order is given.
/// Source  McMahan et al., arXiv 1602.05629 (FedAvg); Li et al., arXiv 1812.06127 (proximal weight, partial work)
struct LocalWork {
  std::uint32_t steps = 0;
  std::uint32_t epochs = 0;
  double step_size = 0.0;
  double proximal_weight = 0.0;
  double clip_radius = std::numeric_limits<double>::infinity();  ///< of each local gradient
  Time budget = Time::max();                                     ///< of compute time
  bool operator==(const LocalWork&) const = default;
};

/// One piece of work given to one worker at one version.
struct Order {
  OrderId id = 0;
  WorkerId worker = 0;
  /// How many gradients this worker was asked for before: the index of the order's (first) random streams, so that a
  /// worker's k-th draw is the same under every method. K local steps take K indices.
  std::uint64_t index = 0;
  Version version = 0;
  LocalWork work = {};
  /// Local steps made; known when the order has come back. 0 for a plain gradient.
  std::uint32_t steps_done = 0;
  /// Which of its local steps is being made, while one is: `index` is that of the step then. Else 0.
  std::uint32_t step = 0;
  /// What its worker took for it, waiting in its queue not counted; known when the order has come back, and, up to
  /// then, when it was withdrawn or lost. A scalar that comes with the event, like the gradient's norm: measured by the
  /// runtime, so that a method needs no clock.
  Time compute_time{};
  /// From when it was given, or its worker was done with the order before, until it came back, by the clock of the
  /// runtime: the way there and back is in it, and it is nobody's word. Known on arrival, to methods that need timers.
  Time round_trip{};
};

inline void serialize(Archive& archive, LocalWork& work) {
  archive(work.steps, work.epochs, work.step_size, work.proximal_weight, work.clip_radius, work.budget);
}
inline void serialize(Archive& archive, Order& order) {
  archive(order.id, order.worker, order.index, order.version, order.work, order.steps_done, order.compute_time);
}

/// What an order brought back, the gradient or pseudo-gradient g, forced on use: reading it may wait for a
/// computation, and a gradient that nobody reads need never be computed.
/// Thread  the server loop only; valid during the event that brings it.
class Gradient {
 public:
  /// ||g||_2, in double precision.
  virtual double norm() const = 0;
  /// [d] float32 in the order of the layout.
  virtual std::span<const float> values() const = 0;
  /// [d] the parameters that the order came with (capabilities.points).
  virtual std::span<const float> point() const = 0;

 protected:
  ~Gradient() = default;
};

}  // namespace tardigrad
