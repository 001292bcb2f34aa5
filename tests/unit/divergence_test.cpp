// SPDX-License-Identifier: Apache-2.0
// When a run has diverged, and when a worker is put aside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "support/fake_world.hpp"

namespace tardigrad {
namespace {

using test::Bowl;
using test::FixedTimes;
using test::make;
using test::num;
using test::Outcomes;
using test::simulate;
using test::word;
using testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

SettingValue::Table vanilla(double step) { return {{"name", word("vanilla-asgd")}, {"step_size", num(step)}}; }

// x <- -2x each second, so that ||x|| = sqrt(2) 2^t and the loss 4^t, from 1.
struct Runaway {
  DivergedWhen when = {};
  bool stop_at_target = false;
  unsigned threads = 1;
  double seconds = 60.0;

  Outcomes run() const {
    const Bowl bowl({.cost = std::chrono::microseconds(threads > 1 ? 300 : 0)});
    const auto method = make(vanilla(3.0), 1);
    RunOptions options = test::stop_after_time(seconds);
    options.diverged_when = when;
    options.evaluate_every.time = from_seconds(1);
    options.target = Target{.metric = "loss", .threshold = 1e-3};
    options.stop.at_target = stop_at_target;
    return simulate(bowl, FixedTimes({1.0}), *method, {.workers = 1, .threads = threads, .run = options});
  }
};

// 4^5 is the first above 1000; the run ends four evaluations later, which may all be under way, at one moment.
TEST(Divergence, ALossOutOfProportionEndsTheRun) {
  for (const unsigned threads : {1u, 3u}) {
    const Outcomes run = Runaway{.threads = threads}.run();
    EXPECT_EQ(run.result.reason, StopReason::diverged);
    EXPECT_EQ(run.result.time, from_seconds(9));
    EXPECT_THAT(run.warnings, ElementsAre("the run has diverged: loss 1024 is above 1000 times 1 "
                                          "(run.diverged_when.loss_factor) at 5.000000 s"));
  }
  EXPECT_EQ((Runaway{.stop_at_target = true}.run().result.time), from_seconds(5)) << "where evaluations are waited for";
}

TEST(Divergence, ARunThatEndsThereHasDivergedToo) {
  const Outcomes run = Runaway{.seconds = 5.0}.run();
  EXPECT_EQ(run.result.reason, StopReason::diverged);
  EXPECT_EQ(run.result.time, from_seconds(5));
  EXPECT_EQ(Runaway{.seconds = 4.0}.run().result.reason, StopReason::time);
}

TEST(Divergence, TheFactorIsTheScenarios) {
  EXPECT_EQ((Runaway{.when = {.loss_factor = 4.0}}.run().result.time), from_seconds(2 + 4));  // 16 is above 4
  const Outcomes run = Runaway{.when = {.loss_factor = kInfinity, .distance_factor = 100.0}}.run();
  EXPECT_EQ(run.result.reason, StopReason::diverged);
  EXPECT_EQ(run.result.time, from_seconds(7 + 4));  // 2^7 is above 100
  EXPECT_EQ(
      (Runaway{.when = {.loss_factor = kInfinity, .distance_factor = kInfinity}, .seconds = 40}.run().result.reason),
      StopReason::time);
}

// After 128 s 2^t is beyond float32.
TEST(Divergence, AnXThatIsNotFiniteIsEnough) {
  const Outcomes run = Runaway{.when = {.loss_factor = kInfinity, .distance_factor = kInfinity}, .seconds = 400}.run();
  EXPECT_EQ(run.result.reason, StopReason::diverged);
  EXPECT_LT(run.result.time, from_seconds(140));
}

/// Workers of 1 s each; who brings NaN is said.
Outcomes run_with(std::size_t workers, std::function<bool(const Order&)> brings_nan, unsigned threads = 1,
                  std::uint64_t put_aside_after = 3) {
  const Bowl bowl({.cost = std::chrono::microseconds(threads > 1 ? 300 : 0), .brings_nan = std::move(brings_nan)});
  const auto method = make(vanilla(0.01), workers);
  RunOptions options = test::stop_after_time(10.5);
  options.put_aside_after = put_aside_after;
  return simulate(bowl, FixedTimes(std::vector<double>(workers, 1.0)), *method,
                  {.workers = workers, .threads = threads, .run = options});
}

TEST(PutAside, AfterSoManyInARow) {
  const auto bad = [](const Order& order) { return order.worker == 1 && order.index != 1; };
  const Outcomes run = run_with(3, bad);
  EXPECT_EQ(run.result.reason, StopReason::time);
  EXPECT_EQ(run.result.counters.not_finite, 1u + 3u);
  EXPECT_EQ(run.result.counters.lost, 1u) << "the order that it was given before it was put aside";
  EXPECT_EQ(run.result.counters.applied, 2u * 10u + 1u);
  EXPECT_EQ(run.result.put_aside, 1u);
  EXPECT_THAT(run.warnings, ElementsAre("worker 1 is put aside: 3 gradients in a row that were not finite"));
  EXPECT_EQ(run_with(3, bad, 3).result.digest, run.result.digest);
  EXPECT_EQ(run_with(3, bad, 1, 1).result.counters.not_finite, 1u);
}

TEST(PutAside, MostOfTheWorkersIsADivergence) {
  const auto two_of = [](const Order& order) { return order.worker < 2; };
  EXPECT_EQ(run_with(4, two_of).result.reason, StopReason::time);
  const Outcomes run = run_with(3, two_of);
  EXPECT_EQ(run.result.reason, StopReason::diverged);
  EXPECT_EQ(run.result.time, from_seconds(3));
  EXPECT_THAT(run.warnings,
              testing::Contains("the run has diverged: 2 of 3 workers bring gradients that are not finite"));
}

// Where all do it is noticed after three orders a worker: the last of them has seen 2 put aside, and none of its own.
TEST(PutAside, NothingButNaNIsADivergence) {
  const Outcomes run = run_with(2, [](const Order&) { return true; });
  EXPECT_EQ(run.result.reason, StopReason::diverged);
  EXPECT_EQ(run.result.counters.not_finite, 6u);
  EXPECT_EQ(run.result.counters.applied, 0u);
}

TEST(Failure, OfASimulatedWorkerIsItsLoss) {
  const Bowl bowl({.on_gradient = [](const Order& order) {
    if (order.worker == 1 && order.index == 2) throw std::runtime_error("disk on fire");
  }});
  const auto method = make(vanilla(0.01), 3);
  const Outcomes run =
      simulate(bowl, FixedTimes({1.0, 1.0, 1.0}), *method, {.workers = 3, .run = test::stop_after_time(10.5)});
  EXPECT_EQ(run.result.reason, StopReason::time);
  EXPECT_THAT(run.warnings, ElementsAre("worker 1 failed at order 7: disk on fire"));
  EXPECT_EQ(run.result.counters.lost, 2u) << "that order, and the one that it was given then";
  EXPECT_EQ(run.result.counters.applied, 2u * 10u + 2u);
}

TEST(Failure, OfAGradientIsFoundOutAtTheSameMomentByAnyThread) {
  std::string digests[2];
  for (const unsigned threads : {1u, 2u}) {
    const Bowl bowl({.cost = std::chrono::microseconds(threads > 1 ? 300 : 0), .on_gradient = [](const Order& order) {
                       if (order.index == 20) throw std::runtime_error("out of order");
                     }});
    const FixedTimes times({1.0, 1.0});
    const auto method = make(vanilla(0.01), 2);
    const Outcomes run =
        simulate(bowl, times, *method, {.workers = 2, .threads = threads, .run = test::stop_after_time(100)});
    EXPECT_EQ(run.result.reason, StopReason::no_workers);
    EXPECT_EQ(run.arrivals.back().time, from_seconds(21));
    digests[threads - 1] = run.result.digest;
  }
  EXPECT_EQ(digests[0], digests[1]);
}

TEST(Failure, OfAllWorkersLeavesNobody) {
  const Bowl bowl({.on_gradient = [](const Order&) { throw 42; }});
  const auto method = make(vanilla(0.01), 2);
  const Outcomes run =
      simulate(bowl, FixedTimes({1.0, 1.0}), *method, {.workers = 2, .run = test::stop_after_time(10)});
  EXPECT_EQ(run.result.reason, StopReason::no_workers);
  EXPECT_EQ(run.warnings.size(), 3u);
}

}  // namespace
}  // namespace tardigrad
