// SPDX-License-Identifier: Apache-2.0
// Methods that collect gradients of the present x, or keep a table with a row for every worker: traces by hand, losses
// and returns in every phase, mistakes. Where not said otherwise g_i = x - b_i with b = (0, -1, 1).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "support/bowl_world.hpp"
#include "support/settings.hpp"

namespace tardigrad {
namespace {

using test::Away;
using test::coefficients;
using test::delays;
using test::error_of;
using test::num;
using test::table;
using test::times;
using test::whole;
using test::word;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kForEver = 1e6;

test::Outcomes run(std::vector<double> seconds, SettingValue::Table settings, std::uint64_t updates,
                   const Availability* availability = nullptr) {
  std::vector<float> centres = {0.0f, -1.0f, 1.0f};
  centres.resize(seconds.size());
  return test::BowlWorld{.seconds = std::move(seconds), .centres = centres, .availability = availability}.run(
      std::move(settings), updates);
}
float x_after(std::uint64_t updates, std::vector<double> seconds, const SettingValue::Table& settings,
              const Availability* availability = nullptr) {
  return run(std::move(seconds), settings, updates, availability).x[0];
}

SettingValue::Table with(const char* name, double step, SettingValue::Table more = {}) {
  more["name"] = word(name);
  more["step_size"] = num(step);
  return more;
}
SettingValue::Table rennala(std::int64_t batch, bool stop) {
  return with("rennala-sgd", 0.375, {{"batch_target", whole(batch)}, {"stop", {stop}}});
}
SettingValue::Table malenia(std::int64_t batch, bool stop) {
  return with("malenia-sgd", 0.5, {{"batch_target", whole(batch)}, {"stop", {stop}}});
}

std::vector<Outcome> outcomes_of(const test::Outcomes& run) {
  std::vector<Outcome> list;
  for (const ArrivalRecord& a : run.arrivals) list.push_back(a.outcome);
  return list;
}
constexpr Outcome kApplied = Outcome::applied, kDiscarded = Outcome::discarded, kCancelled = Outcome::cancelled;

// gamma/S = 1/8. Every batch has two gradients of worker 0 and one of worker 1; worker 2 is always stopped.
//   t = 1, 2, 2.5    1 + 1 + 2 = 4                x1 = 1/2
//   3.5, 4.5, 5      1/2 + 1/2 + 3/2 = 5/2        x2 = 3/16
//   6, 7, 7.5        3/16 + 3/16 + 19/16 = 25/16  x3 = -1/128
TEST(HandTrace, Rennala) {
  const auto outcomes = run({1.0, 2.5, 4.0}, rennala(3, true), 3);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 2.5, 2.5, 3.5, 4.5, 5, 5, 5, 6, 7, 7.5, 7.5, 7.5));
  EXPECT_THAT(outcomes_of(outcomes),
              ElementsAre(kApplied, kApplied, kApplied, kCancelled, kCancelled, kApplied, kApplied, kApplied,
                          kCancelled, kCancelled, kApplied, kApplied, kApplied, kCancelled, kCancelled));
  EXPECT_EQ(outcomes.arrivals[0].coefficient, 0.125);
  EXPECT_EQ(outcomes.result.counters.delay_max, 0u);
  EXPECT_EQ(outcomes.x[0], -1.0f / 128);
}

// The same without stopping:
//   t   1  2  2.5   3      4      4    5    5    6     7     7.5    8      8
//   w   0  0  1     0      2      0    1    0    0     0     1      2      0
//   g   1  1  2     stale  stale  1/2  3/2  1/2  3/16  3/16  stale  stale  3/16
//             x1 = 1/2                      x2 = 3/16                      x3 = 15/128
TEST(HandTrace, RennalaWithoutStopping) {
  const auto outcomes = run({1.0, 2.5, 4.0}, rennala(3, false), 3);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 3, 4, 4, 5, 5, 6, 7, 7.5, 8, 8));
  EXPECT_THAT(outcomes_of(outcomes),
              ElementsAre(kApplied, kApplied, kApplied, kDiscarded, kDiscarded, kApplied, kApplied, kApplied, kApplied,
                          kApplied, kDiscarded, kDiscarded, kApplied));
  EXPECT_EQ(outcomes.x[0], 15.0f / 128);
}

