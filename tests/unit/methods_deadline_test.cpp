// SPDX-License-Identifier: Apache-2.0
// Rounds with a deadline, and rounds that wait for workers: the timer by hand numbers, traces by hand, losses, joins,
// mistakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "methods/policies/deadline/deadline.hpp"
#include "support/bowl_world.hpp"
#include "support/settings.hpp"

namespace tardigrad {
namespace {

using methods::Deadline;
using test::Away;
using test::error_of;
using test::num;
using test::times;
using test::whole;
using test::word;
using testing::ElementsAre;

constexpr double kNever = 1e6;

double seconds(std::optional<Time> time) { return time ? to_seconds(*time) : kNever; }

Deadline after(double factor, std::initializer_list<std::initializer_list<double>> rounds) {
  Deadline deadline({.factor = factor});
  for (const auto& round : rounds) {
    for (const double trip : round) deadline.came(from_seconds(trip));
    deadline.learn();
  }
  return deadline;
}

TEST(Deadline, IsThatOfARetransmissionTimer) {
  EXPECT_EQ(seconds(after(1.0, {}).of_round()), kNever);
  EXPECT_EQ(seconds(after(1.0, {{1.0}}).of_round()), 3.0);  // 1 + 4 * 1/2
  EXPECT_EQ(seconds(after(2.0, {{1.0}}).of_round()), 6.0);
  EXPECT_EQ(seconds(after(1.0, {{1.0}, {1.0}}).of_round()), 2.5);  // V = 3/4 * 1/2
  EXPECT_EQ(seconds(after(1.0, {{1.0}, {3.0}}).of_round()), 1.25 + 4 * (0.375 + 0.5));
}

TEST(Deadline, CountsARoundAsOneSample) {
  EXPECT_EQ(seconds(after(1.0, {{1.0, 1.0, 1.0, 9.0}}).of_round()), 3.0 + 4 * 3.0);  // |R - M| = 2, 2, 2, 6
  EXPECT_EQ(seconds(after(1.0, {{1.0}, {1.0, 3.0}}).of_round()), 1.125 + 4 * (0.375 + 0.25));
  EXPECT_EQ(seconds(after(1.0, {{1.0}, {3.0, 1.0}}).of_round()), seconds(after(1.0, {{1.0}, {1.0, 3.0}}).of_round()));
  EXPECT_EQ(seconds(after(1.0, {{1.0}, {}}).of_round()), 3.0);  // nothing was learned
}

// 8 hours of sleep count as twice the deadline of 3 s.
TEST(Deadline, IsNotMadeByOneThatSlept) {
  EXPECT_EQ(seconds(after(1.0, {{1.0}, {28800.0}}).of_round()), seconds(after(1.0, {{1.0}, {6.0}}).of_round()));
  EXPECT_EQ(seconds(after(2.0, {{1.0}, {28800.0}}).of_round()), seconds(after(2.0, {{1.0}, {12.0}}).of_round()));
  EXPECT_EQ(seconds(after(0.25, {{1.0}, {9.0}}).of_round()), seconds(after(0.25, {{1.0}, {6.0}}).of_round()));
}

TEST(Deadline, OfTheFirstRoundIsLonger) {
  Deadline deadline({.factor = 2.0});
  EXPECT_EQ(deadline.of_first_round(), std::nullopt);
  deadline.came(from_seconds(1.0));
  EXPECT_EQ(seconds(deadline.of_first_round()), 2 * 8 * 3.0);
  EXPECT_EQ(deadline.of_round(), std::nullopt);
  deadline.learn();
  EXPECT_EQ(deadline.of_first_round(), std::nullopt);
  EXPECT_EQ(seconds(deadline.of_round()), 6.0);
}

TEST(Deadline, BeyondAllTimeIsNone) {
  EXPECT_EQ(after(1e300, {{1.0}}).of_round(), std::nullopt);
  const Deadline off = after(std::numeric_limits<double>::infinity(), {{1.0}});
  EXPECT_FALSE(off.is_on());
  EXPECT_EQ(off.of_round(), std::nullopt);
}

// What each order of each worker takes; the last of a list is repeated.
class ListedTimes final : public ComputeTime {
 public:
  ListedTimes(std::vector<std::vector<double>> seconds, double way) : seconds_(std::move(seconds)), way_(way) {}
  Time sample(WorkerId worker, std::uint64_t index) const override {
    const std::vector<double>& list = seconds_[worker];
    return from_seconds(list[std::min<std::size_t>(index, list.size() - 1)]);
  }
  Time turn_around(WorkerId, std::uint64_t) const override { return from_seconds(way_); }

