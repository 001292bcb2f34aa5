// SPDX-License-Identifier: Apache-2.0
// Every method, in every variant of tests/golden, over random schedules: random compute times, workers that vanish,
// come back and come late. The driver itself checks at every event that no order is lost or counted twice, and the
// simulator that nobody who is away is given work.
#include <gtest/gtest.h>

#include "support/fake_world.hpp"
#include "support/method_files.hpp"
#include "support/watch.hpp"
#include "tardigrad/availability.hpp"

namespace tardigrad {
namespace {

using test::MethodFile;

constexpr std::size_t kWorkers = 4;

// UpAndDown of about 8 s, downtimes of about 3; the last worker comes late.
class ComeAndGo final : public Availability {
 public:
  explicit ComeAndGo(std::uint64_t seed) : seed_(seed) {}
  Time first_join(WorkerId worker) const override { return worker == kWorkers - 1 ? from_seconds(5.0) : Time{0}; }
  Time uptime(WorkerId worker, std::uint64_t episode) const override { return draw(worker, 2 * episode, 8.0); }
  Time downtime(WorkerId worker, std::uint64_t episode) const override { return draw(worker, 2 * episode + 1, 3.0); }

 private:
  Time draw(WorkerId worker, std::uint64_t index, double mean) const {
    return from_seconds(1e-9 + mean * Stream(seed_, Purpose::availability, worker, index).exponential());
  }
  std::uint64_t seed_;
};

// Nobody is there between 20 s and 25 s.
class Blackout final : public Availability {
 public:
  Time first_join(WorkerId) const override { return Time{0}; }
  Time uptime(WorkerId, std::uint64_t episode) const override {
    return episode == 0 ? from_seconds(20.0) : Time::max();
  }
  Time downtime(WorkerId, std::uint64_t) const override { return from_seconds(5.0); }
};

struct Seen {
  std::string digest;
  RunResult result;
  std::vector<ArrivalRecord> arrivals;
  std::size_t vectors = 0;
};

Seen run(const MethodFile& file, const Availability* availability, std::uint64_t seed, unsigned threads) {
  const test::Bowl bowl({.dimension = 3, .noise = 0.5, .seed = seed});
  const test::RandomTimes times(seed);
  BufferPool buffers(3);
  std::unique_ptr<ComputePool> pool;
  if (threads > 1) pool = std::make_unique<ComputePool>(threads);
  Seen seen;
  {
    Buffer x0 = buffers.take();
    bowl.initial_point(x0.view());
    ServerModel model(buffers, bowl.layout(), std::move(x0));
    // With worth_a_thread_seconds = 0 every gradient goes to the pool: the threads are really used.
    sim::Simulator simulator(
        bowl, times, buffers,
        {.workers = kWorkers, .availability = availability, .pool = pool.get(), .worth_a_thread_seconds = 0.0});
    test::Watch watch(simulator, file, kWorkers);
    test::Recorder recorder;
    const std::unique_ptr<Method> method = test::make(file.table, kWorkers, seed);
    Observer* const observers[] = {&recorder};
    const RunOptions options = test::stop_after_time(60.0);
    seen.result = drive(options, watch, *method, model, {.observers = observers});
    seen.digest = seen.result.digest;
    seen.arrivals = std::move(recorder.arrivals);
    seen.vectors = model.vectors();
  }
  return seen;
}

class Schedules : public testing::TestWithParam<MethodFile> {};
INSTANTIATE_TEST_SUITE_P(Methods, Schedules, testing::ValuesIn(test::method_files()), test::name_of_method_file);

TEST_P(Schedules, LossesAndReturns) {
  std::uint64_t lost = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    const ComeAndGo availability(seed);
    const Seen seen = run(GetParam(), &availability, seed, 1);
    lost += seen.result.counters.lost;
    EXPECT_NE(seen.result.reason, StopReason::diverged);
    EXPECT_EQ(seen.result.reason, StopReason::time);
    // Progress to the end: some update in the last third, though people come and go.
    std::uint64_t late_updates = 0;
    for (const ArrivalRecord& a : seen.arrivals)
      if (a.time > from_seconds(40.0)) late_updates = a.updates;
    EXPECT_GT(seen.result.counters.updates, 2u);
    EXPECT_GT(late_updates, 0u);
    EXPECT_EQ(run(GetParam(), &availability, seed, 4).digest, seen.digest);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(lost, 0u);
}

// A round that has lost everybody begins anew when they are back.
TEST_P(Schedules, EverybodyIsLostAtOnce) {
  const Blackout availability;
  const Seen seen = run(GetParam(), &availability, 5, 1);
  EXPECT_EQ(seen.result.reason, StopReason::time);
  std::uint64_t before = 0, after = 0;
  for (const ArrivalRecord& a : seen.arrivals) (a.time <= from_seconds(25.0) ? before : after) = a.updates;
  EXPECT_GT(after, before);
}

TEST_P(Schedules, DelaysNeedsAndMemoryAreAsDeclared) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Seen seen = run(GetParam(), nullptr, seed, 1);
    const std::string name = GetParam().method();
    EXPECT_LE(seen.result.counters.delay_max, test::delay_bound(GetParam(), kWorkers));

    const auto row =
        std::ranges::find_if(methods::catalogue(), [&](const MethodRow& each) { return name == each.name; });
    const std::unique_ptr<Method> method = test::make(GetParam().table, kWorkers, seed);
    const Capabilities capabilities = method->required_capabilities();
    EXPECT_TRUE((!capabilities.cancel || row->capabilities.cancel) &&
                (!capabilities.queues || row->capabilities.queues) &&
                (!capabilities.timers || row->capabilities.timers) &&
                (!capabilities.local_steps || row->capabilities.local_steps) &&
                (!capabilities.points || row->capabilities.points));
    if (GetParam().table.count("update") == 0 && GetParam().table.count("clipping") == 0) {
      EXPECT_LE(seen.vectors, row->memory.fixed + row->memory.per_worker * kWorkers);
    }
  }
}

// What a row declares is no more than what some variant really uses.
TEST(Catalogue, DeclaredNeedsAndMemoryAreUsed) {
  for (const MethodRow& row : methods::catalogue()) {
    Capabilities used;
    std::size_t vectors = 0;
    for (const MethodFile& file : test::method_files()) {
      if (file.method() != row.name) continue;
      const Capabilities capabilities = test::make(file.table, kWorkers)->required_capabilities();
      used.cancel |= capabilities.cancel;
      used.queues |= capabilities.queues;
      used.timers |= capabilities.timers;
      used.local_steps |= capabilities.local_steps;
      used.points |= capabilities.points;
      vectors = std::max(vectors, run(file, nullptr, 1, 1).vectors);
    }
    EXPECT_EQ(used.cancel, row.capabilities.cancel) << row.name;
    EXPECT_EQ(used.queues, row.capabilities.queues) << row.name;
    EXPECT_EQ(used.timers, row.capabilities.timers) << row.name;
    EXPECT_EQ(used.local_steps, row.capabilities.local_steps) << row.name;
    EXPECT_EQ(used.points, row.capabilities.points) << row.name;
    EXPECT_GE(vectors, row.memory.fixed + row.memory.per_worker * kWorkers) << row.name;
  }
}

}  // namespace
}  // namespace tardigrad
