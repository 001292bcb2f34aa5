// SPDX-License-Identifier: Apache-2.0
// adaptive-sync by hand: what it remembers of compute times, its two modes, and what it says when it changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "methods/policies/speed/recent_times.hpp"
#include "support/fake_world.hpp"
#include "support/settings.hpp"

namespace tardigrad {
namespace {

using methods::RecentTimes;
using test::error_of;
using test::make;
using test::num;
using test::Outcomes;
using test::simulate;
using test::stop_after_time;
using test::stop_after_updates;
using test::whole;
using test::word;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(RecentTimes, ByHand) {
  RecentTimes times(2);
  for (const WorkerId worker : {0, 1, 2}) times.joined(worker);
  EXPECT_EQ(times.alive(), 3u);
  EXPECT_THAT(times.means(), ElementsAre(kInfinity, kInfinity, kInfinity));
  times.delivered(0, Time{9});
  times.delivered(0, Time{1});
  times.delivered(0, Time{3});  // the window of two: 1, 3
  times.delivered(1, Time{4});
  // Mean 2, variance 2, so 2 (1 + 2/(2 2^2)) = 2.5; of a single one nothing is known but itself.
  EXPECT_THAT(times.means(), ElementsAre(2.5, 4.0, kInfinity));
  // The latest of each: 3, 4, unknown; those before: 1, 4 (the only one), unknown.
  EXPECT_THAT(times.rounds(), ElementsAre(2.0, 4.0, kInfinity));
  EXPECT_THAT(RecentTimes(3).rounds(), ElementsAre());
}

TEST(RecentTimes, WhatIsStoppedWouldHaveTakenLonger) {
  RecentTimes times(3);
  times.joined(0);
  times.stopped(0, Time{5});
  EXPECT_THAT(times.rounds(), ElementsAre(kInfinity)) << "nothing is known of it yet";
  for (const int time : {8, 6, 2}) times.delivered(0, Time{time});
  times.stopped(0, Time{5});  // as 8: 6, 2, 8
  EXPECT_THAT(times.rounds(), ElementsAre(testing::DoubleEq(16.0 / 3)));
  times.stopped(0, Time{7});  // as 8: 2, 8, 8
  EXPECT_THAT(times.rounds(), ElementsAre(testing::DoubleEq(6.0)));
  times.stopped(0, Time{12});  // longer than any: 8, 8, 12
  EXPECT_THAT(times.rounds(), ElementsAre(testing::DoubleEq(28.0 / 3)));
}

TEST(RecentTimes, WhoIsAwayDoesNotCountAndIsRemembered) {
  RecentTimes times(2);
  for (const WorkerId worker : {0, 1}) times.joined(worker);
  times.delivered(0, Time{7});
  times.delivered(1, Time{0});  // at least 1 ns
  times.lost(0);
  EXPECT_THAT(times.means(), ElementsAre(1.0));
  EXPECT_EQ(times.rounds().size(), 1u);
  times.joined(0);
  EXPECT_THAT(times.means(), ElementsAre(1.0, 7.0));
}

// Exponential times of mean 1, all but the first of sixteen stopped, 4000 times over.
TEST(RecentTimes, StoppingDoesNotBiasThem) {
  constexpr std::size_t kWorkers = 16, kWindow = 64, kRounds = 4000;
  RecentTimes times(kWindow);
  Stream stream(1, Purpose::test);
  const auto draw = [&] { return from_seconds(stream.exponential()); };
  for (WorkerId worker = 0; worker < kWorkers; ++worker) {
    times.joined(worker);
    for (std::size_t i = 0; i < kWindow; ++i) times.delivered(worker, draw());
  }
  double first = 0.0, mean = 0.0;
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::vector<Time> drawn(kWorkers);
    for (Time& time : drawn) time = draw();
    const auto fastest = static_cast<WorkerId>(std::ranges::min_element(drawn) - drawn.begin());
    times.delivered(fastest, drawn[fastest]);
    for (WorkerId worker = 0; worker < kWorkers; ++worker)
      if (worker != fastest) times.stopped(worker, drawn[fastest]);
    first += times.rounds()[0] * 1e-9 / kRounds;
    for (const double each : times.means()) mean += each * 1e-9 / (kWorkers * kRounds);
  }
  // The first of sixteen takes 1/16 and deviates by as much: the mean of 4000 rounds by (1/16)/sqrt(4000).
  EXPECT_NEAR(first, 1.0 / 16, 4 * (1.0 / 16) / std::sqrt(kRounds));
  // What lies beyond the first is known by the 1024 times at the start alone, whose mean deviates by 1/32; the means
  // of windows are longer by 1/64, the correction for the inverse.
  EXPECT_NEAR(mean, 1.0 + 1.0 / 64, 4.0 / 32);
}

/// Keeps what is said.
class Notes final : public Observer {
 public:
  void on_note(Time time, const std::string& text) override { all.emplace_back(time, text); }
  std::vector<std::pair<Time, std::string>> all;
};

SettingValue::Table adaptive(double step_size, double noise_ratio) {
  return {{"name", word("adaptive-sync")}, {"step_size", num(step_size)}, {"noise_ratio", num(noise_ratio)}};
}

// d = 2, x0 = (1, 1), g = x of the order's version; worker 0 takes 1 s, worker 1 takes 1.5 s. gamma = 1/2, S = 0:
// k = 1/sin(pi/6) = 2, so that an arrival's step is gamma/2 = 1/4; in rounds of any size it is gamma.
//   t=1    worker 0, x0 = 1            x1 = 0.75
//   t=1.5  worker 1, x0 = 1, delay 1   x2 = 0.5; as many arrivals as workers: weigh
//            rounds of the first  1 s;  each arrival  2/(1/1 + 1/1.5) = 1.2 s
//          so rounds of the first begin: worker 0's order at x1 is withdrawn, both begin at x2
//   t=2.5  worker 0, x2                x3 = x2/2 = 0.25, worker 1 is stopped
//   t=3.5  worker 0, x3                x4 = x3/2 = 0.125, worker 1 is stopped
//   t=4.5  worker 0, x4                x5 = x4/2 = 0.0625, worker 1 is stopped
// Until 8 n = 16 gradients without it have passed worker 1 is stopped; at t = 18.5, after the next, the order that it
// was given at t = 17.5 goes on, comes at t = 19, and is discarded.
TEST(HandTrace, AdaptiveSync) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 1.5});
  const auto method = make(adaptive(0.5, 0.0), 2);
  Notes notes;
  const auto run = simulate(bowl, times, *method, {.workers = 2, .run = stop_after_updates(5), .observers = {&notes}});
  std::vector<std::tuple<double, WorkerId, std::uint64_t, Outcome>> seen;
  for (const ArrivalRecord& a : run.arrivals) seen.emplace_back(to_seconds(a.time), a.order.worker, a.delay, a.outcome);
  using enum Outcome;
  using Row = std::tuple<double, WorkerId, std::uint64_t, Outcome>;
  EXPECT_THAT(seen, ElementsAre(Row{1, 0, 0, applied}, Row{1.5, 1, 1, applied}, Row{1.5, 0, 1, cancelled},
                                Row{2.5, 0, 0, applied}, Row{2.5, 1, 1, cancelled}, Row{3.5, 0, 0, applied},
                                Row{3.5, 1, 1, cancelled}, Row{4.5, 0, 0, applied}, Row{4.5, 1, 1, cancelled}));
  EXPECT_THAT(run.x, ElementsAre(0.0625f, 0.0625f));
  ASSERT_EQ(notes.all.size(), 1u);
  EXPECT_EQ(notes.all[0].first, from_seconds(1.5));
  EXPECT_EQ(notes.all[0].second,
            "rounds of the first 1 in the place of a step each arrival: 1 s instead of 1.2 s for what one exact step "
            "does, by the recent times of 2 workers");

  const auto longer = make(adaptive(0.5, 0.0), 2);
  const auto late = simulate(bowl, times, *longer, {.workers = 2, .run = stop_after_time(19)});
  std::vector<std::pair<double, Outcome>> of_the_slow;
  for (const ArrivalRecord& a : late.arrivals)
    if (a.order.worker == 1 && a.time > from_seconds(17)) of_the_slow.emplace_back(to_seconds(a.time), a.outcome);
  EXPECT_THAT(of_the_slow, ElementsAre(std::pair{17.5, cancelled}, std::pair{19.0, discarded}));
}

