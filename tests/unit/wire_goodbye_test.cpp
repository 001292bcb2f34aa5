// SPDX-License-Identifier: Apache-2.0
// Who is told that a run is over, or stops for now.
#include <gtest/gtest.h>

#include <string>

#include "support/wire_peer.hpp"

namespace tardigrad::wire {
namespace {

using test::WirePeers;

// One has half a connection, one has none, one waits for room, one was lost.
TEST(WireGoodbye, WhoWasNotThereAtTheEndIsTold) {
  WirePeers peers({.most_workers = 3});
  const ConnectionId a = peers.join("a"), b = peers.join("b"), c = peers.join("c");
  peers.join("d");
  peers.settle();
  peers.say(c, Goodbye{});
  peers.settle();
  peers.coordinator().disconnected(b, peers.now());
  EXPECT_FALSE(peers.coordinator().awaits_somebody());
  peers.coordinator().say_goodbye({.text = "over"});
  peers.pass(0.1);
  EXPECT_EQ(peers.heard<Goodbye>(a).size(), 1u);
  for (const char* name : {"b", "d"}) {
    EXPECT_TRUE(peers.coordinator().awaits_somebody());
    const ConnectionId late = peers.join(name);
    EXPECT_EQ(peers.heard<Goodbye>(late).at(0).text, "over");
    EXPECT_TRUE(peers.closed(late));
  }
  EXPECT_FALSE(peers.coordinator().awaits_somebody());
}

// Names that came once, long ago, take nobody's place.
TEST(WireGoodbye, OfManyForWhomThereWasNoRoomThoseWhoStillAskAreTold) {
  WirePeers peers({.most_workers = 1});
  peers.join("a");
  for (std::size_t i = 0; i < Coordinator::kMostKnocking; ++i) peers.join("once-" + std::to_string(i));
  peers.pass(to_seconds(Coordinator::kKnockCounts) + 1.0);
  peers.join("b");
  peers.coordinator().say_goodbye({.text = "over"});
  EXPECT_TRUE(peers.coordinator().awaits_somebody());
  const ConnectionId b = peers.join("b");
  EXPECT_EQ(peers.heard<Goodbye>(b).size(), 1u);
  EXPECT_FALSE(peers.coordinator().awaits_somebody());
}

// Who knocks on while the table is full is not taken for gone.
TEST(WireGoodbye, WhoAsksAgainIsRemembered) {
  WirePeers peers({.most_workers = 1});
  peers.join("a");
  peers.join("b");
  for (std::size_t i = 1; i < Coordinator::kMostKnocking; ++i) peers.join("once-" + std::to_string(i));
  peers.pass(to_seconds(kLongestWaitForRoom));
  peers.join("b");
  peers.pass(to_seconds(kLongestWaitForRoom) + 1.0);
  peers.coordinator().say_goodbye({.text = "over"});
  EXPECT_TRUE(peers.coordinator().awaits_somebody());
  peers.join("b");
  EXPECT_FALSE(peers.coordinator().awaits_somebody());
}

TEST(WireGoodbye, WhenItStopsForNowNobodyIsWaitedFor) {
  WirePeers peers;
  const ConnectionId a = peers.join("a"), b = peers.join("b");
  peers.settle();
  peers.coordinator().disconnected(b, peers.now());
  peers.coordinator().say_goodbye({.text = "stops", .for_now = true});
  peers.pass(0.1);
  EXPECT_TRUE(peers.heard<Goodbye>(a).at(0).for_now);
  EXPECT_FALSE(peers.coordinator().awaits_somebody()) << "it tries again by itself";
  const ConnectionId late = peers.join("b");
  EXPECT_TRUE(peers.heard<Goodbye>(late).at(0).for_now);
  EXPECT_TRUE(peers.closed(late));
}

TEST(WireGoodbye, WhoIsLostIsNotWaitedForAtTheEnd) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  peers.settle();
  peers.coordinator().disconnected(a, peers.now());
  peers.coordinator().say_goodbye({.text = "over"});
  EXPECT_TRUE(peers.coordinator().awaits_somebody());
  peers.pass(1000.0);
  EXPECT_FALSE(peers.coordinator().awaits_somebody());
}

}  // namespace
}  // namespace tardigrad::wire