// Worker 1 is away from 2.25 to 3.25. t = 1, 2, 3: worker 0 alone, x1 = 1 - 3/8; t = 4, 5 and, with worker 1 at 5.75:
// 5/8 + 5/8 + 13/8 = 23/8, x2 = 17/64.
TEST(Rennala, MissesNobody) {
  const Away away(1, 2.25, 3.25);
  EXPECT_THAT(times(run({1.0, 2.5}, rennala(3, true), 2, &away)), ElementsAre(1, 2, 2.25, 3, 4, 5, 5.75, 5.75));
  EXPECT_EQ(x_after(1, {1.0, 2.5}, rennala(3, true), &away), 0.625f);
  EXPECT_EQ(x_after(2, {1.0, 2.5}, rennala(3, true), &away), 17.0f / 64);
  EXPECT_EQ(x_after(2, {1.0, 2.5}, rennala(3, false), &away), 17.0f / 64);  // nobody was late
}

// What a batch has got of a worker that then vanishes counts: t = 1, 2, 2.5 as ever, though worker 1 leaves at 2.75 in
// the next batch, and what worker 0 brought before it left at 1.5 as well: 1, then 2 + 2 of worker 1 at 2.5 and 5.
TEST(Rennala, KeepsWhatTheDeadDelivered) {
  const Away away(0, 1.5, kForEver);
  const auto outcomes = run({1.0, 2.5}, rennala(3, true), 1, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 1.5, 2.5, 5));
  EXPECT_EQ(outcomes.x[0], 1.0f - 5.0f / 8);
}

// B = 1, 1, 2, 2, 3, and 3 from there on; all centres 0.
//   t   1    1.5    2    3      3    4    4.5    5    6     6      7     7.5   8
//   w   0    1      0    1      0    0    1      0    1     0      0     1     0
//   g   1    stale  1/2  stale  1/4  1/4  stale  1/8  1/8   stale  1/16  1/16  1/16
//   x   1/2         1/4              1/8              1/16                     1/32
TEST(HandTrace, AsyncMinibatch) {
  const SettingValue::Table settings = with(
      "async-minibatch-sgd", 0.5, {{"batch_target", whole(1)}, {"double_every", whole(2)}, {"batch_limit", whole(3)}});
  const auto outcomes = test::BowlWorld{.seconds = {1.0, 1.5}}.run(settings, 5);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 1.5, 2, 3, 3, 4, 4.5, 5, 6, 6, 7, 7.5, 8));
  EXPECT_THAT(outcomes_of(outcomes),
              ElementsAre(kApplied, kDiscarded, kApplied, kDiscarded, kApplied, kApplied, kDiscarded, kApplied,
                          kApplied, kDiscarded, kApplied, kApplied, kApplied));
  EXPECT_EQ(outcomes.arrivals[2].coefficient, 0.5);
  EXPECT_EQ(outcomes.arrivals[4].coefficient, 0.25);
  EXPECT_DOUBLE_EQ(outcomes.arrivals[12].coefficient, 0.5 / 3);
  EXPECT_NEAR(outcomes.x[0], 1.0 / 32, 1e-8);  // a third
}

// Worker 0 is away from 4.5 to 6.75, worker 1 must make the batch of three alone until it is back:
// t = 4.5 stale (as above), then at x3 = 1/8: t = 6 worker 1, 7.5 worker 1 (B = 2): x4 = 1/16.
TEST(AsyncMinibatch, MissesNobody) {
  const SettingValue::Table settings = with(
      "async-minibatch-sgd", 0.5, {{"batch_target", whole(1)}, {"double_every", whole(2)}, {"batch_limit", whole(3)}});
  const Away away(0, 4.25, 6.75);
  const auto outcomes = test::BowlWorld{.seconds = {1.0, 1.5}, .availability = &away}.run(settings, 4);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 1.5, 2, 3, 3, 4, 4.25, 4.5, 6, 7.5));
  EXPECT_EQ(outcomes.x[0], 1.0f / 16);
}

// 1 + 2 + 4 + 8 + 16 + 32 + 64, and 64 from there on.
TEST(AsyncMinibatch, DoublesUpToSixtyFourTimesUnlessToldOtherwise) {
  const SettingValue::Table settings =
      with("async-minibatch-sgd", 0.5, {{"batch_target", whole(1)}, {"double_every", whole(1)}});
  EXPECT_EQ(test::BowlWorld{.seconds = {1.0}}.run(settings, 8).arrivals.size(), 127u + 64u);
}

