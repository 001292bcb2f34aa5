// SPDX-License-Identifier: Apache-2.0
// Methods that handle one arrival at a time, and n-softsync: policies by hand numbers, traces by hand, mistakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "methods/policies/step/mishchenko.hpp"
#include "methods/policies/step/staleness_aware.hpp"
#include "support/fake_world.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using test::coefficients;
using test::delays;
using test::make;
using test::num;
using test::whole;
using test::word;
using testing::ElementsAre;
using testing::HasSubstr;

// Two workers on f = ||x||^2/2 in R^2 with x0 = (1, 1): g = x of the order's version, and both coordinates go the same
// way, so that x stands for either. Worker 0 takes 1 s, worker 1 takes `slow` seconds.
// With slow = 2.5, as long as every arrival makes a version:
//   t       1    2    2.5  3    4    5    5    6
//   worker  0    0    1    0    0    1    0    0
//   g       x0   x1   x0   x2   x4   x3   x5   x7
//   delay   0    0    2    1    0    2    1    0
// At t = 5 worker 1 comes first: its order is the older one.
test::Outcomes run(SettingValue::Table settings, std::uint64_t updates, double slow = 2.5) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, slow});
  const auto method = make(std::move(settings), 2);
  test::Outcomes outcomes =
      test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(updates)});
  EXPECT_EQ(outcomes.x[0], outcomes.x[1]);
  return outcomes;
}

SettingValue::Table with(const char* name, double step, SettingValue::Table more = {}) {
  more["name"] = word(name);
  more["step_size"] = num(step);
  return more;
}

std::string error_of(SettingValue::Table table) {
  try {
    make(std::move(table), 4);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(StalenessFactor, DividesByTheDelay) {
  EXPECT_EQ(methods::staleness_factor(0), 1.0);
  EXPECT_EQ(methods::staleness_factor(1), 1.0);  // not a half: the delay itself divides
  EXPECT_EQ(methods::staleness_factor(2), 0.5);
  EXPECT_EQ(methods::StalenessStep{0.25}.at(5), 0.05);
  EXPECT_EQ(methods::StalenessWeight{}.of(4), 0.25);
}

// The distances are sqrt(2) times those of one coordinate, B = 1.
//   x1 = 0.5, x2 = 0.25; t=2.5: 0.75 sqrt 2 > 1: skipped, no version, worker 1 goes on at x2
//   t=3: x3 = 0.25 - 0.125; t=4: x4 = 0.125 - 0.0625
//   t=5: worker 1, x2, 0.1875 sqrt 2 <= 1: x5 = 0.0625 - 0.125; worker 0, x4: x6 = -0.0625 - 0.03125
TEST(HandTrace, PickySgd) {
  const auto outcomes = run(with("picky-sgd", 0.5, {{"distance", num(1.0)}}), 6);
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.5, 0.5, 0, 0.5, 0.5, 0.5, 0.5));
  EXPECT_THAT(delays(outcomes), ElementsAre(0, 0, 2, 0, 0, 2, 1));
  EXPECT_EQ(outcomes.arrivals[2].outcome, Outcome::discarded);
  EXPECT_EQ(outcomes.x[0], -0.09375f);
}

// x2 and x0 are 0.75 sqrt(2) apart: just above the border, and just below.
TEST(PickySgd, AdmitsUpToTheDistanceAndNotBeyond) {
  const double border = std::sqrt(2 * 0.75 * 0.75);
  EXPECT_EQ(run(with("picky-sgd", 0.5, {{"distance", num(border * (1 + 1e-12))}}), 3).arrivals.size(), 3u);
  EXPECT_EQ(run(with("picky-sgd", 0.5, {{"distance", num(border * (1 - 1e-12))}}), 3).arrivals.size(), 4u);
  // 0 admits the fresh, and what x has come back to.
  EXPECT_EQ(run(with("picky-sgd", 0.5, {{"distance", num(0.0)}}), 3).result.counters.delay_max, 0u);
}

// A skipped gradient is looked at by its point alone.
TEST(PickySgd, SkippedGradientsAreNotComputed) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  const auto method = make(with("picky-sgd", 0.5, {{"distance", num(1.0)}}), 2);
  const auto outcomes = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(6)});
  EXPECT_EQ(outcomes.result.counters.discarded, 1u);
  EXPECT_EQ(bowl.computed(), 6u);
}

