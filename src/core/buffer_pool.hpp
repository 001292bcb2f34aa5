// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "tardigrad/params.hpp"

namespace tardigrad {

/// Hands out buffers of one size and takes them back: after a warm-up nothing is allocated.
/// Large buffers ask the system for huge pages.
/// Thread  any.  Pre  outlives its buffers (checked).
class BufferPool final : public BufferOwner {
 public:
  explicit BufferPool(std::size_t floats);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// Contents are whatever was there before.  Cost  O(1) when one is free.
  Buffer take();
  std::size_t buffer_floats() const { return floats_; }
  /// Buffers that exist, in use or free.
  std::size_t allocated() const;
  std::size_t in_use() const;

  void recycle(float* data, std::size_t size) noexcept override;

 private:
  const std::size_t floats_;
  mutable std::mutex mutex_;
  std::vector<float*> free_;   // guarded by mutex_
  std::size_t allocated_ = 0;  // guarded by mutex_
};

}  // namespace tardigrad
