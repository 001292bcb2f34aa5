// SPDX-License-Identifier: Apache-2.0
// Every method, in every variant of tests/golden, on real threads: what the driver and the watch check at every event,
// delay bounds, and, where one worker leaves nothing to chance, the very updates of the simulator.
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "support/method_files.hpp"
#include "support/settings.hpp"
#include "support/thread_world.hpp"
#include "support/watch.hpp"

namespace tardigrad {
namespace {

using test::MethodFile;
using test::ThreadRun;

constexpr std::size_t kWorkers = 4;

// Nobody waits so long for two thousand arrivals: whoever gets there has hung.
constexpr double kWatchDog = 300.0;

ThreadRun run(const MethodFile& file, threads::ThreadOptions options, std::uint64_t seed) {
  const test::Bowl bowl({.dimension = 3, .noise = 0.5, .seed = seed});
  const test::RandomTimes times(seed);
  options.workers = kWorkers;
  options.pace = &times;
  const std::size_t late = options.availability ? 1 : 0;
  const std::unique_ptr<Method> method = test::make(file.table, kWorkers, seed, late);
  const auto around = [&](Runtime& inner) { return std::make_unique<test::Watch>(inner, file, kWorkers); };
  const RunOptions stop{.stop = {.gradients = 2000, .time = from_seconds(kWatchDog / options.time_scale)}};
  ThreadRun seen = test::run_threads(bowl, *method, {.threads = options, .run = stop, .around = around});
  EXPECT_NE(seen.result.reason, StopReason::time);
  EXPECT_NE(seen.result.reason, StopReason::diverged);
  EXPECT_GT(seen.result.counters.updates, 0u);
  EXPECT_LE(seen.result.counters.delay_max, test::delay_bound(file, kWorkers));
  return seen;
}

class OnThreads : public testing::TestWithParam<MethodFile> {};
INSTANTIATE_TEST_SUITE_P(Methods, OnThreads, testing::ValuesIn(test::method_files()), test::name_of_method_file);

// Orders of 10 to 30 microseconds on average.
TEST_P(OnThreads, TwoThousandArrivals) {
  const ThreadRun seen = run(GetParam(), {.time_scale = 1e-5}, 1);
  if (seen.result.reason == StopReason::gradients) {
    EXPECT_EQ(seen.result.counters.arrived(), 2000u);
  }
  EXPECT_EQ(seen.result.counters.lost, 0u);
  EXPECT_GT(seen.result.runtime.utilisation, 0.0);
}

// UpAndDown of about 8 orders, downtimes of about 3.
TEST_P(OnThreads, LossesAndReturns) {
  const test::ComingAndGoing availability({.seed = 2, .uptime = 16.0, .downtime = 3.0, .late = kWorkers - 1});
  const ThreadRun seen = run(GetParam(), {.availability = &availability, .time_scale = 1e-4}, 2);
  EXPECT_GT(seen.result.counters.lost, 0u);
}

// One worker brings its gradients in their order, whatever the clock says. A method that decides by compute times, or
// asks for as many local steps as time allows, may differ.
TEST_P(OnThreads, OneWorkerMakesTheUpdatesOfTheSimulator) {
  if (test::error_of(GetParam().table, 1) != "no error") GTEST_SKIP() << "is for several workers";
  if (GetParam().method() == "adaptive-sync" || GetParam().table.count("local_budget") > 0)
    GTEST_SKIP() << "decides by times";
  const test::Bowl bowl({.dimension = 3, .noise = 0.5});
  const test::FixedTimes times({1.0});
  const RunOptions stop{.stop = {.updates = 100, .gradients = 1000}};
  const auto simulated_by = test::make(GetParam().table, 1), run_by = test::make(GetParam().table, 1);
  const test::Outcomes simulated = test::simulate(bowl, times, *simulated_by, {.workers = 1, .run = stop});
  const ThreadRun seen = test::run_threads(bowl, *run_by, {.threads = {.workers = 1}, .run = stop});
  ASSERT_EQ(seen.result.reason, simulated.result.reason);
  ASSERT_EQ(seen.arrivals.size(), simulated.arrivals.size());
  for (std::size_t i = 0; i < seen.arrivals.size(); ++i) {
    const ArrivalRecord &a = seen.arrivals[i], &b = simulated.arrivals[i];
    ASSERT_EQ(a.order.id, b.order.id);
    ASSERT_EQ(a.order.version, b.order.version);
    ASSERT_EQ(a.outcome, b.outcome);
    if (a.outcome != Outcome::applied) continue;
    ASSERT_EQ(a.norm, b.norm);
    ASSERT_EQ(a.coefficient, b.coefficient);
  }
  ASSERT_EQ(std::memcmp(seen.x.data(), simulated.x.data(), seen.x.size() * sizeof(float)), 0);
}

}  // namespace
}  // namespace tardigrad
