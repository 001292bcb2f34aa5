// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/state.hpp"
#include "support/wire_peer.hpp"

namespace tardigrad::wire {
namespace {

using Kind = CoordinatorEvent::Kind;
using test::WirePeers;

constexpr Session kFirst{0, 1}, kSecond{0, 2};
const std::vector<float> kGradient{1.0f, 2.0f, 2.0f};

std::vector<OrderId> ids(const std::vector<Order>& orders) {
  std::vector<OrderId> found;
  for (const Order& order : orders) found.push_back(order.id);
  return found;
}

Refusal refusal_of(WirePeers& peers, const Hello& hello) {
  const ConnectionId connection = peers.dial();
  peers.say(connection, hello);
  const auto refused = peers.heard<Refused>(connection);
  EXPECT_EQ(refused.size(), 1u);
  EXPECT_TRUE(peers.closed(connection));
  return refused.empty() ? Refusal::no_credit : refused[0].reason;
}

TEST(WireCoordinator, AnOrderGoesOutAndComesBackOnce) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  const auto welcome = peers.heard<Welcome>(a);
  ASSERT_EQ(welcome.size(), 1u);
  EXPECT_EQ(welcome[0].session, kFirst);
  const auto joined = peers.event();
  ASSERT_TRUE(joined && joined->kind == Kind::joined);
  const OrderId id = peers.assign(0);
  const auto assigned = peers.heard<Assign>(a);
  ASSERT_EQ(assigned.size(), 1u);
  EXPECT_EQ(assigned[0].order.id, id);
  EXPECT_EQ(assigned[0].bytes, 12u);
  const auto chunks = peers.heard<ParameterChunk>(a);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[1].offset, 8u);
  peers.bring(a, kFirst, {id, 0}, kGradient);
  EXPECT_TRUE(peers.heard<Ack>(a).empty()) << "not before the server has it";
  const auto arrived = peers.event();
  ASSERT_TRUE(arrived && arrived->kind == Kind::arrived);
  EXPECT_EQ(arrived->order.id, id);
  EXPECT_EQ(arrived->norm, 3.0);
  EXPECT_THAT(arrived->gradient->values(), testing::ElementsAreArray(kGradient));
  EXPECT_EQ(peers.heard<Ack>(a).size(), 1u);
  EXPECT_EQ(peers.coordinator().in_flight(), 0u);
  EXPECT_FALSE(peers.event());
  peers.bring(a, kFirst, {id, 0}, kGradient);
  EXPECT_EQ(peers.heard<Ack>(a).size(), 1u) << "again";
  EXPECT_FALSE(peers.event());
  EXPECT_EQ(peers.coordinator().acknowledged_again(), 1u);
  EXPECT_TRUE(peers.accounts_hold());
}

TEST(WireCoordinator, AMismatchIsRefusedWithItsReason) {
  WirePeers peers({.most_workers = 1});
  Hello hello = peers.hello("a");
  hello.protocol = kProtocol + 1;
  EXPECT_EQ(refusal_of(peers, hello), Refusal::protocol);
  hello = peers.hello("a"), hello.identity.scenario = "another";
  EXPECT_EQ(refusal_of(peers, hello), Refusal::scenario);
  hello = peers.hello("a"), hello.identity.tensors = {1, 2};
  EXPECT_EQ(refusal_of(peers, hello), Refusal::layout);
  hello = peers.hello("a"), hello.identity.data = "";
  EXPECT_EQ(refusal_of(peers, hello), Refusal::data);
  EXPECT_EQ(refusal_of(peers, peers.hello("")), Refusal::name);
  hello = peers.hello("a"), hello.last.epoch = 1;
  EXPECT_EQ(refusal_of(peers, hello), Refusal::stale_epoch);
  EXPECT_TRUE(peers.coordinator().outdated());
  peers.join("a");
  EXPECT_EQ(refusal_of(peers, peers.hello("b")), Refusal::full);
  hello = peers.hello("a"), hello.greeting = 0;
  EXPECT_EQ(refusal_of(peers, hello), Refusal::stale_hello);
}

