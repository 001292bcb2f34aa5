// SPDX-License-Identifier: Apache-2.0
// Laws of the methods that handle one arrival at a time, and of n-softsync: what they become where their rule does
// nothing, and what bounds their steps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/fake_world.hpp"

namespace tardigrad {
namespace {

using test::make;
using test::num;
using test::whole;
using test::word;

SettingValue::Table with(const char* name, double step, SettingValue::Table more = {}) {
  more["name"] = word(name);
  more["step_size"] = num(step);
  return more;
}

// Noisy gradients in R^3; equal workers, each of 1 s, or times drawn at random.
enum class Clocks : std::uint8_t { equal, random };
std::string digest(SettingValue::Table settings, Clocks clocks, std::size_t workers = 7) {
  const test::Bowl bowl({.dimension = 3, .noise = 0.5});
  const test::FixedTimes equal(std::vector<double>(workers, 1.0));
  const test::RandomTimes random(5);
  const auto method = make(std::move(settings), workers);
  const ComputeTime& times = clocks == Clocks::equal ? static_cast<const ComputeTime&>(equal) : random;
  return test::simulate(bowl, times, *method, {.workers = workers, .run = test::stop_after_updates(300)}).result.digest;
}

constexpr double kStep = 0.03;  // with seven workers no product of the two is exact
const SettingValue::Table kVanilla = with("vanilla-asgd", kStep);

TEST(Equivalence, PickyAtAnyDistanceIsVanilla) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string vanilla = digest(kVanilla, Clocks::random);
  EXPECT_EQ(digest(with("picky-sgd", kStep, {{"distance", num(infinity)}}), Clocks::random), vanilla);
  EXPECT_NE(digest(with("picky-sgd", kStep, {{"distance", num(0.1)}}), Clocks::random), vanilla);
}

TEST(Equivalence, UncompensatedDcAsgdIsVanilla) {
  for (const char* variant : {"constant", "adaptive"}) {
    const SettingValue::Table settings = with("dc-asgd", kStep, {{"variant", word(variant)}, {"lambda", num(0)}});
    EXPECT_EQ(digest(settings, Clocks::random), digest(kVanilla, Clocks::random)) << variant;
  }
}

// Clipped first, lambda = 0 is the clipped method.
TEST(Equivalence, UncompensatedClippedDcAsgdIsClippedAsgd) {
  const SettingValue::Table radius = {{"clip_radius", num(0.7)}};
  SettingValue::Table compensated = radius;
  compensated["lambda"] = num(0);
  EXPECT_EQ(digest(with("dc-asgd", kStep, compensated), Clocks::random),
            digest(with("clipped-asgd", kStep, radius), Clocks::random));
}

// n equal workers: every delay is n - 1, and n updates lie between two arrivals of the same.
TEST(Equivalence, MishchenkoOfEqualWorkersIsVanilla) {
  for (const char* variant : {"adaptive", "drop"}) {
    const SettingValue::Table settings = with("mishchenko-asgd", kStep, {{"variant", word(variant)}});
    EXPECT_EQ(digest(settings, Clocks::equal), digest(kVanilla, Clocks::equal)) << variant;
    EXPECT_NE(digest(settings, Clocks::random), digest(kVanilla, Clocks::random)) << variant;
  }
}

// Two equal workers have delays 0 and 1, which keep the full step.
TEST(Equivalence, StalenessAwareWithDelaysUpToOneIsVanilla) {
  EXPECT_EQ(digest(with("staleness-aware-asgd", kStep), Clocks::equal, 2), digest(kVanilla, Clocks::equal, 2));
  EXPECT_NE(digest(with("staleness-aware-asgd", kStep), Clocks::equal, 3), digest(kVanilla, Clocks::equal, 3));
}

TEST(Equivalence, NSoftsyncOfAsManySplitsAsWorkersIsStalenessAware) {
  for (const Clocks clocks : {Clocks::equal, Clocks::random})
    for (const std::int64_t splits : {4, 7})  // floor(7/4) = 1 as well
      EXPECT_EQ(digest(with("n-softsync", kStep, {{"splits", whole(splits)}}), clocks),
                digest(with("staleness-aware-asgd", kStep), clocks));
}

// Alone, every gradient is fresh, and nothing is spent during its life.
TEST(Equivalence, AloneTheyAreSerialSgd) {
  const std::string serial = digest(kVanilla, Clocks::random, 1);
  EXPECT_EQ(digest(with("picky-sgd", kStep, {{"distance", num(0)}}), Clocks::random, 1), serial);
  EXPECT_EQ(digest(with("wu-asgd", kStep, {{"rule", word("adaptive-2")}}), Clocks::random, 1), serial);
  EXPECT_EQ(digest(with("wu-asgd", 2 * kStep, {{"alpha", num(0.5)}}), Clocks::random, 1), serial);
  EXPECT_EQ(digest(with("mishchenko-asgd", kStep), Clocks::random, 1), serial);
  EXPECT_EQ(digest(with("staleness-aware-asgd", kStep), Clocks::random, 1), serial);
  EXPECT_EQ(digest(with("n-softsync", kStep, {{"splits", whole(1)}}), Clocks::random, 1), serial);
  EXPECT_EQ(digest(with("dc-asgd", kStep, {{"lambda", num(3)}}), Clocks::random, 1), serial);
}

// The steps made during a gradient's life and its own never exceed gamma', whoever is late; but for the rounding of
// prefix sums, which stay below 4097 gamma': 2 * 4097 * 2^-53 < 2^-39 of gamma', and the test's own sums beside it.
TEST(WuAsgd, SpendsNoMoreThanItsBudgetDuringALife) {
  for (const char* rule : {"adaptive-1", "adaptive-2"}) {
    const test::Bowl bowl({.noise = 0.1});
    const test::RandomTimes times(11);
    const double budget = 0.3;
    const auto method = make(with("wu-asgd", budget, {{"rule", word(rule)}}), 9);
    const auto run = test::simulate(bowl, times, *method, {.workers = 9, .run = test::stop_after_updates(60'000)});
    double total = 0.0;
    for (std::size_t k = 0; k < run.arrivals.size(); ++k) {
      ASSERT_EQ(run.arrivals[k].updates, k + 1);  // a step of 0 makes a version, too
      double spent = 0.0;
      for (std::size_t t = k - run.arrivals[k].delay; t <= k; ++t) spent += run.arrivals[t].coefficient;
      // What others have spent no late gradient can mend: its own step is 0 then.
      if (run.arrivals[k].coefficient > 0) {
        ASSERT_LE(spent, budget * (1 + 0x1p-38)) << rule << k;
      }
      total += run.arrivals[k].coefficient;
    }
    EXPECT_GT(total, 4096 * budget) << rule;  // so that sums were rebased
  }
}

}  // namespace
}  // namespace tardigrad
