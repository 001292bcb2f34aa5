// SPDX-License-Identifier: Apache-2.0
// Parameters are one flat, aligned float32 vector with a table of the tensors in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tardigrad/types.hpp"

namespace tardigrad {

/// One tensor inside the flat vector: row-major, at [offset, offset + size).
struct TensorSlot {
  std::string name;
  std::vector<std::int64_t> shape;
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// The table of tensors. Offsets are dense: no padding between tensors.
class Layout {
 public:
  Layout() = default;
  /// A single tensor called `name` of shape [dimension].
  Layout(std::string name, std::size_t dimension) { add(std::move(name), {static_cast<std::int64_t>(dimension)}); }
  void add(std::string name, std::vector<std::int64_t> shape) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    tensors_.push_back({std::move(name), std::move(shape), dimension_, count});
    dimension_ += count;
  }
  std::size_t dimension() const { return dimension_; }
  const std::vector<TensorSlot>& tensors() const { return tensors_; }

 private:
  std::vector<TensorSlot> tensors_;
  std::size_t dimension_ = 0;
};

/// Takes a buffer's memory back when the buffer dies. Thread-safe. Outlives its buffers.
class BufferOwner {
 public:
  virtual void recycle(float* data, std::size_t size) noexcept = 0;

 protected:
  ~BufferOwner() = default;
};

/// A flat float32 vector, 64-byte aligned, that goes back to its owner when it dies. Move-only.
class Buffer {
 public:
  Buffer() = default;
  Buffer(float* data, std::size_t size, BufferOwner& owner) : data_(data), size_(size), owner_(&owner) {}
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~Buffer() {
    if (owner_) owner_->recycle(data_, size_);
  }
  std::span<float> view() { return {data_, size_}; }
  std::span<const float> view() const { return {data_, size_}; }
  bool empty() const { return data_ == nullptr; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(owner_, other.owner_);
  }
  float* data_ = nullptr;
  std::size_t size_ = 0;
  BufferOwner* owner_ = nullptr;
};

/// Version and parameters are one immutable object: a delay always belongs to its snapshot.
struct Snapshot {
  Version version = 0;
  std::shared_ptr<const Buffer> params;
  std::span<const float> view() const { return params->view(); }
};

}  // namespace tardigrad