// What a worker says of its own data weighs what it brings, and sizes its orders.
TEST(WireCoordinator, CountsThatCannotBeAreRefused) {
  WirePeers peers({.own_data = true});
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  for (const double examples : {0.0, -1.0, not_a_number, std::numeric_limits<double>::infinity(), 0x1.1p40}) {
    Hello hello = peers.hello("a");
    hello.examples = examples;
    hello.steps_per_epoch = 1;
    EXPECT_EQ(refusal_of(peers, hello), Refusal::malformed) << examples;
  }
  for (const std::uint64_t steps : {std::uint64_t{0}, kMostStepsPerEpoch + 1, ~std::uint64_t{0}}) {
    Hello hello = peers.hello("a");
    hello.steps_per_epoch = steps;
    EXPECT_EQ(refusal_of(peers, hello), Refusal::malformed) << steps;
  }
  Hello hello = peers.hello("a");
  hello.examples = kMostExamples;
  hello.steps_per_epoch = kMostStepsPerEpoch;
  peers.say(peers.dial(), hello);
  EXPECT_EQ(peers.coordinator().examples(0), kMostExamples);
  EXPECT_EQ(peers.coordinator().steps_per_epoch(0), kMostStepsPerEpoch);
}

TEST(WireCoordinator, WhoReconnectsGoesOnAndNobodyIsTold) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  peers.settle();
  const OrderId first = peers.assign(0), second = peers.assign(0), third = peers.assign(0);
  EXPECT_EQ(peers.heard<Assign>(a).size(), 2u) << "no more than it prefetches";
  peers.coordinator().disconnected(a, peers.now());
  const ConnectionId b = peers.join("a", {{first, 0}});
  EXPECT_FALSE(peers.event());
  const auto welcome = peers.heard<Welcome>(b);
  ASSERT_EQ(welcome.size(), 1u);
  EXPECT_EQ(welcome[0].session, kSecond);
  EXPECT_EQ(welcome[0].goes_on, (std::vector<HeldOrder>{{first, 0}}));
  const auto again = peers.heard<Assign>(b);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].order.id, second);
  EXPECT_EQ(again[0].attempt, 1u);
  peers.bring(b, kSecond, {first, 0}, kGradient);
  ASSERT_TRUE(peers.event());
  EXPECT_EQ(peers.heard<Assign>(b).at(0).order.id, third);
  EXPECT_TRUE(peers.accounts_hold());
}

TEST(WireCoordinator, FromTheFirstThatItLacksAllGoOutAgainInTheirOrder) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  peers.settle();
  const OrderId first = peers.assign(0), second = peers.assign(0);
  const ConnectionId b = peers.join("a", {{second, 0}});
  EXPECT_TRUE(peers.closed(a)) << "the former connection was half open";
  EXPECT_EQ(peers.heard<Refused>(a).at(0).reason, Refusal::superseded);
  EXPECT_TRUE(peers.heard<Welcome>(b).at(0).goes_on.empty());
  const auto again = peers.heard<Assign>(b);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].order.id, first);
  EXPECT_EQ(again[1].order.id, second);
  EXPECT_EQ(peers.coordinator().counters(0).redelivered, 2u);
}

TEST(WireCoordinator, WhoIsHereKeepsTheNameFromAnotherProcess) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  Hello other = peers.hello("a");
  other.process = 2;
  const ConnectionId b = peers.dial();
  peers.say(b, other);
  EXPECT_EQ(peers.heard<Refused>(b).at(0).reason, Refusal::name_taken);
  EXPECT_FALSE(peers.closed(a));
  peers.coordinator().disconnected(a, peers.now());
  const ConnectionId c = peers.dial();
  peers.say(c, other);
  EXPECT_EQ(peers.heard<Welcome>(c).size(), 1u) << "the first has gone: this is the one that was started again";
}

TEST(WireCoordinator, AResultThatArrivedBeforeTheCutIsNotAppliedTwice) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  peers.settle();
  const OrderId id = peers.assign(0);
  peers.bring(a, kFirst, {id, 0}, kGradient);
  const ConnectionId b = peers.join("a", {{id, 0}});
  EXPECT_TRUE(peers.heard<Welcome>(b).at(0).goes_on.empty());
  peers.bring(b, kSecond, {id, 0}, kGradient);
  EXPECT_TRUE(peers.event());
  EXPECT_FALSE(peers.event());
  EXPECT_EQ(peers.heard<Ack>(b).size(), 1u);
  EXPECT_TRUE(peers.accounts_hold());
}

