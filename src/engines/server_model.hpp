// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/buffer_pool.hpp"
#include "core/kernels.hpp"
#include "tardigrad/method.hpp"
#include "tardigrad/params.hpp"

namespace tardigrad {

/// The server's parameters on one machine. An update reads x and g and writes x' into a fresh buffer: the memory
/// traffic of an update in place, and every version stays alive exactly as long as somebody computes at it.
/// Thread  the server loop; snapshots may be read and dropped anywhere
class ServerModel final : public Model {
 public:
  /// x: the initial point, in a buffer of `pool`. The pool outlives the model and its snapshots.
  ServerModel(BufferPool& pool, Buffer x, kernels::Threads threads = kernels::Threads::one);

  Version version() const override { return snapshot_.version; }
  std::size_t dimension() const override { return pool_.buffer_floats(); }
  void step(double coefficient, const Gradient& gradient) override;
  VectorId make_vector() override;
  void accumulate(VectorId vector, double coefficient, const Gradient& gradient) override;
  void step_and_clear(double coefficient, VectorId vector) override;

  const Snapshot& snapshot() const { return snapshot_; }

 private:
  void step_along(double coefficient, std::span<const float> direction);
  Buffer& vector_of(VectorId id);

  BufferPool& pool_;
  kernels::Threads threads_;
  Snapshot snapshot_;
  std::vector<Buffer> vectors_;
};

}  // namespace tardigrad