// n = 2. delta = delay + 1 after a worker's first: 0, 1, 2, 2, 1, 3: only the sixth step shrinks, to 0.5 * 2/3.
//   x: 0.5, 0.25, -0.25, -0.375, -0.1875, -0.1875 + 0.25/3
TEST(HandTrace, MishchenkoAsgd) {
  const auto outcomes = run(with("mishchenko-asgd", 0.5), 6);
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.5, 0.5, 0.5, 0.5, 0.5, 0.5 * (2.0 / 3.0)));
  EXPECT_NEAR(outcomes.x[0], -0.1875 + 0.25 / 3, 1e-8);
}

// Delays above 2n = 4 are dropped. After five updates of worker 0 (x5 = 1/32) the slow gradient has delay 5: dropped.
// With 4.5 s it has delay 4, and x5 = 1/16 - 1/2.
TEST(HandTrace, MishchenkoAsgdDrops) {
  const SettingValue::Table settings = with("mishchenko-asgd", 0.5, {{"variant", word("drop")}});
  const auto dropped = run(settings, 6, 5.5);
  EXPECT_THAT(delays(dropped), ElementsAre(0, 0, 0, 0, 0, 5, 0));
  EXPECT_EQ(dropped.arrivals[5].outcome, Outcome::discarded);
  EXPECT_EQ(dropped.x[0], 1.0f / 64);
  const auto kept = run(settings, 5, 4.5);
  EXPECT_EQ(kept.arrivals[4].delay, 4u);
  EXPECT_EQ(kept.x[0], 1.0f / 16 - 0.5f);
}

// gamma' = 2, alpha = 1/4; W = sum of the steps during the gradient's life.
//   1: W = 0: 0.5, x1 = 0.5        2: W = 0: 0.5, x2 = 0.25      3: W = 1: 0.25, x3 = 0.25 - 0.25 = 0
//   4: W = 0.25: 0.4375, x4 = -0.4375 * 0.25                     5: W = 0: 0.5, x5 = x4/2
//   6: W = 0.4375 + 0.5: 0.265625, g = x3 = 0, x6 = x5           7: W = 0.265625: 0.43359375, x7 = x6 (1 - that)
TEST(HandTrace, WuAsgdAdaptive1) {
  const auto outcomes = run(with("wu-asgd", 2.0, {{"alpha", num(0.25)}}), 7);
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.5, 0.5, 0.25, 0.4375, 0.5, 0.265625, 0.43359375));
  EXPECT_EQ(outcomes.x[0], -0.0546875f * (1 - 0.43359375f));
}

// gamma' = 0.5: gamma'/(tau + 1) if that is left, else 0.
//   1, 2: 0.5: x2 = 0.25           3: W = 1: 0, x3 = 0.25 at version 3    4: W = 0: 0.25, x4 = 0.1875
//   5: 0.5, x5 = 0.09375           6: W = 0.75: 0                          7: W = 0: 0.25, x7 = 0.75 x5
TEST(HandTrace, WuAsgdAdaptive2) {
  const auto outcomes = run(with("wu-asgd", 0.5, {{"rule", word("adaptive-2")}}), 7);
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.5, 0.5, 0, 0.25, 0.5, 0, 0.25));
  EXPECT_THAT(delays(outcomes), ElementsAre(0, 0, 2, 1, 0, 2, 1));  // a step of 0 makes a version
  EXPECT_EQ(outcomes.arrivals[2].outcome, Outcome::applied);
  EXPECT_EQ(outcomes.x[0], 0.0703125f);
}

// alpha0/(L + c sqrt(t + tau)) with alpha0 = L = c = 1 and t + tau = 1, 2, 5, 5, 5, 8; x from the same recursion.
TEST(HandTrace, AdaDelayScalar) {
  const auto outcomes = run(with("adadelay-asgd", 1.0, {{"variant", word("scalar")}}), 6);
  const double ages[] = {1, 2, 5, 5, 5, 8};
  const std::size_t points[] = {0, 1, 0, 2, 4, 3};
  std::vector<double> x = {1.0};
  for (std::size_t k = 0; k < 6; ++k) {
    const double step = 1 / (1 + std::sqrt(ages[k]));
    EXPECT_EQ(outcomes.arrivals[k].coefficient, step) << k;
    x.push_back(x.back() - step * x[points[k]]);
  }
  EXPECT_NEAR(outcomes.x[0], x[6], 1e-6);
}

