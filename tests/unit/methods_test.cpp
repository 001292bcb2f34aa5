// SPDX-License-Identifier: Apache-2.0
// The methods' formulas, by hand, and their catalogue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/state.hpp"
#include "methods/policies/admission/delay_below.hpp"
#include "methods/policies/clipping/clip_norm.hpp"
#include "methods/policies/dispatch/waiting_line.hpp"
#include "methods/policies/step/delay_adaptive.hpp"
#include "support/bowl_world.hpp"
#include "support/fake_world.hpp"
#include "support/settings.hpp"

namespace tardigrad {
namespace {

using methods::AdmitDelayBelow;
using methods::ClipNorm;
using methods::DelayAdaptiveStep;
using test::error_of;
using test::make;
using test::num;
using test::whole;
using test::word;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ClipNorm, ScalesOnlyWhatIsOutsideTheBall) {
  const ClipNorm clip{2.0};
  EXPECT_EQ(clip.factor(0.0), 1.0);
  EXPECT_EQ(clip.factor(2.0), 1.0);
  EXPECT_EQ(clip.factor(8.0), 0.25);
  EXPECT_TRUE(clip.clips(8.0));
  EXPECT_FALSE(clip.clips(2.0));
  EXPECT_EQ(ClipNorm{}.factor(1e300), 1.0);
}

TEST(DelayAdaptiveStep, PracticalRule) {
  const DelayAdaptiveStep step{.step_size = 0.5, .threshold = 16, .rule = DelayAdaptiveStep::Rule::practical};
  EXPECT_EQ(step.at(0), 0.5);
  EXPECT_EQ(step.at(16), 0.5);
  EXPECT_EQ(step.at(17), 0.5 / 17);
  EXPECT_EQ(step.at(39), 0.5 / 39);
}

TEST(DelayAdaptiveStep, ProportionalRule) {
  const DelayAdaptiveStep step{.step_size = 0.5, .threshold = 16};
  EXPECT_EQ(step.at(16), 0.5);
  EXPECT_EQ(step.at(32), 0.25);
  EXPECT_DOUBLE_EQ(step.at(17), 0.5 * 16 / 17);
}

// The largest step that the theorem allows, gamma = 1/(4 L tau_C): proportional is the upper end of its interval at
// every delay, practical tau_C times below it.
TEST(DelayAdaptiveStep, ProportionalIsTheTheorem) {
  using Rule = DelayAdaptiveStep::Rule;
  const double smoothness = 0.5, gamma = 1 / (4 * smoothness * 8);
  const DelayAdaptiveStep theorem{.step_size = gamma, .threshold = 8, .rule = Rule::smoothness, .smoothness = 0.5};
  const DelayAdaptiveStep proportional{.step_size = gamma, .threshold = 8};
  const DelayAdaptiveStep practical{.step_size = gamma, .threshold = 8, .rule = Rule::practical};
  for (const std::uint64_t delay : {0, 8, 9, 20, 1000}) {
    EXPECT_DOUBLE_EQ(proportional.at(delay), theorem.at(delay)) << delay;
    if (delay > 8) {
      EXPECT_DOUBLE_EQ(practical.at(delay), theorem.at(delay) / 8) << delay;
    }
  }
}

TEST(DelayAdaptiveStep, RuleWithSmoothness) {
  const DelayAdaptiveStep step{
      .step_size = 0.5, .threshold = 2, .rule = DelayAdaptiveStep::Rule::smoothness, .smoothness = 0.125};
  EXPECT_EQ(step.at(2), 0.5);
  EXPECT_EQ(step.at(3), 0.5);  // 1/(4 * 0.125 * 3) = 2/3 is more than gamma
  EXPECT_EQ(step.at(8), 1.0 / (4 * 0.125 * 8));
}

TEST(AdmitDelayBelow, KeepsDelaysBelowTheLimit) {
  const AdmitDelayBelow admission{3};
  EXPECT_TRUE(admission.admits(2));
  EXPECT_FALSE(admission.admits(3));
  EXPECT_EQ(admission.oldest_useful(2), 0u);
  EXPECT_EQ(admission.oldest_useful(10), 8u);  // at version 10 an order of version 8 has delay 2, the last allowed
  EXPECT_TRUE(admission.admits(10 - admission.oldest_useful(10)));
  EXPECT_FALSE(admission.admits(10 - admission.oldest_useful(10) + 1));
}

// d = 2, x0 = (1, 1), g = x of the order's version; worker 0 takes 1 s, worker 1 takes 2.5 s.
//   t=1    worker 0, x0 = (1,1):      x1 = 1 - 0.5 = 0.5        delay 0
//   t=2    worker 0, x1 = 0.5:        x2 = 0.5 - 0.25 = 0.25    delay 0
//   t=2.5  worker 1, x0 = 1:          x3 = 0.25 - 0.5 = -0.25   delay 2
//   t=3    worker 0, x2 = 0.25:       x4 = -0.25 - 0.125 = -0.375   delay 1
//   t=4    worker 0, x4 = -0.375:     x5 = -0.375 + 0.1875 = -0.1875  delay 0
TEST(HandTrace, VanillaAsgd) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  const auto method = make({{"name", word("vanilla-asgd")}, {"step_size", num(0.5)}}, 2);
  const auto run = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(5)});
  ASSERT_EQ(run.arrivals.size(), 5u);
  const std::vector<double> at = {1, 2, 2.5, 3, 4};
  const std::vector<WorkerId> worker = {0, 0, 1, 0, 0};
  const std::vector<std::uint64_t> delay = {0, 0, 2, 1, 0};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(run.arrivals[i].time, from_seconds(at[i])) << i;
    EXPECT_EQ(run.arrivals[i].order.worker, worker[i]) << i;
    EXPECT_EQ(run.arrivals[i].delay, delay[i]) << i;
    EXPECT_EQ(run.arrivals[i].coefficient, 0.5) << i;
  }
  EXPECT_THAT(run.x, ElementsAre(-0.1875f, -0.1875f));
}