// S = 2: everybody once. gamma/2 = 1/4.
//   t = 1, 2, 2.5    (1 + 1)/2 + 2 = 3                  x1 = 1/4
//   3.5, 4.5, 5      (1/4 + 1/4)/2 + 5/4 = 3/2          x2 = -1/8
//   6, 7, 7.5        (-1/8 - 1/8)/2 + 7/8 = 3/4         x3 = -5/16
TEST(HandTrace, Malenia) {
  const auto outcomes = run({1.0, 2.5}, malenia(2, true), 3);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 2.5, 3.5, 4.5, 5, 5, 6, 7, 7.5, 7.5));
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.25, 0.125, 0.25, 0, 0.25, 0.125, 0.25, 0, 0.25, 0.125, 0.25, 0));
  EXPECT_EQ(outcomes.result.counters.cancelled, 3u);
  EXPECT_EQ(outcomes.x[0], -5.0f / 16);
}

//   t   1  2  2.5         3      4    5    5      6     7     7.5
//   w   0  0  1           0      0    1    0      0     0     1
//   g   1  1  2, x1 = 1/4 stale  1/4  5/4  stale  -1/8  -1/8  7/8, x3 = -5/16
//                                     x2 = -1/8
TEST(HandTrace, MaleniaWithoutStopping) {
  const auto outcomes = run({1.0, 2.5}, malenia(2, false), 3);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 3, 4, 5, 5, 6, 7, 7.5));
  EXPECT_EQ(outcomes.result.counters.discarded, 2u);
  EXPECT_EQ(outcomes.x[0], -5.0f / 16);
}

// S = 3 asks for a harmonic mean of 3/2: counts of (2, 1) have 4/3, (3, 1) have it. S = 4 for 2: (4, 1) have 8/5,
// (4, 2) more.
TEST(Malenia, RoundsEndWithTheHarmonicMean) {
  const auto three = run({1.0, 2.5}, malenia(3, true), 1);
  EXPECT_THAT(times(three), ElementsAre(1, 2, 2.5, 3, 3));
  EXPECT_NEAR(three.x[0], 0.25, 1e-7);  // a third
  const auto four = run({1.0, 2.5}, malenia(4, true), 1);
  EXPECT_THAT(times(four), ElementsAre(1, 2, 2.5, 3, 4, 5, 5));
  EXPECT_EQ(four.x[0], 0.25f);
}

// Five of each of three: 1/5 + 1/5 + 1/5 is more than 3/5 in double precision, which must not ask for a sixth.
TEST(Malenia, RoundingAsksForNoMore) {
  const auto outcomes = run({1.0, 1.0, 1.0}, malenia(15, true), 1);
  EXPECT_EQ(outcomes.result.counters.applied, 15u);
}

// Who was waited for vanishes at 2.25: the round ends there, x1 = 1 - 1/2, and the next begins, of worker 0 alone.
TEST(Malenia, NobodyWaitsForTheDead) {
  const Away away(1, 2.25, kForEver);
  const auto stopping = run({1.0, 2.5}, malenia(2, true), 2, &away);
  EXPECT_THAT(times(stopping), ElementsAre(1, 2, 2.25, 2.25, 3.25));
  EXPECT_EQ(stopping.x[0], 0.25f);
  const auto ignoring = run({1.0, 2.5}, malenia(2, false), 2, &away);
  EXPECT_THAT(times(ignoring), ElementsAre(1, 2, 2.25, 3, 4));
  EXPECT_THAT(outcomes_of(ignoring), ElementsAre(kApplied, kApplied, Outcome::lost, kDiscarded, kApplied));
  EXPECT_EQ(ignoring.x[0], 0.25f);
}

// S = 4. Worker 1 delivers at 2.5 and vanishes at 2.75: its count does not hold the harmonic mean down, 2 of worker 0
// are enough, and its gradient counts: x1 = 1 - (1 + 2)/4. Then worker 0 alone, two gradients a round.
TEST(Malenia, TheCountsOfTheDeadHoldNobodyBack) {
  const Away away(1, 2.75, kForEver);
  const auto outcomes = run({1.0, 2.5}, malenia(4, true), 2, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 2.75, 2.75, 3.75, 4.75));
  EXPECT_EQ(outcomes.arrivals[2].coefficient, 0.25);
  EXPECT_EQ(outcomes.x[0], 0.125f);
}