// alpha0 = 0.5, L = 2. s: 1;  1 + x1^2;  + 3/5 (t = 3, tau = 2);  + 4/5 x2^2;  + x4^2;  + 6/8 x3^2.
// The step divides by 2 + sqrt(s (t + tau)/t): x1 = 1 - 0.5/3 = 5/6, x2 = 5/6 - 0.5 (5/6)/(2 + sqrt(61/36)), ...
TEST(HandTrace, AdaDelayCoordinate) {
  const auto outcomes = run(with("adadelay-asgd", 0.5, {{"smoothness", num(2.0)}}), 6);
  const std::size_t points[] = {0, 1, 0, 2, 4, 3};
  const double delay[] = {0, 0, 2, 1, 0, 2};
  std::vector<double> x = {1.0};
  double squares = 0.0;
  for (std::size_t k = 0; k < 6; ++k) {
    const double t = static_cast<double>(k) + 1, g = x[points[k]];
    squares += t / (t + delay[k]) * g * g;
    x.push_back(x.back() - 0.5 * g / (2 + std::sqrt(squares / t) * std::sqrt(t + delay[k])));
  }
  EXPECT_NEAR(x[1], 5.0 / 6, 1e-15);
  EXPECT_NEAR(outcomes.x[0], x[6], 1e-6);  // six float32 steps of numbers below 1
}

// Only the delays of 2 are halved. x: 0.5, 0.25, 0.25 - 0.25 = 0, -0.125, -0.0625, -0.0625 - 0.25 * 0
TEST(HandTrace, StalenessAwareAsgd) {
  const auto outcomes = run(with("staleness-aware-asgd", 0.5), 6);
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.5, 0.5, 0.25, 0.5, 0.5, 0.25));
  EXPECT_EQ(outcomes.x[0], -0.0625f);
}

// splits = 1 of 2 workers: c = 2; worker 1 takes 5.5 s.
//   t=1, 2: x0 twice: x1 = 1 - 0.25 * 2 = 0.5;  t=3, 4: x1 twice: x2 = 0.25
//   t=5: x2;  t=5.5: worker 1, x0, delay 2, weight 1/2: x3 = 0.25 - 0.25 (0.25 + 0.5) = 0.0625
TEST(HandTrace, NSoftsync) {
  const auto outcomes = run(with("n-softsync", 0.5, {{"splits", whole(1)}}), 3, 5.5);
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.25, 0.25, 0.25, 0.25, 0.25, 0.125));
  EXPECT_THAT(delays(outcomes), ElementsAre(0, 0, 0, 0, 0, 2));
  EXPECT_EQ(outcomes.x[0], 0.0625f);
}

// floor(5/2) = 2 gradients make an update.
TEST(NSoftsync, RoundsItsShareDown) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 1.0, 1.0, 1.0, 1.0});
  const auto method = make(with("n-softsync", 0.1, {{"splits", whole(2)}}), 5);
  const auto outcomes = test::simulate(bowl, times, *method, {.workers = 5, .run = test::stop_after_updates(10)});
  EXPECT_EQ(outcomes.arrivals.size(), 20u);
}

// lambda = 1, u = g + g^2 (x - point): with delay 0 u = g: x1 = 0.5, x2 = 0.25.
//   3: u = 1 + 1 (0.25 - 1) = 0.25, x3 = 0.125
//   4: g = 0.25, u = 0.25 + (0.125 - 0.25)/16 = 0.2421875, x4 = 0.00390625;  5: x5 = 1/512
//   6: g = x3 = 1/8, u = 1/8 + (1/512 - 64/512)/64 = 4033/32768, x6 = 1/512 - 4033/65536 = -3905/65536
TEST(HandTrace, DcAsgdConstant) {
  const auto outcomes = run(with("dc-asgd", 0.5, {{"lambda", num(1.0)}}), 6);
  EXPECT_EQ(outcomes.x[0], -3905.0f / 65536);
}

// mm = 1/2, lambda = 1/2. v: 0.5; 0.25 + 0.125; 0.1875 + 0.5 = 0.6875; ...; u = g + 0.5 g^2 (x - point)/sqrt(v + 1e-7):
// 3: u = 1 - 0.375/sqrt(0.6875); and so on by the recursion.
TEST(HandTrace, DcAsgdAdaptive) {
  const auto outcomes = run(
      with("dc-asgd", 0.5, {{"variant", word("adaptive")}, {"lambda", num(0.5)}, {"mean_square_decay", num(0.5)}}), 6);
  const std::size_t points[] = {0, 1, 0, 2, 4, 3};
  std::vector<double> x = {1.0};
  double v = 0.0;
  for (const std::size_t point : points) {
    const double g = x[point];
    v = 0.5 * v + 0.5 * g * g;
    x.push_back(x.back() - 0.5 * (g + 0.5 * g * g * (x.back() - g) / std::sqrt(v + 1e-7)));
  }
  EXPECT_NEAR(x[3], 0.25 - 0.5 * (1 - 0.375 / std::sqrt(0.6875)), 1e-7);
  EXPECT_NEAR(outcomes.x[0], x[6], 1e-6);
}

