// SPDX-License-Identifier: Apache-2.0
// Every method, in every variant of tests/golden: one worker that brings NaN, or fails, ends no run and gets into no
// vector, in the simulator and on threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "support/method_files.hpp"
#include "support/settings.hpp"
#include "support/thread_world.hpp"

namespace tardigrad {
namespace {

using test::Bowl;
using test::MethodFile;

constexpr std::size_t kWorkers = 4;
constexpr WorkerId kBad = 1;

class BadWorkers : public testing::TestWithParam<MethodFile> {
 protected:
  // Forty updates, unless 1,000 s pass without; a gradient takes a second on average.
  static test::Outcomes simulate(Bowl::Options bowl, unsigned threads = 1) {
    bowl.dimension = 3;
    bowl.noise = 0.5;
    const auto method = test::make(GetParam().table, kWorkers);
    const RunOptions end{.stop = {.updates = 40, .time = from_seconds(1000.0)}};
    return test::simulate(Bowl(std::move(bowl)), test::RandomTimes(1), *method,
                          {.workers = kWorkers, .threads = threads, .run = end});
  }
  static void expect_to_go_on(const test::Outcomes& run) {
    EXPECT_EQ(run.result.reason, StopReason::updates);
    EXPECT_TRUE(run.finite);
    for (const ArrivalRecord& a : run.arrivals) ASSERT_TRUE(a.outcome != Outcome::applied || std::isfinite(a.norm));
  }
};
INSTANTIATE_TEST_SUITE_P(Methods, BadWorkers, testing::ValuesIn(test::method_files()), test::name_of_method_file);

TEST_P(BadWorkers, WhoAlwaysBringsNaNIsPutAside) {
  const test::Outcomes run = simulate({.brings_nan = [](const Order& order) { return order.worker == kBad; }});
  expect_to_go_on(run);
  EXPECT_LE(run.result.counters.not_finite, 3u);  // fewer where its gradients are too late to be looked at
  EXPECT_EQ(run.result.put_aside, run.result.counters.not_finite / 3);
  EXPECT_EQ(run.warnings.size(), run.result.put_aside);
}

TEST_P(BadWorkers, OneNaNIsDiscarded) {
  const test::Outcomes run =
      simulate({.brings_nan = [](const Order& order) { return order.worker == kBad && order.index == 2; }});
  expect_to_go_on(run);
  EXPECT_LE(run.result.counters.not_finite, 1u);
  EXPECT_EQ(run.result.put_aside, 0u);
  EXPECT_EQ(run.result.counters.lost, 0u);
  EXPECT_TRUE(run.warnings.empty());
}

TEST_P(BadWorkers, WhoFailsIsLost) {
  const auto fails = [](const Order& order) {
    if (order.worker == kBad && order.index >= 2) throw std::runtime_error("disk on fire");
  };
  const test::Outcomes run = simulate({.on_gradient = fails});
  expect_to_go_on(run);
  EXPECT_EQ(run.result.counters.not_finite, 0u);
  EXPECT_EQ(run.result.put_aside, 0u);
  // In a private run every arrival is applied, this one as the vector 0.
  const Outcome end = GetParam().table.count("privacy") ? Outcome::applied : Outcome::lost;
  const auto lost = std::ranges::find_if(run.arrivals, [&](const ArrivalRecord& arrival) {
    return arrival.order.worker == kBad && arrival.order.index >= 2 && arrival.outcome == end;
  });
  ASSERT_EQ(run.warnings.size(), lost != run.arrivals.end());  // one that is late need not be computed
  if (lost == run.arrivals.end()) return;
  EXPECT_EQ(run.warnings[0], "worker 1 failed at order " + std::to_string(lost->order.id) + ": disk on fire");
  for (auto later = lost + 1; later < run.arrivals.end(); ++later)
    EXPECT_TRUE(later->outcome == Outcome::lost || later->order.worker != kBad);
}

TEST_P(BadWorkers, WhereAllBringNaNTheRunHasDiverged) {
  const test::Outcomes run = simulate({.brings_nan = [](const Order& order) { return order.index >= 4; }});
  if (run.result.reason == StopReason::updates) GTEST_SKIP() << "forty updates take fewer gradients";
  EXPECT_EQ(run.result.reason, StopReason::diverged);
  EXPECT_TRUE(run.finite);
}

TEST_P(BadWorkers, OnThreadsTheOthersGoOn) {
  const Bowl bowl(
      {.dimension = 3, .noise = 0.5, .brings_nan = [](const Order& order) { return order.worker == kBad; }});
  const auto method = test::make(GetParam().table, kWorkers);
  const RunOptions end{.stop = {.gradients = 300, .time = from_seconds(300.0)}};
  const test::ThreadRun run = test::run_threads(bowl, *method, {.threads = {.workers = kWorkers}, .run = end});
  EXPECT_TRUE(run.result.reason == StopReason::gradients) << name_of(run.result.reason);
  EXPECT_LE(run.result.put_aside, 1u);
  EXPECT_LE(run.result.counters.not_finite, 3u);
  for (const float value : run.x) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace tardigrad