// S = 6 for 2 asks for a third gradient of worker 0: it shares the mean with what the dead delivered.
TEST(Malenia, WhatTheDeadDeliveredHasItsShare) {
  const Away away(1, 2.75, kForEver);
  const auto outcomes = run({1.0, 2.5}, malenia(6, true), 1, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 2.75, 3));
  EXPECT_DOUBLE_EQ(outcomes.arrivals[4].coefficient, 0.25 / 3);
  EXPECT_NEAR(outcomes.x[0], 0.25, 1e-7);  // a third
}

// Worker 1 is away from 1.25 to 1.75 and begins at x1 = 1/2: x2 = 1/2 - (1/2 + 3/2)/4 at 4.25.
TEST(Malenia, WhoReturnsTakesPartAtOnce) {
  const Away away(1, 1.25, 1.75);
  const auto outcomes = run({1.0, 2.5}, malenia(2, true), 2, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 1.25, 1.25, 2.25, 3.25, 4.25, 4.25));
  EXPECT_EQ(outcomes.x[0], 0.0f);
}

// The only worker is away from 1.5 to 3.5: the round goes on where it was, with a count of one of two.
TEST(Malenia, ARoundThatHasLostAllGoesOnWithThem) {
  const Away away(0, 1.5, 3.5);
  const auto outcomes = run({1.0}, malenia(2, true), 1, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 1.5, 4.5));
  EXPECT_EQ(outcomes.x[0], 0.5f);
}

// Workers of 1, 3.25 and 3.5 s, gamma = 3/8. Phase 1 ends with worker 2 at 3.5: rows 1, 2, 0.
//   t = 3.5   w2           T = 1 + 2 + 0                         x1 = 5/8
//   4         w0  x0       G0 = (4, b = 4), T = 3                x2 = 1/4
//   5, 6      w0  x2       to the next table, (1/2, 2)
//   6.5       w1  x0       G1 = (4, 2), T = 3                    x3 = -1/8, the round ends
//   7         w2  x1       G2 = (-3/8, 1)
//   7, 8, 9   w0  x2, x3   G0 = (1/2 + 1/4 - 1/8 - 1/8, 5)
//   9.75      w1  x3       G1 = (7/8, 1), T = 1/10 + 7/8 - 3/8   x4 = -1/5
//   10        w0  x3       G0 = (3/8, 6), T = 9/16               x5 = -1/5 - 9/128
//   10.5      w2  x3       G2 = (-3/2, 2), T = 3/16              x6 = x5 - 3/128
TEST(HandTrace, Ringleader) {
  const std::vector<double> seconds = {1.0, 3.25, 3.5};
  const SettingValue::Table settings = with("ringleader-asgd", 0.375);
  const auto outcomes = run(seconds, settings, 6);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 3, 3.25, 3.5, 4, 5, 6, 6.5, 7, 7, 8, 9, 9.75, 10, 10.5));
  EXPECT_THAT(delays(outcomes), ElementsAre(0, 0, 0, 0, 0, 1, 0, 0, 2, 2, 1, 0, 0, 0, 1, 2));
  EXPECT_EQ(outcomes.result.counters.applied, 16u);
  const double expected[] = {5.0 / 8, 1.0 / 4, -1.0 / 8, -1.0 / 5, -1.0 / 5 - 9.0 / 128, -1.0 / 5 - 12.0 / 128};
  for (std::uint64_t k = 1; k <= 6; ++k) EXPECT_NEAR(x_after(k, seconds, settings), expected[k - 1], 1e-6) << k;
  // gamma/3 over the count: of the third of worker 0, the fourth, the first two of the next table.
  EXPECT_DOUBLE_EQ(outcomes.arrivals[2].coefficient, 0.125 / 3);
  EXPECT_EQ(outcomes.arrivals[5].coefficient, 0.125 / 4);
  EXPECT_EQ(outcomes.arrivals[6].coefficient, 0.125);
  EXPECT_EQ(outcomes.arrivals[7].coefficient, 0.125 / 2);
}