 private:
  std::vector<std::vector<double>> seconds_;
  double way_;
};

// Workers that join at these times, and stay.
class Joins final : public Availability {
 public:
  explicit Joins(std::vector<double> seconds) : seconds_(std::move(seconds)) {}
  Time first_join(WorkerId worker) const override { return from_seconds(seconds_[worker]); }
  Time uptime(WorkerId, std::uint64_t) const override { return Time::max(); }
  Time downtime(WorkerId, std::uint64_t) const override { return Time::max(); }

 private:
  std::vector<double> seconds_;
};

class Notes final : public Observer {
 public:
  void on_note(Time time, const std::string& text) override { list.emplace_back(to_seconds(time), text); }
  std::vector<std::pair<double, std::string>> list;
};

// f_i = 1/2 (x - b_i)^2, x0 = 1, and steps of 1/2: x moves half of the way to the mean of the b_i of a round.
struct World {
  std::vector<std::vector<double>> seconds;
  std::vector<float> centres;
  std::vector<double> examples = {};
  const Availability* availability = nullptr;
  std::size_t join_later = 0;
  double way = 0.0;  // what passes beside the computing

  test::Outcomes run(SettingValue::Table settings, std::uint64_t updates, Notes* notes = nullptr) const {
    const std::size_t workers = seconds.size();
    const test::Bowl bowl({.curvatures = std::vector<float>(workers, 1.0f), .centres = centres, .examples = examples});
    const auto method = test::make(std::move(settings), workers, 1, join_later);
    test::WorldOptions options{
        .workers = workers, .run = test::stop_after_updates(updates), .availability = availability};
    options.run.stop.time = from_seconds(kNever);
    if (notes) options.observers.push_back(notes);
    return test::simulate(bowl, ListedTimes(seconds, way), *method, options);
  }
};

SettingValue::Table with(SettingValue::Table settings, SettingValue::Table more) {
  for (auto& [key, value] : more) settings[key] = std::move(value);
  return settings;
}
SettingValue::Table minibatch(SettingValue::Table more) {
  return with({{"name", word("minibatch-sgd")}, {"step_size", num(0.5)}}, std::move(more));
}
SettingValue::Table fedavg(SettingValue::Table more) {
  return with({{"name", word("fedavg")}, {"local_steps", whole(1)}, {"local_step_size", num(0.5)}}, std::move(more));
}

std::vector<Outcome> outcomes_of(const test::Outcomes& seen) {
  std::vector<Outcome> list;
  for (const ArrivalRecord& a : seen.arrivals) list.push_back(a.outcome);
  return list;
}

constexpr Outcome kApplied = Outcome::applied, kDiscarded = Outcome::discarded;

// Worker 2 takes 3.5 s for its second gradient and 100 s for its fifth.
//   round 1   0 to 1      all: x1 = 1 + (2 - 1)/2 = 1.5          M = 1, V = 1/2: deadline 3
//   round 2   1 to 4      0 and 1 at 2; the timer ends it: x2 = 1.5 + (1 - 1.5)/2 = 1.25     V = 3/8: deadline 2.5
//   round 3   4 to 5.5    2 comes at 4.5, late, and is asked again: all: x3 = 1.25 + (2 - 1.25)/2 = 1.625
//             R = 3.5, 1, 1, 1:  V = 3/4 * 3/8 + 1/4 * 2.5/4 = 0.4375,  M = 7/8 + 6.5/4/8 = 1.078125
//   round 4   5.5 to 6.5  all: x4 = 1.8125
//             V = 3/4 * 0.4375 + 1/4 * 0.078125 = 0.34765625,  M = 7/8 * 1.078125 + 1/8 = 1.068359375
//   round 5   6.5 to 6.5 + M + 4 V = 8.958984375: x5 = 1.8125 + (1 - 1.8125)/2 = 1.40625
//   round 6   and from then on nobody waits for 2
TEST(HandTrace, RoundsWithADeadline) {
  const World world{.seconds = {{1}, {1}, {1, 3.5, 1, 1, 100}}, .centres = {0, 2, 4}};
  const SettingValue::Table settings = minibatch({{"deadline", num(1)}});
  Notes notes;
  const test::Outcomes seen = world.run(settings, 7, &notes);
  EXPECT_THAT(times(seen), ElementsAre(1, 1, 1, 2, 2, 4.5, 5, 5, 5.5, 6.5, 6.5, 6.5, 7.5, 7.5, 9.958984375, 9.958984375,
                                       10.958984375, 10.958984375));
  std::vector<Outcome> expected(18, kApplied);
  expected[5] = kDiscarded;
  EXPECT_EQ(outcomes_of(seen), expected);
  EXPECT_EQ(seen.arrivals[5].order.worker, 2u);
  const std::vector<float> x = {1.5f, 1.25f, 1.625f, 1.8125f, 1.40625f};
  for (std::size_t k = 0; k < x.size(); ++k) EXPECT_FLOAT_EQ(world.run(settings, k + 1).x[0], x[k]) << k;
  EXPECT_EQ(world.run(settings, 2).result.time, from_seconds(4.0));
  EXPECT_EQ(seen.result.counters.cancelled, 0u);
  EXPECT_EQ(seen.result.counters.delay_max, 0u);
  EXPECT_THAT(notes.list,
              ElementsAre(std::pair(4.0, "the deadline of the round has passed: 2 came, without worker 2"),
                          std::pair(8.958984375, "the deadline of the round has passed: 2 came, without worker 2")));
  ASSERT_EQ(seen.result.method.back().name, "deadlines_passed");
  EXPECT_EQ(seen.result.method.back().value, 2.0);
}

// Both are slow in the second round, from 1 to 4 nothing comes: the first to come ends it, at 11. It took 10 s, twice
// the deadline counts: M = 7/8 + 6/8 = 1.625, V = 3/8 + 5/4 = 1.625, and the next deadline is 8.125 s.
TEST(DeadlineThatFindsNothing, WaitsForTheFirst) {
  const World world{.seconds = {{1, 10, 1, 100}, {1, 12, 1}}, .centres = {0, 2}};
  const test::Outcomes seen = world.run(minibatch({{"deadline", num(1)}}), 4);
  //   round 3 from 11: 0 at 12;   round 4 from 12: 1 comes at 13, late, is asked, and comes at 14; 0 does not
  EXPECT_THAT(times(seen), ElementsAre(1, 1, 11, 12, 13, 14));
  EXPECT_THAT(outcomes_of(seen), ElementsAre(kApplied, kApplied, kApplied, kApplied, kDiscarded, kApplied));
  EXPECT_EQ(seen.arrivals[3].order.version, 2u);
  EXPECT_EQ(seen.arrivals[5].order.version, 3u);
  //   V = 3/4 * 1.625 + 1/4 * 0.625 = 1.375, M = 7/8 * 1.625 + 1/8 = 1.546875
  EXPECT_EQ(to_seconds(seen.result.time), 12 + 1.546875 + 4 * 1.375);
}

TEST(DeadlineThatFindsNothing, WaitsForAsManyAsItMust) {
  const World world{.seconds = {{1, 10, 1}, {1, 12, 1}, {1, 100}}, .centres = {0, 2, 7}};
  const test::Outcomes seen = world.run(minibatch({{"deadline", num(1)}, {"min_results", whole(2)}}), 2);
  EXPECT_EQ(seen.result.time, from_seconds(13.0));
  EXPECT_FLOAT_EQ(seen.x[0], 1.5f);  // x1 = 1 + (3 - 1)/2 = 2;  x2 = 2 + (1 - 2)/2
}

// Half of it has come at 1 s: 8 (1 + 4 * 1/2) more.
TEST(FirstRound, EndsAlthoughNothingWasKnown) {
  const World two{.seconds = {{1}, {1000}}, .centres = {0, 0}};
  EXPECT_EQ(two.run(minibatch({{"deadline", num(1)}}), 1).result.time, from_seconds(25.0));
  EXPECT_EQ(two.run(minibatch({{"deadline", num(1)}}), 2).result.time, from_seconds(26.0));
  // Of five, three: 1, 1 and 4 s: M = 2, V = 4/3.
  const World five{.seconds = {{1}, {1}, {4}, {1000}, {1000}}, .centres = {0, 0, 0, 0, 0}};
  EXPECT_NEAR(to_seconds(five.run(minibatch({{"deadline", num(1)}}), 1).result.time), 4 + 8 * (2 + 16.0 / 3), 1e-8);
  // All were there before it passed: R = 1, 20: M = 10.5, V = 9.5.
  const World unequal{.seconds = {{1}, {20, 100}}, .centres = {0, 0}};
  const test::Outcomes seen = unequal.run(minibatch({{"deadline", num(1)}}), 2);
  EXPECT_EQ(seen.result.time, from_seconds(20 + 10.5 + 4 * 9.5));
}

// Gradients of 1 s, that are 3 s away: M = 3, V = 1.5.
TEST(Deadline, CountsTheWayThereAndBack) {
  const World world{.seconds = {{1}, {1, 100}}, .centres = {0, 0}, .way = 2.0};
  const test::Outcomes seen = world.run(minibatch({{"deadline", num(1)}}), 2);
  EXPECT_EQ(seen.result.time, from_seconds(3 + 3 + 4 * 1.5));
  EXPECT_EQ(seen.arrivals[0].order.compute_time, from_seconds(1.0));
  EXPECT_EQ(seen.arrivals[0].order.round_trip, from_seconds(3.0));
}

// What takes exactly as long as the deadline is in time: with equal times V goes to 0.
TEST(Deadline, IsMetAtItsInstant) {
  const World world{.seconds = {{1}, {1}}, .centres = {0, 0}};
  const test::Outcomes seen = world.run(minibatch({{"deadline", num(1)}}), 200);
  EXPECT_EQ(seen.result.time, from_seconds(200.0));
  EXPECT_EQ(seen.result.counters.discarded, 0u);
}

// Three clients with 1, 1 and 10 examples, the third of which is slow in the second round: its mean is that of the two.
TEST(Deadline, LeavesTheMeanOfThoseWhoCame) {
  const World world{.seconds = {{1}, {1}, {1, 50}}, .centres = {0, 4, 1}, .examples = {1, 1, 10}};
  const SettingValue::Table settings = fedavg({{"deadline", num(1)}});
  EXPECT_FLOAT_EQ(world.run(settings, 1).x[0], 1 + (14.0f / 12 - 1) / 2);
  const float x1 = world.run(settings, 1).x[0];
  EXPECT_FLOAT_EQ(world.run(settings, 2).x[0], x1 + (2 - x1) / 2);
  EXPECT_EQ(world.run(settings, 2).result.time, from_seconds(4.0));
}

// Clients are drawn among the idle: who is overdue is not, until it has come back at 51 s.
TEST(Deadline, OverdueClientsAreNotDrawn) {
  const World world{.seconds = {{1}, {1}, {1, 50, 1}}, .centres = {0, 0, 0}};
  const test::Outcomes seen = world.run(fedavg({{"deadline", num(1)}}), 51);
  std::vector<double> of_two;
  for (const ArrivalRecord& a : seen.arrivals)
    if (a.order.worker == 2) of_two.push_back(to_seconds(a.time));
  EXPECT_THAT(of_two, ElementsAre(1, 51, 52, 53));  // rounds of 1 s from 4 on
}

// Over-selection stops who is late where enough have come; a deadline lets them finish.
TEST(Deadline, OfOverSelectedRounds) {
  const World world{.seconds = {{1}, {1, 60, 1}, {1, 70, 1}}, .centres = {0, 0, 0}};
  const SettingValue::Table settings = {{"name", word("papaya-sync")},
                                        {"local_step_size", num(0.5)},
                                        {"step_size", num(0.01)},
                                        {"over_selection", num(1.5)},
                                        {"deadline", num(1)}};
  // Round 1: the first two of three at 1 s, the third is stopped. Round 2: one comes, and the timer ends it at 4.
  const test::Outcomes seen = world.run(settings, 2);
  EXPECT_EQ(seen.result.counters.cancelled, 1u);
  EXPECT_EQ(seen.result.time, from_seconds(4.0));
}

// The round ends when its straggler is lost, 0.5 s before the deadline; and one that was overdue may vanish and return.
TEST(Deadline, AndLosses) {
  const SettingValue::Table settings = minibatch({{"deadline", num(1)}});
  const Away before(2, 3.5, 10.2);
  const World world{.seconds = {{1}, {1}, {1, 100, 1}}, .centres = {0, 0, 0}, .availability = &before};
  EXPECT_EQ(world.run(settings, 2).result.time, from_seconds(3.5));
  const Away afterwards(2, 6.5, 8.25);
  const World other{.seconds = {{1}, {1}, {1, 100, 1}}, .centres = {0, 0, 0}, .availability = &afterwards};
  // Rounds end at 1, 4, 5, 6, 7, 8; at 8.25 it is back, and the seventh ends at 9.25 with it.
  const test::Outcomes seen = other.run(settings, 7);
  EXPECT_EQ(seen.result.time, from_seconds(9.25));
  EXPECT_EQ(seen.result.counters.lost, 1u);
  EXPECT_EQ(seen.arrivals.back().order.worker, 2u);
}

// All who came were lost afterwards, the others are overdue: a round that nobody is in has no deadline.
TEST(Deadline, OfARoundThatNobodyIsIn) {
  const Away away(0, 4.5, 1e5);
  const World world{.seconds = {{1}, {1, 50, 1}}, .centres = {0, 0}, .availability = &away};
  const test::Outcomes seen = world.run(minibatch({{"deadline", num(1)}}), 3);
  // The second round ends at 4 with 0 alone, which is lost at 4.5. 1 comes at 51, and makes the third.
  EXPECT_EQ(seen.result.time, from_seconds(52.0));
  EXPECT_EQ(seen.result.counters.lost, 1u);
  EXPECT_EQ(seen.result.counters.discarded, 1u);
}

// One joins at 3.75, is asked at once, and is in time at 4.75 only because the deadline of the second round is later.
TEST(Deadline, AndWorkersThatJoinLate) {
  const Joins joins({0, 0, 3.75});
  World world{.seconds = {{1}, {1, 100}, {1}}, .centres = {0, 0, 0}, .availability = &joins, .join_later = 1};
  test::Outcomes seen = world.run(minibatch({{"deadline", num(1)}}), 2);
  EXPECT_EQ(seen.result.time, from_seconds(4.0));  // it is overdue as well
  seen = world.run(minibatch({{"deadline", num(1)}}), 3);
  EXPECT_EQ(seen.result.time, from_seconds(5.75));  // and asked again at 4.75
  EXPECT_EQ(seen.result.counters.discarded, 1u);
  seen = world.run(minibatch({{"deadline", num(2)}}), 2);
  EXPECT_EQ(seen.result.time, from_seconds(7.0));
  EXPECT_EQ(seen.arrivals.back().time, from_seconds(4.75));
  EXPECT_EQ(seen.arrivals.back().outcome, kApplied);
}

TEST(MinWorkers, ARoundWaitsForThem) {
  const Joins joins({0, 5, 7.25});
  const World world{.seconds = {{1}, {1}, {1}}, .centres = {0, 0, 0}, .availability = &joins, .join_later = 2};
  for (const auto& settings :
       {minibatch({{"min_workers", whole(2)}}), fedavg({{"min_workers", whole(2)}}),
        with(minibatch({{"min_workers", whole(2)}}), {{"name", word("m-sync-sgd")}, {"m", whole(2)}})}) {
    const test::Outcomes seen = world.run(settings, 2);
    EXPECT_THAT(times(seen), ElementsAre(6, 6, 7, 7));
  }
}

// A round that has begun goes on; the next waits.
TEST(MinWorkers, HoldForEveryRound) {
  const Away away(1, 2.5, 10.0);
  const World world{.seconds = {{1}, {1}}, .centres = {0, 0}, .availability = &away};
  for (const auto& settings : {minibatch({{"min_workers", whole(2)}}), fedavg({{"min_workers", whole(2)}})}) {
    const test::Outcomes seen = world.run(settings, 4);
    EXPECT_THAT(times(seen), ElementsAre(1, 1, 2, 2, 2.5, 3, 11, 11));  // lost at 2.5
    EXPECT_EQ(seen.result.counters.lost, 1u);
  }
}

// Who is late when the waiting begins is asked when enough are there again.
TEST(MinWorkers, AndWorkersThatAreLate) {
  const Away away(1, 1.5, 10.0);
  const World world{.seconds = {{1}, {1}, {5, 1}}, .centres = {0, 0, 0}, .availability = &away};
  const SettingValue::Table settings = {{"name", word("m-sync-sgd")},
                                        {"step_size", num(0.5)},
                                        {"m", whole(2)},
                                        {"late", word("ignore")},
                                        {"min_workers", whole(3)}};
  // Round 1 ends at 1 with 0 and 1; round 2 with 0 at 2 and, as 1 is lost, with what 2 brings at 6, after its late one
  // at 5. Then two are there, until 10.
  EXPECT_THAT(times(world.run(settings, 3)), ElementsAre(1, 1, 1.5, 2, 5, 6, 11, 11));  // lost at 1.5
}

// Rounds of all methods that have a deadline: off, and one that never passes, are the same run.
TEST(Deadline, ThatNeverPassesChangesNothing) {
  const SettingValue::Table methods[] = {
      minibatch({}),
      with(minibatch({}), {{"name", word("m-sync-sgd")}, {"m", whole(3)}}),
      with(minibatch({}), {{"name", word("m-sync-sgd")}, {"m", whole(3)}, {"late", word("ignore")}}),
      with(minibatch({}), {{"name", word("adaptive-sync")}, {"noise_ratio", num(64)}}),
      fedavg({{"clients_per_round", whole(2)}}),
      fedavg({{"clients_per_round", whole(2)}, {"sampling", word("examples")}}),
      with(fedavg({{"clients_per_round", whole(2)}}), {{"name", word("fedprox")}, {"proximal_weight", num(0)}}),
      with(fedavg({{"clients_per_round", whole(2)}}), {{"name", word("papaya-sync")}}),
  };
  for (const SettingValue::Table& settings : methods) {
    const test::ComingAndGoing uptimes({.seed = 3, .uptime = 20.0, .downtime = 5.0, .late = 2});
    const auto digest = [&](SettingValue::Table more) {
      const test::Bowl bowl({.dimension = 3, .noise = 0.5});
      const auto method = test::make(with(settings, std::move(more)), 5);
      return test::simulate(bowl, test::RandomTimes(5), *method,
                            {.workers = 5, .run = test::stop_after_time(100), .availability = &uptimes})
          .result.digest;
    };
    const std::string off = digest({});
    EXPECT_EQ(digest({{"deadline", num(std::numeric_limits<double>::infinity())}, {"min_results", whole(1)}}), off);
    EXPECT_EQ(digest({{"deadline", num(1e4)}}), off);
    EXPECT_NE(digest({{"deadline", num(0.25)}}), off);
  }
}

TEST(Deadline, Mistakes) {
  EXPECT_EQ(error_of(minibatch({{"deadline", num(0)}})), "method.deadline = 0.0: must be a number > 0");
  EXPECT_EQ(error_of(minibatch({{"min_results", whole(2)}})),
            "method.min_results = 2: has no effect without a deadline: a round waits for everybody there");
  const SettingValue::Table three = fedavg({{"clients_per_round", whole(3)}, {"deadline", num(1)}});
  EXPECT_EQ(error_of(with(three, {{"min_results", whole(4)}})), "method.min_results = 4: must be an integer in [1, 3]");
  EXPECT_EQ(error_of(minibatch({{"min_workers", whole(5)}})), "method.min_workers = 5: must be an integer in [1, 4]");
}

}  // namespace
}  // namespace tardigrad