// lambda = 1, c = sqrt(2)/2, half of x0's norm. Fresh: x1 = 0.75, x2 = 0.75 - 0.25 = 0.5. Then g = x0:
//   gradient   clip: 0.5, u = 0.5 + 0.25 (0.5 - 1) = 0.375, x3 = 0.3125
//   corrected  u = 1 - 0.5 = 0.5 has the norm c: x3 = 0.25
TEST(DcAsgd, ClipsBeforeOrAfterTheCorrection) {
  const SettingValue::Table before =
      with("dc-asgd", 0.5, {{"lambda", num(1.0)}, {"clip_radius", num(std::sqrt(2.0) / 2)}});
  SettingValue::Table after = before;
  after["clip"] = word("corrected");
  EXPECT_NEAR(run(before, 3).x[0], 0.3125, 1e-7);
  EXPECT_NEAR(run(after, 3).x[0], 0.25, 1e-7);
}

TEST(ArrivalMethodSettings, EveryMistakeHasItsLine) {
  const SettingValue::Table constant = {{"kind", word("constant")}, {"warm_up", whole(5)}};
  const std::pair<SettingValue::Table, const char*> mistakes[] = {
      {with("picky-sgd", 1), "method.distance: is missing; it must be a number >= 0"},
      {with("picky-sgd", 1, {{"distance", num(-1)}}), "method.distance = -1.0: must be a number >= 0"},
      {with("mishchenko-asgd", 1, {{"variant", word("dorp")}}), "must be one of adaptive, drop; did you mean `drop`?"},
      {with("wu-asgd", 1, {{"rule", word("adaptive-3")}}), "must be one of adaptive-1, adaptive-2"},
      {with("wu-asgd", 1, {{"alpha", num(1)}}), "method.alpha = 1.0: must be"},
      {with("wu-asgd", 1, {{"alpha", num(0)}}), "method.alpha = 0.0: must be"},
      {with("wu-asgd", 1, {{"alpha", num(0.5)}, {"rule", word("adaptive-2")}}), "unknown key"},
      {with("wu-asgd", 1, {{"schedule", {constant}}}), "must be constant: the rule sums up the steps that were made"},
      {with("adadelay-asgd", 1, {{"variant", word("vector")}}), "must be one of coordinate, scalar"},
      {with("adadelay-asgd", 1, {{"scale", num(1)}}), "method.scale = 1.0: unknown key"},
      {with("adadelay-asgd", 1, {{"variant", word("scalar")}, {"scale", num(0)}}), "must be a number > 0"},
      {with("adadelay-asgd", 1, {{"smoothness", num(0)}}), "must be a number > 0"},
      {with("staleness-aware-asgd", 0), "method.step_size = 0.0: must be a number > 0"},
      {with("n-softsync", 1), "method.splits: is missing; it must be an integer in [1, 4]"},
      {with("n-softsync", 1, {{"splits", whole(5)}}), "method.splits = 5: must be an integer in [1, 4]"},
      {with("dc-asgd", 1, {{"variant", word("a")}}), "must be one of constant, adaptive"},
      {with("dc-asgd", 1, {{"lambda", num(-1)}}), "method.lambda = -1.0: must be a number >= 0"},
      {with("dc-asgd", 1, {{"mean_square_decay", num(0.5)}}), "method.mean_square_decay = 0.5: unknown key"},
      {with("dc-asgd", 1, {{"variant", word("adaptive")}, {"mean_square_decay", num(1)}}), "must be"},
      {with("dc-asgd", 1, {{"clip", word("corrected")}}), "says what clip_radius clips, which is not given"},
      {with("dc-asgd", 1, {{"clip", word("both")}}), "must be one of gradient, corrected"},
  };
  for (const auto& [table, line] : mistakes) EXPECT_THAT(error_of(table), HasSubstr(line));
}

}  // namespace
}  // namespace tardigrad