// Phase 1. Worker 2 vanishes at 3.375, when all others have a row: the next arrival, of worker 0 at 4, begins phase 2
// with x1 = 1 - 3/16 (1 + 2); worker 1 makes its update at 6.5, x2 = x1 - 9/16.
TEST(Ringleader, NobodyFillsTheTableForTheDead) {
  const Away away(2, 3.375, kForEver);
  const auto outcomes = run({1.0, 3.25, 3.5}, with("ringleader-asgd", 0.375), 2, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 3, 3.25, 3.375, 4, 5, 6, 6.5));
  EXPECT_NEAR(outcomes.x[0], -0.125, 1e-7);
}

// It is back at 3.75: its row is waited for, until 7.25. x1 = 1 - 3/8.
TEST(Ringleader, WhoReturnsWhileTheTableIsFilledFillsItToo) {
  const Away away(2, 3.375, 3.75);
  const auto outcomes = run({1.0, 3.25, 3.5}, with("ringleader-asgd", 0.375), 1, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 3, 3.25, 3.375, 4, 5, 6, 6.5, 7, 7.25));
  EXPECT_NEAR(outcomes.x[0], 0.625, 1e-6);
}

// Phase 2. Worker 1, the last that has not made its update, vanishes at 4.5: the round ends. Worker 0 brings 1/4 at 5
// and 6, worker 2 -3/8 at 7 and begins the next phase 2: x3 = 1/4 + 3/16 * 1/8.
TEST(Ringleader, NobodyWaitsForTheUpdateOfTheDead) {
  const Away away(1, 4.5, kForEver);
  const auto outcomes = run({1.0, 3.25, 3.5}, with("ringleader-asgd", 0.375), 3, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 3, 3.25, 3.5, 4, 4.5, 5, 6, 7));
  EXPECT_EQ(outcomes.x[0], 0.2734375f);
}

// It is back at 4.75, begins at x2 = 1/4 and must have a row: 5/4 at 8. Until then worker 0 brings 1/4 three times,
// worker 2 -3/8 once; worker 1 begins phase 2: x3 = 1/4 - (1/4 + 5/4 - 3/8)/8.
TEST(Ringleader, WhoReturnsAfterItsRoundWasEndedTakesPartInTheNext) {
  const Away away(1, 4.5, 4.75);
  const auto outcomes = run({1.0, 3.25, 3.5}, with("ringleader-asgd", 0.375), 3, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 3, 3.25, 3.5, 4, 4.5, 5, 6, 7, 7, 8));
  EXPECT_NEAR(outcomes.x[0], 0.25 - 1.125 / 8, 1e-7);
}

// Phase 2. It is away from 3.75 to 3.875, begins at x1 = 5/8 and still owes its update: at 7.125 its row is (2 + 13/8,
// 2), and x3 = 1/4 - (1 + 29/16 + 0)/8.
TEST(Ringleader, WhoReturnsBeforeItsRoundIsOverMakesItsUpdate) {
  const Away away(1, 3.75, 3.875);
  const auto outcomes = run({1.0, 3.25, 3.5}, with("ringleader-asgd", 0.375), 3, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 3, 3.25, 3.5, 3.75, 4, 5, 6, 7, 7, 7.125));
  EXPECT_NEAR(outcomes.x[0], 0.25 - 45.0 / 128, 1e-6);
}

// Two of 1 and 2.5 s. Worker 0 made its update at 3 in the round that worker 1 began at 2.5; in the next it has a row
// when it vanishes at 4.5, and that serves: at 5 worker 1 makes x3 of both rows, and the round is over as it is alone.
//   x1 = 1 - 3/16 * 3, x2 = x1 - 3/16 * 3 = -1/8; rows -1/8 and x1 + 1 = 23/16; x3 = -1/8 - 3/16 * 21/16
TEST(Ringleader, RowsOfTheDeadServeUntilTheirRoundIsOver) {
  const Away away(0, 4.5, kForEver);
  const auto outcomes = run({1.0, 2.5}, with("ringleader-asgd", 0.375), 3, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 3, 4, 4.5, 5));
  EXPECT_NEAR(outcomes.x[0], -0.125 - 3.0 / 16 * 21.0 / 16, 1e-6);
  // Then it is alone: g = x3 + 1 of the order that was given at 5.
  const double x3 = -0.125 - 3.0 / 16 * 21.0 / 16;
  EXPECT_NEAR(x_after(4, {1.0, 2.5}, with("ringleader-asgd", 0.375), &away), x3 - 0.375 * (x3 + 1), 1e-6);
}

