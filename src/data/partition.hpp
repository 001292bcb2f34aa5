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

/// Deals a worker's examples without replacement. Epoch e of an order is a permutation of all of them, from the stream
/// (seed, minibatch, worker, index of the epoch's first step); step s of S = ceil(size / batch_size) takes the s-th
/// batch of it, and the last one what is left. Memory  one permutation, drawn anew when another epoch is asked for:
/// what is dealt depends on the order alone
class EpochDeal {
 public:
  /// Which of 0 ... size - 1 have their turn at order.step; valid until the next call.
  std::span<const std::uint32_t> batch(const Order& order, std::size_t size, std::size_t batch_size,
                                       std::uint64_t seed);

 private:
  std::vector<std::uint32_t> positions_;
  WorkerId worker_ = 0;
  std::uint64_t first_index_ = 0, seed_ = 0;
};

/// The minibatches of one replica: drawn with replacement, or, where an order counts in epochs, dealt without.
class Minibatches {
 public:
  /// The partition outlives them.
  Minibatches(const Partition& partition, std::size_t batch_size, std::uint64_t seed)
      : partition_(partition), batch_size_(batch_size), seed_(seed) {}
  /// Valid until the next call.
  std::span<const std::uint32_t> draw(const Order& order);

 private:
  const Partition& partition_;
  std::size_t batch_size_;
  std::uint64_t seed_;
  EpochDeal deal_;
  std::vector<std::uint32_t> examples_;
};

/// ceil(size / batch_size)
inline std::uint64_t steps_per_epoch(std::size_t size, std::size_t batch_size) {
  return (size + batch_size - 1) / batch_size;
}

/// How many examples of each class every worker holds.  Shapes  labels: [examples], each < classes
std::vector<std::uint64_t> class_counts(const Partition& partition, WorkerId worker,
                                        std::span<const std::uint8_t> labels, std::size_t classes);

}  // namespace tardigrad::data
