// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "engines/wire/liveness.hpp"

namespace tardigrad::wire {
namespace {

constexpr Time kSecond = std::chrono::seconds(1);

TEST(WireLiveness, WhoIsSilentForSoManyHeartbeatsIsLost) {
  Liveness peer(kSecond, 5, Time{0});
  for (int i = 1; i <= 100; ++i) peer.hear(i * kSecond);
  EXPECT_EQ(peer.typical_silence(), kSecond);
  EXPECT_FALSE(peer.lost(105 * kSecond - Time{1}));
  EXPECT_TRUE(peer.lost(105 * kSecond));
}

TEST(WireLiveness, ASlowPeerIsGivenTheTimeThatItIsKnownFor) {
  Liveness peer(kSecond, 3, Time{0});
  Time now{0};
  for (int i = 0; i < 200; ++i) {
    now += i % 2 == 0 ? kSecond : 2 * kSecond;
    ASSERT_FALSE(peer.lost(now)) << i;
    peer.hear(now);
  }
  // Its silences are 1 and 2 s: a mean of 1.5 and a mean deviation of 0.5, so that 3.5 s are typical, give
  // or take the last of them: its weights are 1/8 and 1/4 of 1/2 s.
  EXPECT_NEAR(to_seconds(peer.typical_silence()), 3.5, 0.2);
}

TEST(WireLiveness, ManyMessagesAtOnceMakeNobodySuspectedEarlier) {
  Liveness peer(kSecond, 5, Time{0});
  for (int i = 0; i < 1000; ++i) peer.hear(Time{i});
  EXPECT_EQ(peer.typical_silence(), kSecond);
}

TEST(WireLiveness, NobodyStretchesItWithoutLimit) {
  Liveness peer(kSecond, 5, Time{0});
  Time now{0};
  for (int i = 0; i < 1000; ++i) peer.hear(now = peer.lost_at() - Time{1});
  EXPECT_LE(peer.lost_at() - now, 50 * kSecond);
}

TEST(WireLiveness, AClockThatJumpsCountsAsOneStepOrNone) {
  OwnClock clock(kSecond);
  EXPECT_EQ(clock.advance(std::chrono::hours(400000)), Time{0}) << "whatever it begins with";
  EXPECT_EQ(clock.advance(std::chrono::hours(400000) + kSecond / 2), kSecond / 2);
  EXPECT_EQ(clock.advance(std::chrono::hours(500000)), 3 * kSecond / 2) << "hours forward";
  EXPECT_EQ(clock.advance(std::chrono::hours(1)), 3 * kSecond / 2) << "back";
  EXPECT_EQ(clock.advance(std::chrono::hours(1) + kSecond), 5 * kSecond / 2) << "and on from there";
}

TEST(WireLiveness, BackOffDoublesIsBoundedAndIsDrawnFromItsStream) {
  BackOff one(kSecond, 8 * kSecond, Stream(1, Purpose::test)), same(kSecond, 8 * kSecond, Stream(1, Purpose::test)),
      other(kSecond, 8 * kSecond, Stream(2, Purpose::test));
  bool differs = false;
  for (int i = 0; i < 10; ++i) {
    const Time most = kSecond * (i < 3 ? 1 << i : 8), wait = one.next();
    EXPECT_GE(wait, most / 2);
    EXPECT_LE(wait, most);
    EXPECT_EQ(wait, same.next());
    differs = differs || wait != other.next();
  }
  EXPECT_TRUE(differs);
  one.reset();
  EXPECT_LE(one.next(), kSecond);
}

}  // namespace
}  // namespace tardigrad::wire
