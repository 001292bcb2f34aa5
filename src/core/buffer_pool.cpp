// SPDX-License-Identifier: Apache-2.0
#include "core/buffer_pool.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

float* allocate(std::size_t floats) {
  std::size_t bytes = floats * sizeof(float);
  const bool huge = bytes >= 2 * kHugePage;
  const std::size_t alignment = huge ? kHugePage : 64;
  bytes = (bytes + alignment - 1) / alignment * alignment;
  if (bytes == 0) bytes = alignment;
  void* memory = std::aligned_alloc(alignment, bytes);
  if (!memory) throw std::bad_alloc();
  if (huge) madvise(memory, bytes, MADV_HUGEPAGE);  // advice: a refusal costs speed, not correctness
  return static_cast<float*>(memory);
}

}  // namespace

BufferPool::BufferPool(std::size_t floats) : floats_(floats) {}

BufferPool::~BufferPool() {
  TG_CHECK(free_.size() == allocated_, "a buffer outlives its pool: ", allocated_ - free_.size(), " in use");
  for (float* data : free_) std::free(data);
}

Buffer BufferPool::take() {
  {
    const std::scoped_lock lock(mutex_);
    if (!free_.empty()) {
      float* data = free_.back();
      free_.pop_back();
      return {data, floats_, *this};
    }
  }
  float* data = allocate(floats_);  // may fail: it counts once it is there
  try {
    const std::scoped_lock lock(mutex_);
    free_.reserve(allocated_ + 1);  // so that recycle never allocates
    ++allocated_;
  } catch (...) {
    std::free(data);
    throw;
  }
  return {data, floats_, *this};
}

void BufferPool::recycle(float* data, std::size_t) noexcept {
  const std::scoped_lock lock(mutex_);
  free_.push_back(data);
}

std::size_t BufferPool::allocated() const {
  const std::scoped_lock lock(mutex_);
  return allocated_;
}

std::size_t BufferPool::in_use() const {
  const std::scoped_lock lock(mutex_);
  return allocated_ - free_.size();
}

}  // namespace tardigrad
