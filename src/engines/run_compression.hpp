// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "compression/settings.hpp"
#include "core/buffer_pool.hpp"
#include "tardigrad/archive.hpp"
#include "tardigrad/order.hpp"
#include "tardigrad/params.hpp"

namespace tardigrad {

/// Where compression is a part of what is computed, whatever carries it: what workers compute at, and what comes of
/// their gradients. What a worker left out (error feedback) is that of its last order that arrived, and nothing when it
/// joins.
/// Memory  with bf16 parameters those of the last version, twice; with error feedback a vector a worker
/// Thread  one at a time
class RunCompression {
 public:
  /// Plan and buffers outlive it.
  RunCompression(const compression::Plan& plan, std::uint64_t seed, BufferPool& buffers)
      : plan_(plan), seed_(seed), buffers_(buffers) {}

  bool has_error_feedback() const { return plan_.has_error_feedback(); }
  /// What an order at these parameters is computed at.
  Snapshot parameters(const Snapshot& snapshot);
  /// g <- what arrives of it; not changed but for what was left out before where that is not finite.
  void gradient(const Order& order, std::span<float> g);
  /// The worker is lost: what it left out is too.
  void forget(WorkerId worker) { left_out_.erase(worker); }
  void serialize(Archive& archive);

 private:
  const compression::Plan& plan_;
  const std::uint64_t seed_;
  BufferPool& buffers_;
  Snapshot last_, rounded_;
  std::map<WorkerId, std::shared_ptr<const Buffer>> left_out_;  // of its last order that arrived
};

}  // namespace tardigrad
