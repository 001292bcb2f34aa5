// SPDX-License-Identifier: Apache-2.0
// The way of jobs between threads. A wake-up that got lost would leave a test asleep for ever: nothing here ends by the
// clock.
#include "engines/threads/inbox.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "core/buffer_pool.hpp"

namespace tardigrad::threads {
namespace {

std::unique_ptr<Job> job(OrderId id, WorkerId worker = 0) {
  auto made = std::make_unique<Job>();
  made->order.id = id;
  made->order.worker = worker;
  return made;
}

TEST(ThreadsInbox, FirstInFirstOut) {
  Inbox inbox;
  EXPECT_EQ(inbox.take(), nullptr);
  for (OrderId id = 0; id < 3; ++id) inbox.push(job(id));
  EXPECT_EQ(inbox.take()->order.id, 0u);
  for (OrderId id = 3; id < 5; ++id) inbox.push(job(id));  // while some that were taken together wait
  for (OrderId id = 1; id < 5; ++id) {
    EXPECT_TRUE(inbox.has_jobs());
    EXPECT_EQ(inbox.take()->order.id, id);
  }
  EXPECT_FALSE(inbox.has_jobs());
  EXPECT_EQ(inbox.take(), nullptr);
}

TEST(ThreadsInbox, GivesBackTheMemoryOfWhatItDrops) {
  BufferPool pool(10);
  const auto with_buffer = [&] {
    auto made = job(0);
    made->gradient = pool.take();
    return made;
  };
  {
    Inbox inbox;
    for (int i = 0; i < 3; ++i) inbox.push(with_buffer());
    inbox.drop();
    EXPECT_EQ(pool.in_use(), 0u);
    EXPECT_EQ(inbox.take(), nullptr);
    for (int i = 0; i < 3; ++i) inbox.push(with_buffer());
    inbox.take();  // two that were taken with it stay, and one comes
    inbox.push(with_buffer());
    EXPECT_EQ(pool.in_use(), 3u);
  }
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(ThreadsInbox, EveryJobOfEveryThreadComesInItsOrder) {
  constexpr WorkerId kThreads = 4;
  constexpr OrderId kJobs = 20'000;
  Inbox inbox;
  std::vector<std::jthread> threads;
  for (WorkerId worker = 0; worker < kThreads; ++worker)
    threads.emplace_back([&inbox, worker] {
      for (OrderId id = 0; id < kJobs; ++id) inbox.push(job(id, worker));
    });
  std::vector<OrderId> next(kThreads, 0);
  for (OrderId taken = 0; taken < kThreads * kJobs;) {
    const std::unique_ptr<Job> came = inbox.take();
    if (!came) {
      inbox.sleep(Instant::max(), [&] { return inbox.has_jobs(); });
      continue;
    }
    ASSERT_EQ(came->order.id, next[came->order.worker]++);
    ++taken;
  }
  EXPECT_FALSE(inbox.has_jobs());
}

// To and fro, so that both fall asleep all the time.
TEST(ThreadsInbox, WakesWhoSleeps) {
  constexpr OrderId kTimes = 10'000;
  Inbox there, back;
  const auto receive = [](Inbox& inbox) {
    inbox.sleep(Instant::max(), [&] { return inbox.has_jobs(); });
    return inbox.take();
  };
  const std::jthread other([&] {
    for (OrderId i = 0; i < kTimes; ++i) back.push(receive(there));
  });
  for (OrderId i = 0; i < kTimes; ++i) {
    there.push(job(i));
    ASSERT_EQ(receive(back)->order.id, i);
  }
}

TEST(ThreadsInbox, CanBeWokenWithoutAJob) {
  Inbox inbox;
  std::atomic<bool> closed{false};
  const std::jthread other([&] {
    closed = true;
    inbox.wake();
  });
  inbox.sleep(Instant::max(), [&] { return closed.load(); });
  EXPECT_FALSE(inbox.has_jobs());
}

TEST(ThreadsInbox, SleepsNoLongerThanItMay) {
  Inbox inbox;
  inbox.sleep(std::chrono::steady_clock::now(), [] { return false; });
  EXPECT_EQ(inbox.take(), nullptr);
}

}  // namespace
}  // namespace tardigrad::threads