TEST(WireCoordinator, WhatIsWithdrawnOrOfSomebodyElseIsRefusedOnce) {
  WirePeers peers;
  const ConnectionId a = peers.join("a"), b = peers.join("b");
  peers.settle();
  const OrderId gone = peers.assign(0), other = peers.assign(1);
  std::vector<Order> cancelled;
  peers.coordinator().cancel(0, cancelled);
  EXPECT_EQ(ids(cancelled), std::vector<OrderId>{gone});
  peers.bring(a, kFirst, {gone, 0}, kGradient);
  EXPECT_EQ(peers.heard<Cancel>(a).at(0).up_to, gone);
  const auto refused = peers.heard<Refuse>(a);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].reason, Refusal::withdrawn);
  peers.bring(a, kFirst, {other, 0}, kGradient);
  EXPECT_EQ(peers.heard<Refuse>(a).at(0).reason, Refusal::unknown);
  peers.bring(a, kFirst, {12345, 0}, kGradient);
  EXPECT_EQ(peers.heard<Refuse>(a).at(0).reason, Refusal::unknown);
  EXPECT_FALSE(peers.event());
  EXPECT_EQ(peers.coordinator().refused(Refusal::unknown), 2u);
  peers.bring(b, {0, 1}, {other, 0}, kGradient);
  EXPECT_TRUE(peers.event());
  EXPECT_TRUE(peers.accounts_hold());
}

TEST(WireCoordinator, WhoBringsWhatCannotBeTakenIsAskedAgainThenPutAside) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  peers.settle();
  const OrderId id = peers.assign(0);
  peers.bring(a, kFirst, {id, 0}, kGradient, 99.0);
  EXPECT_EQ(peers.heard<Refuse>(a).at(0).reason, Refusal::norm);
  EXPECT_EQ(peers.heard<Assign>(a).back().attempt, 1u);
  GradientChunk early = {Cutter({id, 1}, test::floats(kGradient)).next(8)};
  early.offset = 4;
  peers.say(a, early);
  EXPECT_EQ(peers.heard<Refuse>(a).at(0).reason, Refusal::offset);
  EXPECT_FALSE(peers.event());
  early.attempt = 2, early.offset = 0, early.checksum ^= 1;
  peers.say(a, early);
  EXPECT_EQ(peers.heard<Refused>(a).at(0).reason, Refusal::put_aside);
  const auto lost = peers.event();
  ASSERT_TRUE(lost && lost->kind == Kind::lost);
  EXPECT_EQ(ids(lost->lost), std::vector<OrderId>{id});
  EXPECT_THAT(lost->reason, testing::HasSubstr("3 times, at last: a wrong checksum"));
  EXPECT_EQ(refusal_of(peers, peers.hello("a")), Refusal::put_aside);
  peers.coordinator().readmit();
  peers.join("a");
  EXPECT_EQ(peers.event()->kind, Kind::joined);
  EXPECT_TRUE(peers.accounts_hold());
}

TEST(WireCoordinator, WhatIsNotFiniteEndsItsOrderAtOnce) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  peers.settle();
  const OrderId id = peers.assign(0);
  peers.bring(a, kFirst, {id, 0}, {std::numeric_limits<float>::quiet_NaN(), 1.0f, 1.0f});
  const auto refused = peers.heard<Refuse>(a);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].reason, Refusal::not_finite);
  const auto arrived = peers.event();
  ASSERT_TRUE(arrived && arrived->kind == Kind::arrived);
  EXPECT_EQ(arrived->gradient, nullptr);
  EXPECT_TRUE(std::isnan(arrived->norm));
  EXPECT_EQ(peers.coordinator().counters().not_finite, 1u);
  EXPECT_EQ(peers.coordinator().uploads(), 0u);
}

TEST(WireCoordinator, AFailureLosesTheWorker) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  peers.settle();
  const OrderId id = peers.assign(0);
  peers.say(a, Result{.session = kFirst, .order = id, .failure = "no memory"});
  const auto lost = peers.event();
  ASSERT_TRUE(lost && lost->kind == Kind::lost);
  EXPECT_EQ(lost->reason, "no memory");
  EXPECT_EQ(lost->failed, OrderId{0});
  EXPECT_FALSE(lost->put_aside);
  EXPECT_EQ(ids(lost->lost), std::vector<OrderId>{id});
}

TEST(WireCoordinator, WhoSendsMoreThanThereIsRoomForIsCutOff) {
  WirePeers peers({.credits = 2, .most_uploads = 1});
  const ConnectionId a = peers.join("a"), b = peers.join("b");
  peers.settle();
  const OrderId first = peers.assign(0), second = peers.assign(1);
  Cutter one({first, 0}, test::floats(kGradient)), two({second, 0}, test::floats(kGradient));
  peers.say(a, GradientChunk{one.next(4)});
  EXPECT_EQ(peers.coordinator().uploads(), 1u);
  peers.say(b, GradientChunk{two.next(4)});
  peers.say(b, GradientChunk{two.next(4)});
  EXPECT_TRUE(peers.heard<Credit>(b).empty()) << "nothing was taken in: another has the only sink";
  peers.say(b, GradientChunk{two.next(4)});
  EXPECT_EQ(peers.heard<Refused>(b).at(0).reason, Refusal::no_credit);
  EXPECT_EQ(peers.coordinator().uploads(), 1u);
}