/// Worker 2 takes 4 s for its first 20 orders, then 1 s, as the others do.
class GetsFaster final : public ComputeTime {
 public:
  Time sample(WorkerId worker, std::uint64_t index) const override {
    return from_seconds(worker == 2 && index < 20 ? 4 : 1);
  }
};

// S = 0.3. Rounds of the first two, 1 (1 + S/2) = 1.15 s, while worker 2 takes 4 s; rounds of all, 1 (1 + S/3) = 1.1 s,
// when it takes 1 s: that it is never among the first two, as its orders are the last of those that end at an instant,
// does not hide it.
TEST(AdaptiveSync, WhoIsLeftOutIsSeenToGetFaster) {
  const test::Bowl bowl({});
  const auto method = make(adaptive(0.25, 0.3), 3);
  Notes notes;
  const auto run =
      simulate(bowl, GetsFaster(), *method, {.workers = 3, .run = stop_after_time(200), .observers = {&notes}});
  ASSERT_EQ(notes.all.size(), 2u);
  EXPECT_THAT(notes.all[0].second,
              HasSubstr("rounds of the first 2 in the place of a step each arrival: 1.15 s instead"));
  EXPECT_THAT(notes.all[1].second, HasSubstr("rounds of the first 3 in the place of rounds of the first 2: 1.1"));
  EXPECT_LT(notes.all[1].first, from_seconds(120));
  EXPECT_DOUBLE_EQ(run.arrivals.back().coefficient, 0.25 / 3);  // gamma of a round of all
}