// As above with c = sqrt(2)/2: the gradients (1,1) of norm sqrt(2) are halved.
//   t=1 x1 = 1 - 0.25 = 0.75; t=2 g = 0.75, norm 0.75 sqrt 2, factor 2/3: step 0.25: x2 = 0.5;
//   t=2.5 stale (1,1): x3 = 0.25; t=3 worker 0 at x2 = 0.5, norm = c exactly or within an ulp: x4 = 0.25 - 0.25 = 0
TEST(HandTrace, ClippedAsgd) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  const auto method =
      make({{"name", word("clipped-asgd")}, {"step_size", num(0.5)}, {"clip_radius", num(std::sqrt(2.0) / 2)}}, 2);
  const auto run = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(4)});
  EXPECT_NEAR(run.arrivals[0].coefficient, 0.25, 1e-15);
  EXPECT_NEAR(run.arrivals[1].coefficient, 0.5 * 2 / 3, 1e-15);
  EXPECT_NEAR(run.arrivals[2].coefficient, 0.25, 1e-15);
  EXPECT_NEAR(run.arrivals[3].coefficient, 0.5, 1e-7);  // the norm of a float32 vector next to c
  EXPECT_NEAR(run.x[0], 0.0, 1e-7);
  EXPECT_GE(run.result.counters.clipped, 3u);
}

// tau_C = 2: the delay of 2 at t = 2.5 keeps the full step. With delay_threshold = 1 it is halved.
TEST(HandTrace, DelayAdaptiveAsgd) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  const auto full = make({{"name", word("delay-adaptive-asgd")}, {"step_size", num(0.5)}}, 2);
  const auto a = test::simulate(bowl, times, *full, {.workers = 2, .run = test::stop_after_updates(5)});
  EXPECT_THAT(a.x, ElementsAre(-0.1875f, -0.1875f));
  const auto lower =
      make({{"name", word("delay-adaptive-asgd")}, {"step_size", num(0.5)}, {"delay_threshold", whole(1)}}, 2);
  const auto b = test::simulate(bowl, times, *lower, {.workers = 2, .run = test::stop_after_updates(3)});
  EXPECT_EQ(b.arrivals[2].coefficient, 0.25);
  EXPECT_THAT(b.x, ElementsAre(0.0f, 0.0f));
}

