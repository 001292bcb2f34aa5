// SPDX-License-Identifier: Apache-2.0
#include "timing/recorded.hpp"

#include <gtest/gtest.h>

#include "tardigrad/error.hpp"

namespace tardigrad::timing {
namespace {

TEST(RecordedTimes, AreTheRecordedOnesAndRepeat) {
  RecordedTimes times(2);
  times.add(0, 0, Time{10});
  times.add(0, 1, Time{20});
  times.add(0, 2, Time{30});
  times.add(1, 0, Time{7});
  times.settle();
  EXPECT_EQ(times.sample(0, 1), Time{20});
  EXPECT_EQ(times.sample(0, 3), Time{10});  // the list has run out: 3 mod 3
  EXPECT_EQ(times.sample(0, 8), Time{30});
  EXPECT_EQ(times.sample(1, 99), Time{7});
  EXPECT_TRUE(times.never_finished().empty());
}

// Withdrawn after 25: longer than that. The first of the list from its place on that is long enough is 30.
TEST(RecordedTimes, OfAWithdrawnOrderAreLongEnough) {
  RecordedTimes times(1);
  times.add(0, 0, Time{30});
  times.add_unfinished(0, 1, Time{25});
  times.add(0, 2, Time{20});
  times.add_unfinished(0, 3, Time{40});
  times.settle();
  EXPECT_EQ(times.sample(0, 1), Time{30});
  EXPECT_EQ(times.sample(0, 3), Time{81});  // none is: twice what was seen, and one more
  EXPECT_EQ(times.sample(0, 4), Time{30});  // what was guessed does not repeat
  EXPECT_EQ(times.sample(0, 5), Time{20});
}

// What passed beside an order goes with its time, and counts where it must be long enough.
TEST(RecordedTimes, HaveTheirTurnAround) {
  RecordedTimes times(1);
  times.add(0, 0, Time{10}, Time{4});
  times.add(0, 1, Time{12}, Time{-3});
  times.add_unfinished(0, 2, Time{13});
  times.settle();
  EXPECT_EQ(times.turn_around(0, 0), Time{4});
  EXPECT_EQ(times.turn_around(0, 1), Time{-3});
  EXPECT_EQ(times.sample(0, 2), Time{10});
  EXPECT_EQ(times.turn_around(0, 2), Time{4});
  EXPECT_EQ(times.turn_around(0, 3), Time{-3});
}

TEST(RecordedTimes, OfWhoNeverFinishedAreNotInThisRun) {
  RecordedTimes times(2);
  times.add(0, 0, Time{30});
  times.add_unfinished(1, 0, Time{25});
  times.settle();
  EXPECT_EQ(times.never_finished(), std::vector<WorkerId>{1});
  EXPECT_EQ(times.sample(1, 0), kNotInThisRun);
  EXPECT_EQ(times.sample(1, 5), kNotInThisRun);
}

TEST(RecordedAvailability, IsWhatWasSeen) {
  RecordedAvailability availability(3);
  availability.joined(0, Time{0});
  availability.lost(0, Time{50});
  availability.joined(0, Time{70});
  availability.joined(1, Time{5});
  EXPECT_EQ(availability.first_join(0), Time{0});
  EXPECT_EQ(availability.uptime(0, 0), Time{50});
  EXPECT_EQ(availability.downtime(0, 0), Time{20});
  EXPECT_EQ(availability.uptime(0, 1), Time::max());
  EXPECT_EQ(availability.first_join(1), Time{5});
  EXPECT_EQ(availability.first_join(2), kNotInThisRun);
  EXPECT_THROW(availability.joined(1, Time{6}), Error);
  EXPECT_THROW(availability.lost(2, Time{6}), Error);
  EXPECT_THROW(availability.joined(3, Time{6}), Error);
}

}  // namespace
}  // namespace tardigrad::timing