// Much noise: every gradient counts, and a step an arrival wastes none. 2/(1 + 1/4) ... with S = 100: each arrival
// (2 + 100)/1.25 = 81.6 s, rounds of two 4 * 51 = 204 s, of the first 101 s.
TEST(AdaptiveSync, NoiseMakesEveryArrivalCount) {
  const test::Bowl bowl({.noise = 1.0});
  const test::FixedTimes times({1.0, 4.0});
  const auto method = make(adaptive(0.5, 100.0), 2);
  Notes notes;
  const auto run = simulate(bowl, times, *method, {.workers = 2, .run = stop_after_time(100), .observers = {&notes}});
  EXPECT_TRUE(notes.all.empty());
  EXPECT_EQ(run.result.counters.applied, 125u);
  EXPECT_DOUBLE_EQ(run.arrivals[0].coefficient, 0.5 * 51 / 102);
  EXPECT_THAT(method->figures(), ElementsAre(testing::Field(&Metric::value, 0.0), testing::Field(&Metric::value, 0.0)));
}

TEST(AdaptiveSync, EveryMistakeHasItsLine) {
  const SettingValue::Table good = adaptive(0.5, 4.0);
  const auto with = [&](const char* key, SettingValue value) {
    SettingValue::Table table = good;
    table[key] = std::move(value);
    return error_of(table);
  };
  EXPECT_EQ(error_of(good), "no error");
  EXPECT_THAT(error_of({{"name", word("adaptive-sync")}, {"step_size", num(1)}}),
              HasSubstr("method.noise_ratio: is missing; it must be a number >= 0"));
  EXPECT_THAT(with("noise_ratio", num(-1)), HasSubstr("method.noise_ratio = -1.0: must be a number >= 0"));
  EXPECT_THAT(with("step_size", num(0)), HasSubstr("method.step_size = 0.0: must be a number > 0"));
  EXPECT_THAT(with("window", whole(0)), HasSubstr("method.window = 0: must be an integer in [1, 1000]"));
  EXPECT_THAT(with("gain", num(1)), HasSubstr("method.gain = 1.0: must be a number"));
  EXPECT_THAT(with("m", whole(2)), HasSubstr("method.m"));
}

}  // namespace
}  // namespace tardigrad