// R = 2 without stopping: the delay of 2 at t = 2.5 is discarded and makes no version.
//   t=3 worker 0 at x2 = 0.25, delay 0: x3 = 0.125; t=4: x4 = 0.0625; t=5 (worker 0, order before worker 1's): x5
TEST(HandTrace, RingmasterAsgd) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  const auto method = make({{"name", word("ringmaster-asgd")}, {"step_size", num(0.5)}, {"delay_limit", whole(2)}}, 2);
  const auto run = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(4)});
  ASSERT_EQ(run.arrivals.size(), 5u);
  EXPECT_EQ(run.arrivals[2].outcome, Outcome::discarded);
  EXPECT_TRUE(std::isnan(run.arrivals[2].norm));
  EXPECT_EQ(run.arrivals[3].order.version, 2u);
  EXPECT_THAT(run.x, ElementsAre(0.0625f, 0.0625f));
  EXPECT_EQ(run.result.counters.discarded, 1u);
}

// R = 2 with stopping: at t = 2 the model reaches version 2, worker 1 still computes at version 0: it is stopped and
// starts again, with a lower number of its order than worker 0 would have... workers are assigned by number: 0, then 1.
//   t=3: worker 0: version 3 (worker 1's age 1); t=4: version 4, worker 1's age 2: stopped again.
TEST(HandTrace, RingmasterAsgdStopping) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  const auto method = make(
      {{"name", word("ringmaster-asgd")}, {"step_size", num(0.5)}, {"delay_limit", whole(2)}, {"stop", {true}}}, 2);
  const auto run = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(4)});
  std::vector<std::pair<double, Outcome>> seen;
  for (const auto& a : run.arrivals) seen.emplace_back(to_seconds(a.time), a.outcome);
  using enum Outcome;
  EXPECT_THAT(seen, ElementsAre(std::pair{1.0, applied}, std::pair{2.0, applied}, std::pair{2.0, cancelled},
                                std::pair{3.0, applied}, std::pair{4.0, applied}, std::pair{4.0, cancelled}));
  EXPECT_THAT(run.x, ElementsAre(0.0625f, 0.0625f));
}

// Two workers, gradients at the same x: x <- x - 0.5 * mean = x/2 a round of 2.5 s.
TEST(HandTrace, MinibatchSgd) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  const auto method = make({{"name", word("minibatch-sgd")}, {"step_size", num(0.5)}}, 2);
  const auto run = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(3)});
  EXPECT_EQ(run.result.time, from_seconds(7.5));
  EXPECT_EQ(run.result.counters.applied, 6u);
  EXPECT_EQ(run.result.counters.delay_max, 0u);
  EXPECT_EQ(run.arrivals[0].coefficient, 0.25);
  EXPECT_THAT(run.x, ElementsAre(0.125f, 0.125f));
}

// m = 1. Stopped: worker 0 makes every round, 1 s each; worker 1 is cancelled each time.
TEST(HandTrace, MSyncSgdStopsLateWorkers) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  const auto method = make({{"name", word("m-sync-sgd")}, {"step_size", num(0.5)}, {"m", whole(1)}}, 2);
  const auto run = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(3)});
  EXPECT_EQ(run.result.time, from_seconds(3.0));
  EXPECT_EQ(run.result.counters.cancelled, 3u);
  EXPECT_THAT(run.x, ElementsAre(0.125f, 0.125f));
}

