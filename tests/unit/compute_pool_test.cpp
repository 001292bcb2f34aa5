// SPDX-License-Identifier: Apache-2.0
// What the look-ahead pool computes, in which order, and what it leaves alone.
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "engines/compute_pool.hpp"
#include "engines/hogwild/hogwild.hpp"
#include "engines/threads/thread_runtime.hpp"
#include "support/fake_world.hpp"

namespace tardigrad {
namespace {

using test::Bowl;

// Three threads that are to be in one place at once; after a while nobody is waited for any more.
class Meeting {
 public:
  void join() {
    std::unique_lock lock(mutex_);
    most_ = std::max(most_, ++there_);
    met_.notify_all();
    met_.wait_for(lock, std::chrono::seconds(open_ ? 20 : 0), [&] { return most_ >= 3; });
    --there_;
  }
  void open(bool open = true) {
    const std::scoped_lock lock(mutex_);
    open_ = open;
  }
  int most() {
    const std::scoped_lock lock(mutex_);
    return most_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable met_;
  int there_ = 0, most_ = 0;
  bool open_ = false;
};

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

TEST(ComputePool, GrowsWhenItIsTold) {
  Meeting meeting;
  const Bowl bowl({.evaluation_parts = 3, .on_evaluation = [&] { meeting.join(); }});
  BufferPool buffers(2);
  const auto x = std::make_shared<const Buffer>(buffers.take());
  ComputePool pool(1, 3);
  ComputePool::Session session(pool, bowl, buffers);
  EvaluationJob alone(bowl, {0, x}), together(bowl, {0, x});
  session.submit(alone);
  session.wait_for(alone);
  EXPECT_EQ(meeting.most(), 1);
  meeting.open();
  pool.grow();
  session.submit(together);
  session.wait_for(together);
  EXPECT_EQ(meeting.most(), 3);
}

// While workers work, one thread evaluates; what is evaluated when they have stopped gets all.
TEST(ComputePool, TheLastEvaluationOfThreadsHasAllCores) {
  Meeting meeting;
  const Bowl bowl({.evaluation_parts = 3, .on_evaluation = [&] { meeting.join(); }});
  BufferPool buffers(2);
  const auto x = std::make_shared<const Buffer>(buffers.take());
  threads::ThreadRuntime runtime(bowl, buffers,
                                 {.workers = 2, .evaluation_threads = {.beside_workers = 1, .at_the_end = 3}});
  runtime.evaluator().take(runtime.evaluator().start({0, x}));
  EXPECT_EQ(meeting.most(), 1);
  meeting.open();
  runtime.wind_down();
  runtime.evaluator().take(runtime.evaluator().start({1, x}));
  EXPECT_EQ(meeting.most(), 3);
}

TEST(ComputePool, TheLastEvaluationOfAllWhoWriteAtOnceHasAllCores) {
  Meeting meeting;
  std::atomic<bool> interrupted{true};
  meeting.open();
  const Bowl bowl({.evaluation_parts = 3, .on_evaluation = [&] { meeting.join(); }});
  BufferPool buffers(2);
  Buffer x = buffers.take();
  bowl.initial_point(x.view());
  hogwild::train(bowl, buffers, x.view(),
                 {.workers = 2,
                  .step = [](Version) { return 0.1; },
                  .run = {.stop = {.updates = 1000}},
                  .evaluation_threads = {.beside_workers = 1, .at_the_end = 3}},
                 {.interrupted = &interrupted});
  EXPECT_EQ(meeting.most(), 3);
}

// Parts that are each too small for the pool are worth it together.
TEST(ComputePool, ASimulatorSharesManySmallParts) {
  std::mutex mutex;
  std::set<std::thread::id> seen;
  const Bowl bowl({.evaluation_parts = 400, .on_evaluation = [&] {
                     std::this_thread::sleep_for(std::chrono::microseconds(200));
                     const std::scoped_lock lock(mutex);
                     seen.insert(std::this_thread::get_id());
                   }});
  BufferPool buffers(2);
  const auto x = std::make_shared<const Buffer>(buffers.take());
  const test::FixedTimes times({1.0});
  ComputePool pool(3);
  sim::Simulator simulator(bowl, times, buffers, {.workers = 1, .pool = &pool, .worth_a_thread_seconds = 1e-3});
  simulator.evaluator().take(simulator.evaluator().start({0, x}));
  EXPECT_GT(seen.size(), 1u);
}

}  // namespace
}  // namespace tardigrad
