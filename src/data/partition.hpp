// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tardigrad/order.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::data {

/// Which examples each worker draws from.
class Partition {
 public:
  /// Every worker draws from all `examples` (homogeneous).
  static Partition shared(std::size_t examples);
  static Partition split(std::vector<std::vector<std::uint32_t>> parts);

  bool is_shared() const { return parts_.empty(); }
  std::size_t size(WorkerId worker) const { return is_shared() ? examples_ : parts_[worker].size(); }
  /// The worker's k-th example.
  std::uint32_t example(WorkerId worker, std::size_t k) const {
    return is_shared() ? static_cast<std::uint32_t>(k) : parts_[worker][k];
  }

 private:
  std::size_t examples_ = 0;
  std::vector<std::vector<std::uint32_t>> parts_;
};

/// Reads a `partition` table: kind = "shared" | "iid" | "dirichlet-classwise" | "dirichlet-clientwise"
/// (alpha, and min_size for the class-wise one), and calls `finish`-relevant getters only for the kind's keys.
/// labels: [examples], each < classes.
Partition make_partition(Settings& settings, std::span<const std::uint8_t> labels, std::size_t classes,
                         std::size_t workers, std::uint64_t seed);

/// Contiguous shards of a text: worker i of n owns positions [i*length/n, (i+1)*length/n).
struct TextShards {
  std::size_t length = 0, shards = 1;  ///< one shard: every worker draws from the whole text
  std::pair<std::size_t, std::size_t> range(WorkerId worker) const {
    if (shards == 1) return {0, length};
    return {worker * length / shards, (worker + 1) * length / shards};
  }
};

/// The examples of an order's minibatch: `batch` uniform draws with replacement from the worker's part, from the
/// stream (seed, minibatch, worker, index). With replacement, so that minibatches are independent as the theory asks.
void draw_minibatch(const Partition& partition, const Order& order, std::uint64_t seed,
                    std::span<std::uint32_t> examples);

}  // namespace tardigrad::data