// One order at a time, and three workers of 1, 2 and 4 s: they take turns. When worker 1 is away from 2 to 6.5 its
// order is lost, 2 begins at once, and 1 joins the end of the line: 0 until 1, 2 from 2 to 6, 0 until 7, 2 until 11, 1
// until 13, 0.
TEST(Dispatch, RotatesWhereSomeWait) {
  const test::FixedTimes times({1.0, 2.0, 4.0});
  const auto workers = [&](const char* dispatch, std::int64_t concurrency, const Availability* away = nullptr) {
    const auto method = make({{"name", word("vanilla-asgd")},
                              {"step_size", num(0.01)},
                              {"dispatch", word(dispatch)},
                              {"concurrency", whole(concurrency)}},
                             3);
    const auto run = test::simulate(test::Bowl({}), times, *method,
                                    {.workers = 3, .run = test::stop_after_updates(6), .availability = away});
    std::vector<WorkerId> list;
    for (const ArrivalRecord& a : run.arrivals)
      if (a.outcome == Outcome::applied) list.push_back(a.order.worker);
    return list;
  };
  EXPECT_THAT(workers("rotate", 1), ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(workers("same", 1), ElementsAre(0, 0, 0, 0, 0, 0));
  // Two orders: 0 and 1 begin; at 1 worker 2 takes 0's place, at 2 0 takes 1's, at 3 1 takes 0's, at 5 both end.
  EXPECT_THAT(workers("rotate", 2), ElementsAre(0, 1, 0, 2, 1, 0));
  EXPECT_EQ(workers("rotate", 3), workers("same", 3));
  const test::Away away(1, 2.0, 6.5);
  EXPECT_THAT(workers("rotate", 1, &away), ElementsAre(0, 2, 0, 2, 1, 0));
}

TEST(WaitingLine, WhoLeavesLosesItsPlace) {
  methods::WaitingLine line;
  for (const WorkerId worker : {4u, 1u, 3u}) line.join(worker);
  line.leave(4);
  line.leave(4);
  line.join(4);
  EXPECT_EQ(line.take_first(), 1u);
  EXPECT_EQ(line.take_first(), 3u);
  EXPECT_EQ(line.take_first(), 4u);
  EXPECT_TRUE(line.empty());
  // Who comes and goes leaves nothing behind.
  for (int k = 0; k < 1000; ++k) {
    line.join(2);
    line.leave(2);
  }
  StateWriter writer;
  writer(line);
  EXPECT_LT(writer.take().bytes.size(), 200u);
}

// With fewer orders than workers `same` never asks the others, and says so once; rotate has nothing to say.
TEST(Dispatch, SaysWhoNeverComputes) {
  struct Notes final : Observer {
    void on_note(Time, const std::string& text) override { list.push_back(text); }
    std::vector<std::string> list;
  };
  for (const bool stop : {false, true}) {
    SettingValue::Table settings = {{"name", word("ringmaster-asgd")},
                                    {"step_size", num(0.01)},
                                    {"delay_limit", whole(4)},
                                    {"concurrency", whole(2)}};
    settings["stop"] = SettingValue{stop};
    const auto notes = [&](SettingValue::Table table, std::size_t workers) {
      Notes observer;
      const auto method = make(std::move(table), workers);
      const auto run =
          test::simulate(test::Bowl({}), test::FixedTimes({1.0, 2.0, 4.0}), *method,
                         {.workers = workers, .run = test::stop_after_updates(9), .observers = {&observer}});
      std::set<WorkerId> came;
      for (const ArrivalRecord& a : run.arrivals) came.insert(a.order.worker);
      EXPECT_EQ(came.size(), observer.list.empty() ? workers : 2u);
      return observer.list;
    };
    EXPECT_THAT(notes(settings, 3),
                ElementsAre(HasSubstr("workers beyond the first 2 compute only when one of those")));
    EXPECT_THAT(notes(settings, 2), ElementsAre());
    settings["dispatch"] = word("rotate");
    EXPECT_THAT(notes(settings, 3), ElementsAre());
  }
}

// Ignored: worker 1 delivers at 2.5 a gradient of version 0 at version 2: discarded, then it works at version 2, and
// at t = 5 its gradient (version 2) is late again, behind worker 0's fifth, which was assigned later in time but
// arrives at the same instant with a higher order number: so worker 1's comes first.
TEST(HandTrace, MSyncSgdIgnoresLateWorkers) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  const auto method =
      make({{"name", word("m-sync-sgd")}, {"step_size", num(0.5)}, {"m", whole(1)}, {"late", word("ignore")}}, 2);
  const auto run = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(5)});
  EXPECT_EQ(run.result.time, from_seconds(5.0));
  EXPECT_EQ(run.result.counters.cancelled, 0u);
  EXPECT_EQ(run.result.counters.discarded, 2u);
  ASSERT_EQ(run.arrivals.size(), 7u);
  EXPECT_EQ(run.arrivals[2].order.worker, 1u);
  EXPECT_EQ(run.arrivals[5].order.worker, 1u);
  EXPECT_EQ(run.arrivals[5].order.version, 2u);
}

