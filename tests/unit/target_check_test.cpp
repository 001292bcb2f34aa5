// SPDX-License-Identifier: Apache-2.0
// What an evaluation says about its run.
#include <gtest/gtest.h>

#include <initializer_list>
#include <limits>
#include <vector>

#include "engines/target_check.hpp"
#include "support/fake_world.hpp"

namespace tardigrad {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Evaluations at 0 s, 1 s, ... after 0, 10, ... updates; the losses are held against 1.
struct Checked {
  Checked(std::uint64_t hold, std::initializer_list<double> losses) {
    const RunOptions options{.target = Target{.metric = "loss", .threshold = 1.0, .hold = hold}};
    const std::vector<float> x(2, 1.0f);
    TargetCheck check(options);
    for (const double loss : losses) {
      const EvaluationRecord record{.time = from_seconds(static_cast<double>(count)),
                                    .version = 10 * count,
                                    .metrics = {{"accuracy", 0.0}, {"loss", loss}}};
      if (check.check(record, x, result).reaches_target) reached_at.push_back(count);
      ++count;
    }
  }
  RunResult result;
  std::vector<std::uint64_t> reached_at;  ///< the evaluations that said so
  std::uint64_t count = 0;
};

std::optional<Moment> moment(std::uint64_t k) { return Moment{from_seconds(static_cast<double>(k)), 10 * k}; }

TEST(TargetCheck, OneEvaluationReachesATargetThatNeedNotHold) {
  const Checked run(1, {3, 2, 1, 2, 0.5, 0.5});
  EXPECT_EQ(run.reached_at, std::vector<std::uint64_t>{2});
  EXPECT_EQ(run.result.time_to_target, from_seconds(2));
  EXPECT_EQ(run.result.updates_to_target, 20u);
  EXPECT_EQ(run.result.hits.first, moment(2));
  EXPECT_EQ(run.result.hits.later, 3u);
  EXPECT_EQ(run.result.hits.later_met, 2u);
  EXPECT_EQ(run.result.hits.lasting, moment(4));
}

TEST(TargetCheck, ATargetThatMustHoldIsReachedByTheFirstOfSoManyInARow) {
  const Checked run(3, {3, 1, 1, 2, 1, 0.5, 1, 1, 2});
  EXPECT_EQ(run.reached_at, std::vector<std::uint64_t>{6}) << "it is known at the third in a row";
  EXPECT_EQ(run.result.time_to_target, from_seconds(4));
  EXPECT_EQ(run.result.updates_to_target, 40u);
  EXPECT_EQ(run.result.hits.first, moment(1));
  EXPECT_EQ(run.result.hits.later, 7u);
  EXPECT_EQ(run.result.hits.later_met, 5u);
  EXPECT_EQ(run.result.hits.lasting, std::nullopt) << "the last one misses it";
}

TEST(TargetCheck, TwoAtTheEndAreNotThreeInARow) {
  const Checked run(3, {1, 1, 2, 1, 1});
  EXPECT_TRUE(run.reached_at.empty());
  EXPECT_EQ(run.result.time_to_target, std::nullopt);
  EXPECT_EQ(run.result.hits.first, moment(0));
  EXPECT_EQ(run.result.hits.lasting, std::nullopt);
}

TEST(TargetCheck, WhatIsNotANumberMeetsNoTarget) {
  const Checked run(1, {1, kNaN});
  EXPECT_EQ(run.result.time_to_target, from_seconds(0));
  EXPECT_EQ(run.result.hits.later_met, 0u);
  EXPECT_EQ(run.result.hits.lasting, std::nullopt);
}

TEST(Driver, StopsWhenTheTargetHasHeldForSoManyEvaluations) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0});
  const auto method = test::make({{"name", test::word("vanilla-asgd")}, {"step_size", test::num(0.5)}}, 1);
  RunOptions options = test::stop_after_time(100);
  options.stop.at_target = true;
  options.target = Target{.metric = "loss", .threshold = 0.01, .hold = 3};
  options.evaluate_every.time = from_seconds(2);
  const auto run = test::simulate(bowl, times, *method, {.workers = 1, .run = options});
  EXPECT_EQ(run.result.reason, StopReason::target);
  EXPECT_EQ(run.result.time_to_target, from_seconds(4));  // met at 4, 6 and 8 s
  EXPECT_EQ(run.result.updates_to_target, 4u);
  EXPECT_EQ(run.result.time, from_seconds(8));
  EXPECT_EQ(run.result.hits.later_met, 2u);
}

}  // namespace
}  // namespace tardigrad
