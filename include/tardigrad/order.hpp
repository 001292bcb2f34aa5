// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "tardigrad/types.hpp"

namespace tardigrad {

/// One piece of work given to one worker: a stochastic gradient at one version.
struct Order {
  OrderId id = 0;
  WorkerId worker = 0;
  /// How many orders this worker was given before: the index of the order's random streams, so
  /// that a worker's k-th draw is the same under every method.
  std::uint64_t index = 0;
  Version version = 0;
};

/// The gradient of an order, forced on use: reading it may wait for a computation, and a gradient
/// that nobody reads need never be computed.
/// Thread  the server loop only; valid during the event that brings it.
class Gradient {
 public:
  /// ||g||_2, in double precision.
  virtual double norm() const = 0;
  /// [d] float32 in the order of the layout.
  virtual std::span<const float> values() const = 0;

 protected:
  ~Gradient() = default;
};

}  // namespace tardigrad