TEST(MethodSettings, EveryMistakeHasItsLine) {
  EXPECT_THAT(error_of({{"name", word("cliped-asgd")}, {"step_size", num(1)}}),
              HasSubstr("method.name = \"cliped-asgd\": is no method; did you mean `clipped-asgd`?"));
  EXPECT_THAT(error_of({{"name", word("clipped-asgd")}, {"step_size", num(1)}}),
              HasSubstr("method.clip_radius: is missing; it must be a number > 0"));
  EXPECT_THAT(error_of({{"name", word("clipped-asgd")}, {"step_size", num(1)}, {"clip_radius", num(0)}}),
              HasSubstr("method.clip_radius = 0.0: must be a number > 0"));
  EXPECT_THAT(error_of({{"name", word("vanilla-asgd")}, {"step_sise", num(1)}}),
              HasSubstr("method.step_sise = 1.0: unknown key; did you mean `step_size`?"));
  EXPECT_THAT(error_of({{"name", word("vanilla-asgd")}, {"step_size", num(-1)}}), HasSubstr("must be a number > 0"));
  EXPECT_THAT(error_of({{"name", word("vanilla-asgd")}, {"step_size", num(1)}, {"dispatch", word("unifrom")}}),
              HasSubstr("must be one of same, rotate, uniform; did you mean `uniform`?"));
  EXPECT_THAT(error_of({{"name", word("vanilla-asgd")}, {"step_size", num(1)}, {"concurrency", whole(5)}}),
              HasSubstr("method.concurrency = 5: must be an integer in [1, 4]"));
  EXPECT_THAT(error_of({{"name", word("vanilla-asgd")}, {"step_size", num(1)}, {"delay_limit", whole(5)}}),
              HasSubstr("unknown key"));
  EXPECT_THAT(error_of({{"name", word("ringmaster-asgd")}, {"step_size", num(1)}}),
              HasSubstr("method.delay_limit: is missing; it must be an integer >= 1"));
  EXPECT_THAT(error_of({{"name", word("ringmaster-asgd")}, {"step_size", num(1)}, {"delay_limit", whole(0)}}),
              HasSubstr("must be an integer >= 1"));
  EXPECT_THAT(error_of({{"name", word("m-sync-sgd")}, {"step_size", num(1)}, {"m", whole(5)}}),
              HasSubstr("method.m = 5: must be an integer in [1, 4]"));
  EXPECT_THAT(error_of({{"name", word("m-sync-sgd")}, {"step_size", num(1)}, {"m", whole(2)}, {"late", word("drop")}}),
              HasSubstr("must be one of stop, ignore"));
  EXPECT_THAT(error_of({{"name", word("delay-adaptive-asgd")}, {"step_size", num(1)}, {"rule", word("smoothness")}}),
              HasSubstr("method.smoothness: is missing"));
  EXPECT_THAT(error_of({{"name", word("delay-adaptive-asgd")}, {"step_size", num(1)}, {"smoothness", num(1)}}),
              HasSubstr("unknown key"));  // without the rule that uses it, it would be ignored in silence
}

TEST(MethodCatalogue, RowsAreWhole) {
  std::set<std::string> seen;
  for (const MethodRow& row : methods::catalogue()) {
    EXPECT_TRUE(seen.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.summary.empty());
    EXPECT_FALSE(row.source.empty());
    EXPECT_FALSE(row.settings.empty());
  }
}

}  // namespace
}  // namespace tardigrad