TEST(WireCoordinator, AWaitingUploadGoesOnWhenASinkIsFree) {
  WirePeers peers({.credits = 2, .most_uploads = 1});
  const ConnectionId a = peers.join("a"), b = peers.join("b");
  peers.settle();
  const OrderId first = peers.assign(0), second = peers.assign(1);
  peers.say(a, GradientChunk{Cutter({first, 0}, test::floats(kGradient)).next(8)});
  peers.bring(b, kFirst, {second, 0}, kGradient);
  EXPECT_FALSE(peers.event());
  peers.coordinator().disconnected(a, peers.now());
  const auto arrived = peers.event();
  ASSERT_TRUE(arrived && arrived->kind == Kind::arrived);
  EXPECT_EQ(arrived->order.id, second);
}

TEST(WireCoordinator, SilenceIsALossAndOneLossOnly) {
  WirePeers peers({.heartbeat = from_seconds(1.0), .lost_after = 5});
  const ConnectionId a = peers.join("a");
  peers.settle();
  const OrderId id = peers.assign(0);
  for (int i = 0; i < 20; ++i) peers.pass(1.0), peers.say(a, Heartbeat{});
  EXPECT_EQ(peers.heard<Heartbeat>(a).size(), 20u) << "each is answered";
  peers.pass(4.5);
  EXPECT_FALSE(peers.event());
  peers.pass(0.5);
  const auto lost = peers.event();
  ASSERT_TRUE(lost && lost->kind == Kind::lost);
  EXPECT_EQ(ids(lost->lost), std::vector<OrderId>{id});
  EXPECT_TRUE(peers.closed(a));
  peers.pass(100.0);
  EXPECT_FALSE(peers.event());
  const ConnectionId b = peers.join("a", {{id, 0}});
  EXPECT_EQ(peers.event()->kind, Kind::joined);
  EXPECT_TRUE(peers.heard<Welcome>(b).at(0).goes_on.empty());
  peers.bring(b, kSecond, {id, 0}, kGradient);
  EXPECT_EQ(peers.heard<Refuse>(b).at(0).reason, Refusal::withdrawn);
  EXPECT_FALSE(peers.event());
  EXPECT_TRUE(peers.accounts_hold());
}

// Its orders take two seconds: after six it is given up, long before its silence would tell.
TEST(WireCoordinator, WhoseConnectionIsClosedIsLostAfterThreeOfItsOrders) {
  WirePeers peers({.heartbeat = from_seconds(1.0), .lost_after = 50});
  const ConnectionId a = peers.join("a");
  peers.settle();
  for (int i = 0; i < 3; ++i) {
    const OrderId id = peers.assign(0);
    peers.pass(2.0);
    peers.bring(a, kFirst, {id, 0}, kGradient);
    peers.settle();
  }
  const OrderId id = peers.assign(0);
  peers.coordinator().disconnected(a, peers.now());
  peers.pass(4.0);
  const ConnectionId b = peers.join("a", {{id, 0}});
  EXPECT_EQ(peers.heard<Welcome>(b).at(0).goes_on.size(), 1u) << "it came back in time";
  EXPECT_FALSE(peers.event());
  peers.coordinator().disconnected(b, peers.now());
  peers.pass(5.5);
  EXPECT_FALSE(peers.event());
  peers.pass(0.5);
  const auto lost = peers.event();
  ASSERT_TRUE(lost && lost->kind == Kind::lost);
  EXPECT_EQ(ids(lost->lost), std::vector<OrderId>{id});
  EXPECT_TRUE(peers.accounts_hold());
}

TEST(WireCoordinator, AJumpOfTheClockLosesNobodyAndHangsNothing) {
  WirePeers peers({.heartbeat = from_seconds(1.0), .lost_after = 5});
  peers.join("a");
  peers.settle();
  peers.jump(36000.0);
  EXPECT_FALSE(peers.event());
  peers.jump(-72000.0);
  peers.pass(3.5);
  EXPECT_FALSE(peers.event());
  peers.pass(2.0);
  ASSERT_TRUE(peers.event()) << "and what is silent is still found";
}

