// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engines/wire/message.hpp"

namespace tardigrad::network {

/// What a transport sends as one: messages that wait for the same peer, one after another, each behind its length (32
/// bits, little-endian), one byte p < 16, and p bytes that are 0. Their number makes the bytes of a chunk begin at a
/// multiple of 16, so that they are read in place.
class Batch {
 public:
  /// A batch of so many bytes is sent before more is added to it.
  static constexpr std::size_t kFull = 1 << 20;
  /// No batch is longer: a message less than full, and the longest there is.
  static constexpr std::size_t kMost = kFull + wire::kMostChunk + (1 << 20);

  void add(const wire::Message& message);
  bool full() const { return size_ >= kFull; }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  /// Bytes of its own, then bytes of somebody else's.
  struct Piece {
    std::vector<std::byte> head;
    wire::Payload body;
  };
  std::vector<Piece> take();

 private:
  std::vector<Piece> pieces_;
  std::size_t size_ = 0;
};

/// Hands on the messages of a batch, in their order. Chunks refer to `owner`'s bytes where there is one.
/// Returns  "", or why what is left is no batch
const char* split(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                  const std::function<void(wire::Message)>& hand_on);

}  // namespace tardigrad::network