// gamma/2 = 1/8.
//   t = 2.5   w1  x0     T = 1 + 2                 x1 = 5/8
//   3         w0  x0     T = 3                     x2 = 1/4
//   4         w0  x2     T = 1/4 + 2               x3 = -1/32
//   5         w1  x1     T = 1/4 + 13/8            x4 = -17/64
//   5         w0  x3     T = -1/32 + 13/8          x5 = -119/256
//   6         w0  x5     T = -119/256 + 13/8       x6 = -119/256 - 297/2048
TEST(HandTrace, Ia2sgd) {
  const auto outcomes = run({1.0, 2.5}, with("ia2sgd", 0.25), 6);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 3, 4, 5, 5, 6));
  EXPECT_THAT(delays(outcomes), ElementsAre(0, 0, 0, 1, 0, 2, 1, 0));
  EXPECT_THAT(coefficients(outcomes), testing::Each(0.125));
  EXPECT_EQ(outcomes.x[0], -119.0f / 256 - 297.0f / 2048);
}

// Worker 1 is away from 3.5 to 4.5, and at x2 = 1/4 its row leaves: x3 = x2 - 1/16, x4 = x3 - 3/64, x5 = x4 - 9/256.
// Nobody waits for its return at 7: 19/16, beside worker 0's 9/64 of x4: x6 = x5 - 85/512.
TEST(Ia2sgd, RowsOfTheDeadLeaveAndNobodyWaitsForTheirReturn) {
  const Away away(1, 3.5, 4.5);
  const auto outcomes = run({1.0, 2.5}, with("ia2sgd", 0.25), 6, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 3, 3.5, 4, 5, 6, 7));
  EXPECT_EQ(outcomes.arrivals[5].coefficient, 0.25);
  EXPECT_EQ(outcomes.arrivals[8].coefficient, 0.125);
  EXPECT_EQ(outcomes.x[0], 0.25f - 1.0f / 16 - 3.0f / 64 - 9.0f / 256 - 85.0f / 512);
}

// Worker 1 vanishes before its first gradient: x1 = 1 - 1/4 at 2.
TEST(Ia2sgd, NobodyFillsTheTableForTheDead) {
  const Away away(1, 1.5, kForEver);
  const auto outcomes = run({1.0, 2.5}, with("ia2sgd", 0.25), 1, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 1.5, 2));
  EXPECT_EQ(outcomes.x[0], 0.75f);
}

// Everybody is away from 3.25 to 3.75, at x2 = 1/4: 1/4 of worker 0 at 4.75 and 5.75 waits for 5/4 of worker 1 at 6.25.
TEST(Ia2sgd, BeginsAnewWhereAllHaveVanished) {
  class AllAway final : public Availability {
    Time first_join(WorkerId) const override { return Time{0}; }
    Time uptime(WorkerId, std::uint64_t episode) const override {
      return episode == 0 ? from_seconds(3.25) : Time::max();
    }
    Time downtime(WorkerId, std::uint64_t) const override { return from_seconds(0.5); }
  };
  const AllAway away;
  const auto outcomes = run({1.0, 2.5}, with("ia2sgd", 0.25), 3, &away);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 3, 3.25, 3.25, 4.75, 5.75, 6.25));
  EXPECT_EQ(outcomes.arrivals[6].coefficient, 0.125);
  EXPECT_EQ(outcomes.x[0], 0.0625f);
}

const std::vector<SettingValue::Table>& all_five() {
  static const std::vector<SettingValue::Table> list = {with("rennala-sgd", 0.5, {{"batch_target", whole(2)}}),
                                                        with("async-minibatch-sgd", 0.5, {{"batch_target", whole(2)}}),
                                                        with("malenia-sgd", 0.5), with("ringleader-asgd", 0.5),
                                                        with("ia2sgd", 0.5)};
  return list;
}

// ||g|| = sqrt 2 at x0 = (1, 1) is halved: the first update is half as long. Two workers of the same speed, centres 0.
TEST(Tables, ClipEachGradient) {
  for (SettingValue::Table settings : all_five()) {
    const test::BowlWorld world{.seconds = {1.0, 1.0}};
    EXPECT_EQ(world.run(settings, 1).x[0], 0.5f);
    settings["clip_radius"] = num(std::sqrt(0.5));
    const auto outcomes = world.run(settings, 1);
    EXPECT_NEAR(outcomes.x[0], 0.75, 1e-7);
    EXPECT_EQ(outcomes.result.counters.clipped, 2u);
    EXPECT_NEAR(outcomes.arrivals[0].coefficient, 0.125, 1e-12);
  }
}

