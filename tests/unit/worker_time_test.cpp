// SPDX-License-Identifier: Apache-2.0
// What becomes of the workers' time: used, wasted, or in flight.
#include <gtest/gtest.h>

#include "engines/round_trips.hpp"
#include "support/fake_world.hpp"

namespace tardigrad {
namespace {

using test::Bowl;
using test::FixedTimes;
using test::make;
using test::num;
using test::simulate;
using test::stop_after_time;
using test::whole;
using test::word;

TEST(Simulator, WorkerTimeThatBoughtNothingIsCounted) {
  const Bowl bowl({});
  const FixedTimes times({1, 1, 4, 4});
  const auto rennala = make({{"name", word("rennala-sgd")}, {"step_size", num(0.1)}, {"batch_target", whole(4)}}, 4);
  const auto run = simulate(bowl, times, *rennala, {.workers = 4, .run = stop_after_time(20)});
  const Counters& c = run.result.counters;
  EXPECT_EQ(c.updates, 10u);
  EXPECT_EQ(c.applied, 40u);
  EXPECT_EQ(c.used_seconds, 40.0);
  EXPECT_EQ(c.wasted_seconds, 40.0);
  EXPECT_EQ(run.result.runtime.utilisation, 1.0);
  EXPECT_EQ(run.result.runtime.gradients_computed, 40u);  // what is withdrawn in time costs this machine nothing
  EXPECT_EQ(run.result.runtime.gradients_wasted, 0u);
  for (const ArrivalRecord& record : run.arrivals)
    if (record.outcome == Outcome::cancelled) {
      EXPECT_EQ(record.order.compute_time, from_seconds(record.order.worker < 2 ? 0 : 2));
    }
}

TEST(Simulator, WorkerTimeIsUsedWastedOrInFlight) {
  const Bowl bowl({});
  const FixedTimes times({1, 2, 5, 11});
  for (const bool stop : {false, true}) {
    const auto method = make(
        {{"name", word("ringmaster-asgd")}, {"step_size", num(0.1)}, {"delay_limit", whole(6)}, {"stop", {stop}}}, 4);
    const auto run = simulate(bowl, times, *method, {.workers = 4, .run = stop_after_time(110)});
    const Counters& c = run.result.counters;
    EXPECT_GT(stop ? c.cancelled : c.discarded, 0u);
    double used = 0.0, wasted = 0.0;
    for (const ArrivalRecord& record : run.arrivals)
      (record.outcome == Outcome::applied ? used : wasted) += to_seconds(record.order.compute_time);
    EXPECT_EQ(c.used_seconds, used);
    EXPECT_EQ(c.wasted_seconds, wasted);
    const double in_flight = run.result.runtime.utilisation * 4 * 110 - used - wasted;
    EXPECT_GE(in_flight, 0.0);
    EXPECT_LE(in_flight, 1 + 2 + 5 + 11);
  }
}

// Of a queue, each since the one before came back; of a worker that was given up, since it was given another.
TEST(RoundTrips, BeginWhereTheOrderBeforeEnds) {
  RoundTrips trips;
  trips.given(2, Time{10});
  trips.given(2, Time{11});
  trips.given(0, Time{12});
  EXPECT_EQ(trips.arrived(2, Time{15}), Time{5});
  EXPECT_EQ(trips.arrived(2, Time{16}), Time{1});
  trips.given(2, Time{20});
  trips.ended(2);
  trips.ended(7);
  trips.given(2, Time{30});
  EXPECT_EQ(trips.arrived(2, Time{37}), Time{7});
  EXPECT_EQ(trips.arrived(0, Time{40}), Time{28});
}

}  // namespace
}  // namespace tardigrad
