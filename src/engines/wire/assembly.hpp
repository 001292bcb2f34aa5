// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "compression/compressor.hpp"
#include "engines/wire/message.hpp"

namespace tardigrad::wire {

/// Takes a vector in R^d as it arrives, and keeps what is wanted of it.
class ChunkSink {
 public:
  virtual ~ChunkSink() = default;
  /// The values from coordinate `first` on: each coordinate once, in their order. What was folded may still be refused
  /// at its end, and then the sink is destroyed: a sum over several workers is made of sinks that were completed.
  virtual void fold(std::size_t first, std::span<const float> values) = 0;
  /// What was folded, where all of it is kept: later parameters may be told by their differences from it.
  virtual std::span<const float> values() const = 0;
};
/// Makes a sink for d values. Memory is bounded by how many there are (CoordinatorOptions::most_uploads).
using MakeSink = std::function<std::unique_ptr<ChunkSink>(std::size_t dimension)>;

/// Keeps all of it.
class VectorSink final : public ChunkSink {
 public:
  explicit VectorSink(std::size_t dimension) : values_(dimension) {}
  void fold(std::size_t first, std::span<const float> values) override;
  std::span<const float> values() const override { return values_; }

 private:
  std::vector<float> values_;
};

/// The running checksum: that of nothing is `chain_start`, and each chunk goes on from that of the last (XXH3).
std::uint64_t chain_start(OrderId order);
std::uint64_t chain(std::uint64_t before, std::span<const std::byte> bytes);

/// The bytes of one vector as they arrive: in order, whole, unchanged.
class Assembly {
 public:
  /// `bytes` of float32, or of what `decompressor` reads.
  Assembly(HeldOrder order, std::size_t bytes, std::unique_ptr<ChunkSink> sink,
           std::unique_ptr<compression::Decompressor> decompressor = nullptr);
  const HeldOrder& order() const { return order_; }
  /// Nothing, or why this chunk cannot be: then the vector is lost.
  std::optional<Refusal> add(const Chunk& chunk);
  /// Nothing, or why this is not the whole vector.
  std::optional<Refusal> finish(double claimed_norm) const;
  bool complete() const { return bytes_ == all_bytes_; }
  /// Of what has come.
  double norm() const;
  std::unique_ptr<ChunkSink> take() { return std::move(sink_); }

 private:
  void fold(std::size_t first, std::span<const float> values);

  HeldOrder order_;
  std::size_t all_bytes_, bytes_ = 0;
  std::uint64_t checksum_;
  double squares_ = 0.0;
  std::unique_ptr<ChunkSink> sink_;
  std::unique_ptr<compression::Decompressor> decompressor_;
};

/// Cuts a vector into chunks.
class Cutter {
 public:
  Cutter() = default;
  Cutter(HeldOrder order, Payload bytes)
      : order_(order), bytes_(std::move(bytes)), checksum_(chain_start(order.order)) {}
  bool done() const { return at_ == bytes_.size(); }
  const HeldOrder& order() const { return order_; }
  /// The next chunk, of at most `most` bytes, rounded down to a multiple of 4.  Pre  !done(), most >= 4
  Chunk next(std::size_t most);

 private:
  HeldOrder order_ = {};
  Payload bytes_;
  std::size_t at_ = 0;
  std::uint64_t checksum_ = 0;
};

}  // namespace tardigrad::wire
