// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "core/buffer_pool.hpp"
#include "engines/wire/assembly.hpp"

namespace tardigrad::network {

/// Keeps a vector as it arrives in a buffer of a pool.
class BufferSink final : public wire::ChunkSink {
 public:
  explicit BufferSink(Buffer buffer) : buffer_(std::move(buffer)) {}
  void fold(std::size_t first, std::span<const float> values) override {
    std::ranges::copy(values, buffer_.view().begin() + static_cast<std::ptrdiff_t>(first));
  }
  std::span<const float> values() const override { return buffer_.view(); }
  const Buffer& buffer() const { return buffer_; }

 private:
  Buffer buffer_;
};

inline wire::MakeSink sinks_from(BufferPool& buffers) {
  return [&buffers](std::size_t) { return std::make_unique<BufferSink>(buffers.take()); };
}

}  // namespace tardigrad::network
