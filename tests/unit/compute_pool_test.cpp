// SPDX-License-Identifier: Apache-2.0
// What the look-ahead pool computes, in which order, and what it leaves alone.
#include <gtest/gtest.h>

#include <deque>
#include <mutex>

#include "engines/compute_pool.hpp"
#include "support/fake_world.hpp"

namespace tardigrad {
namespace {

using test::Bowl;

// A gradient that is older than the oldest useful version is passed over, even though it would arrive first.
TEST(ComputePool, LeavesDoomedGradientsAlone) {
  const Bowl bowl({});
  BufferPool buffers(2);
  const auto x = std::make_shared<const Buffer>(buffers.take());
  ComputePool pool(1);
  GradientJob doomed{.order = {.id = 1, .worker = 0, .index = 0, .version = 3}, .snapshot = {3, x}, .finish = Time{10}};
  GradientJob first{.order = {.id = 2, .worker = 0, .index = 1, .version = 6}, .snapshot = {6, x}, .finish = Time{20}};
  GradientJob second{.order = {.id = 3, .worker = 0, .index = 2, .version = 6}, .snapshot = {6, x}, .finish = Time{30}};
  {
    ComputePool::Session session(pool, bowl, buffers);
    session.set_oldest_useful_version(5);
    session.submit(doomed);
    session.submit(first);
    session.submit(second);
    session.wait_for(second);
    session.wait_for(first);
    EXPECT_EQ(session.gradients_computed(), 2u);
    EXPECT_FALSE(session.is_ready(doomed));
    session.wait_for(doomed);  // who insists gets it all the same
    EXPECT_TRUE(session.is_ready(doomed));
  }
  EXPECT_EQ(bowl.computed(), 3u);
}

TEST(ComputePool, ComputesInTheOrderOfVirtualFinishAndHoldsBack) {
  std::mutex mutex;
  std::vector<OrderId> computed;
  const Bowl bowl({.on_gradient = [&](const Order& order) {
    const std::scoped_lock lock(mutex);
    computed.push_back(order.id);
  }});
  BufferPool buffers(2);
  const auto x = std::make_shared<const Buffer>(buffers.take());
  ComputePool pool(1);  // looks ahead by four
  std::deque<GradientJob> jobs;
  {
    ComputePool::Session session(pool, bowl, buffers);
    for (OrderId id = 0; id < 8; ++id)
      jobs.push_back({.order = {.id = id, .worker = 0, .index = id, .version = 0},
                      .snapshot = {0, x},
                      .finish = Time{static_cast<Time::rep>(100 - id)}});  // the last one arrives first
    // From the earliest arrival on: the pool starts with the first job that it sees.
    for (auto job = jobs.rbegin(); job != jobs.rend(); ++job) session.submit(*job);
    session.wait_for(jobs[0]);  // urgent: taken although four are held
    const std::scoped_lock lock(mutex);
    // Job 0 whenever it was asked for; the others from the earliest arrival on, and no more than may be held.
    EXPECT_EQ(std::erase(computed, 0u), 1u);
    ASSERT_LE(computed.size(), 4u);
    for (std::size_t i = 0; i < computed.size(); ++i) EXPECT_EQ(computed[i], 7 - i);
  }
}

}  // namespace
}  // namespace tardigrad