TEST(WireCoordinator, WhoSaysNothingAtAllIsCutOff) {
  WirePeers peers({.heartbeat = from_seconds(1.0)});
  const ConnectionId a = peers.dial();
  peers.pass(4.5);
  EXPECT_FALSE(peers.closed(a));
  peers.pass(1.0);
  EXPECT_EQ(peers.heard<Refused>(a).at(0).reason, Refusal::timeout);
  EXPECT_TRUE(peers.closed(a));
}

TEST(WireCoordinator, WhoDrainsBringsWhatItHasAndLeaves) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  peers.settle();
  const OrderId id = peers.assign(0);
  peers.say(a, Drain{});
  const OrderId never = peers.assign(0);
  EXPECT_EQ(peers.heard<Assign>(a).size(), 1u);
  peers.bring(a, kFirst, {id, 0}, kGradient);
  EXPECT_EQ(peers.event()->order.id, id);
  EXPECT_EQ(peers.heard<Goodbye>(a).size(), 1u);
  const auto lost = peers.event();
  ASSERT_TRUE(lost && lost->kind == Kind::lost);
  EXPECT_EQ(lost->reason, "left");
  EXPECT_EQ(ids(lost->lost), std::vector<OrderId>{never});
}

TEST(WireCoordinator, PutAsideIsTheNextEvent) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  peers.join("b");
  peers.settle();
  const OrderId id = peers.assign(0), other = peers.assign(1);
  peers.bring(2, kFirst, {other, 0}, kGradient);
  peers.bring(a, kFirst, {id, 0}, kGradient);
  peers.coordinator().put_aside(0, "too slow");
  const auto lost = peers.event();
  ASSERT_TRUE(lost && lost->kind == Kind::lost);
  EXPECT_TRUE(lost->put_aside);
  EXPECT_EQ(lost->reason, "too slow");
  EXPECT_EQ(ids(lost->lost), std::vector<OrderId>{id}) << "what had arrived was not taken";
  EXPECT_EQ(peers.event()->order.id, other);
  EXPECT_FALSE(peers.event());
  EXPECT_EQ(peers.coordinator().uploads(), 0u);
}

TEST(WireCoordinator, ARestartGoesOnFromWhatTheServerHadSeen) {
  WirePeers peers;
  const ConnectionId a = peers.join("a");
  peers.join("b");
  peers.settle();
  const OrderId first = peers.assign(0), second = peers.assign(0), other = peers.assign(1);
  peers.bring(a, kFirst, {first, 0}, kGradient);  // not taken: not in the state
  StateWriter writer;
  peers.coordinator().serialize(writer);
  const SavedState state = writer.take();
  peers.settle();
  const OrderId forgotten = peers.assign(0);

  peers.restart();
  StateReader reader(state);
  peers.coordinator().serialize(reader);
  reader.finish();
  EXPECT_TRUE(peers.coordinator().present(0) && peers.coordinator().present(1));
  EXPECT_EQ(peers.coordinator().in_flight(), 3u);
  const ConnectionId b = peers.join("a", {{second, 0}, {forgotten, 0}});
  EXPECT_FALSE(peers.event()) << "it is waited for as a silent one";
  const auto welcome = peers.heard<Welcome>(b);
  ASSERT_EQ(welcome.size(), 1u);
  EXPECT_EQ(welcome[0].session, (Session{1, 2}));
  EXPECT_EQ(peers.heard<Assign>(b).at(0).order.id, first) << "its result was not saved";
  peers.bring(b, {1, 2}, {forgotten, 0}, kGradient);
  EXPECT_EQ(peers.heard<Refuse>(b).at(0).reason, Refusal::withdrawn);
  EXPECT_EQ(peers.assign(0), OrderId{1} << 40) << "no number is given twice";
  peers.pass(100.0);
  std::vector<OrderId> lost;
  while (auto event = peers.event())
    for (const Order& order : event->lost) lost.push_back(order.id);
  EXPECT_THAT(lost, testing::Contains(other));
  EXPECT_TRUE(peers.accounts_hold());
}

TEST(WireCoordinator, AStateOfALaterEpochIsNotLoaded) {
  WirePeers peers;
  StateWriter writer;
  peers.coordinator().serialize(writer);
  const SavedState state = writer.take();
  WirePeers again;
  StateReader reader(state);
  EXPECT_THROW(again.coordinator().serialize(reader), Error);
}

}  // namespace
}  // namespace tardigrad::wire
