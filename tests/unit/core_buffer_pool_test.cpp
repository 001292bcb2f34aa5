// SPDX-License-Identifier: Apache-2.0
#include "core/buffer_pool.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

namespace tardigrad {
namespace {

TEST(BufferPool, ReusesWhatCameBack) {
  BufferPool pool(100);
  EXPECT_EQ(pool.buffer_floats(), 100u);
  const float* first = nullptr;
  {
    Buffer buffer = pool.take();
    first = buffer.view().data();
    EXPECT_EQ(buffer.view().size(), 100u);
    EXPECT_EQ(pool.in_use(), 1u);
  }
  EXPECT_EQ(pool.in_use(), 0u);
  const Buffer again = pool.take();
  EXPECT_EQ(again.view().data(), first);
  EXPECT_EQ(pool.allocated(), 1u);
}

TEST(BufferPool, GrowsOnDemandAndOnlyThen) {
  BufferPool pool(8);
  std::vector<Buffer> held;
  for (int i = 0; i < 5; ++i) held.push_back(pool.take());
  EXPECT_EQ(pool.allocated(), 5u);
  held.clear();
  for (int i = 0; i < 5; ++i) held.push_back(pool.take());
  EXPECT_EQ(pool.allocated(), 5u);
  EXPECT_EQ(pool.in_use(), 5u);
}

TEST(BufferPool, BuffersAreAligned) {
  for (const std::size_t floats : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, std::size_t{3} << 20}) {
    BufferPool pool(floats);
    const Buffer buffer = pool.take();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.view().data()) % 64, 0u) << floats;
    EXPECT_EQ(buffer.view().size(), floats);
  }
}

TEST(BufferPool, MovingABufferKeepsOneOwner) {
  BufferPool pool(4);
  Buffer a = pool.take();
  float* const data = a.view().data();
  Buffer b = std::move(a);
  EXPECT_EQ(b.view().data(), data);
  EXPECT_EQ(pool.in_use(), 1u);
  b = Buffer();
  EXPECT_TRUE(b.empty());
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(BufferPool, ThreadsShareIt) {
  BufferPool pool(16);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&pool, t] {
        for (int i = 0; i < 1000; ++i) {
          Buffer buffer = pool.take();
          for (float& x : buffer.view()) x = static_cast<float>(t);
          for (const float x : buffer.view()) ASSERT_EQ(x, static_cast<float>(t));
        }
      });
  }
  EXPECT_EQ(pool.in_use(), 0u);
  EXPECT_LE(pool.allocated(), 4u);
}

TEST(BufferPoolDeathTest, MustOutliveItsBuffers) {
  EXPECT_DEATH(
      {
        std::optional<BufferPool> pool(std::in_place, 4);
        const Buffer buffer = pool->take();
        pool.reset();
      },
      "a buffer outlives its pool: 1 in use");
}

}  // namespace
}  // namespace tardigrad