// Worker 0 brings infinity with its second order, in the midst of a batch, round or table, and then both do.
TEST(Tables, NeverApplyWhatIsNotFinite) {
  for (const SettingValue::Table& settings : all_five()) {
    const auto outcomes = test::BowlWorld{.seconds = {1.0, 2.5}, .explode_below_index = 0}.run(settings, 9);
    EXPECT_EQ(outcomes.result.reason, StopReason::diverged);
    ASSERT_GT(outcomes.arrivals.size(), 2u);
    EXPECT_EQ(outcomes.arrivals[0].outcome, kApplied);
    EXPECT_EQ(outcomes.arrivals[1].outcome, Outcome::not_finite);
    EXPECT_LE(outcomes.result.counters.applied, 2u);
    EXPECT_TRUE(std::isfinite(outcomes.x[0]));
  }
}

TEST(TablesSettings, EveryMistakeHasItsLine) {
  const auto rennala = [](SettingValue::Table more) { return with("rennala-sgd", 0.5, std::move(more)); };
  const auto batches = [](SettingValue::Table more) {
    more.insert({"batch_target", whole(2)});
    return with("async-minibatch-sgd", 0.5, std::move(more));
  };
  const auto malenia = [](SettingValue::Table more) { return with("malenia-sgd", 0.5, std::move(more)); };
  const std::pair<SettingValue::Table, const char*> mistakes[] = {
      {{{"name", word("rennala-sgd")}, {"batch_target", whole(2)}},
       "method.step_size: is missing; it must be a number > 0"},
      {rennala({}), "method.batch_target: is missing; it must be an integer in [1, 1000000000]"},
      {rennala({{"batch_target", whole(0)}}), "method.batch_target = 0: must be an integer in [1, 1000000000]"},
      {rennala({{"batch_target", num(1.5)}}), "method.batch_target = 1.5: must be an integer in [1, 1000000000]"},
      {rennala({{"batch_target", whole(2)}, {"stop", whole(1)}}), "method.stop = 1: must be true or false"},
      {rennala({{"batch_target", whole(2)}, {"concurrency", whole(5)}}),
       "method.concurrency = 5: must be an integer in [1, 4]"},
      {rennala({{"batch_target", whole(2)}, {"delay_limit", whole(1)}}), "method.delay_limit = 1: unknown key"},
      {with("async-minibatch-sgd", 0.5), "method.batch_target: is missing; it must be an integer in [1, 1000000000]"},
      {batches({{"double_every", whole(-1)}}), "method.double_every = -1: must be an integer >= 0"},
      {batches({{"batch_limit", whole(8)}}), "method.batch_limit = 8: unknown key"},  // nothing doubles
      {batches({{"double_every", whole(3)}, {"batch_limit", whole(1)}}),
       "method.batch_limit = 1: must be an integer in [2, 1000000000000]"},
      {batches({{"stop", {true}}}), "method.stop = true: unknown key"},
      {with("malenia-sgd", -1), "method.step_size = -1.0: must be a number > 0"},
      {malenia({{"batch_target", whole(3)}}), "method.batch_target = 3: must be an integer in [4, 1000000000]"},
      {malenia({{"stop", word("yes")}}), "method.stop = \"yes\": must be true or false"},
      {malenia({{"concurrency", whole(4)}}), "method.concurrency = 4: unknown key"},
      {{{"name", word("ringleader-asgd")}}, "method.step_size: is missing; it must be a number > 0"},
      {with("ringleader-asgd", 0.5, {{"batch_target", whole(4)}}), "method.batch_target = 4: unknown key"},
      {{{"name", word("ia2sgd")}}, "method.step_size: is missing; it must be a number > 0"},
      {with("ia2sgd", 0.5, {{"delay_limit", whole(4)}}), "method.delay_limit = 4: unknown key"},
  };
  for (const auto& [settings, line] : mistakes) EXPECT_THAT(error_of(settings), HasSubstr(line));
  EXPECT_EQ(error_of(batches({{"double_every", whole(3)}, {"batch_limit", whole(2)}})), "no error");
}

}  // namespace
}  // namespace tardigrad
