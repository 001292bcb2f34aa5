// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compression/sparse.hpp"
#include "engines/wire/worker_session.hpp"
#include "support/wire_examples.hpp"

namespace tardigrad::wire {
namespace {

class Worker {
 public:
  explicit Worker(SessionOptions options = {}) : session(prepared(std::move(options))) {}
  void pass(double seconds) {
    for (const Time end = now + from_seconds(seconds); now < end;) {
      now = std::min(end, now + session.tick_every());
      session.tick(now);
    }
  }
  /// Until it connects; then it is welcomed.
  void join(Session given, std::vector<HeldOrder> goes_on = {}, std::vector<HeldOrder> arrived = {},
            std::optional<OrderId> taken = {}) {
    ConnectionId connection = 0;
    while (connection == 0 && !session.ended()) {
      pass(0.05);
      for (const Connect& connect : take<Connect>()) connection = connect.connection;
    }
    at = connection;
    session.connected(at, now);
    hear(Welcome{.session = given,
                 .worker = 0,
                 .heartbeat = from_seconds(1.0),
                 .lost_after = 5,
                 .credits = 2,
                 .chunk_bytes = 4,
                 .goes_on = std::move(goes_on),
                 .arrived = std::move(arrived),
                 .taken = taken});
  }
  void hear(Message message) { session.received(at, std::move(message), now); }
  void order(OrderId id, Session given) {
    const HeldOrder held{id, 0};
    hear(Assign{.session = given, .attempt = 0, .order = {.id = id}, .bytes = 12});
    for (Cutter cutter(held, test::floats({1.0f, 2.0f, 3.0f})); !cutter.done();) hear(ParameterChunk{cutter.next(8)});
  }
  void computed(OrderId id) {
    session.computed({id, 0}, {.gradient = test::floats({2.0f, 1.0f, 2.0f}), .norm = 3.0}, now);
  }
  /// Actions of one kind since they were asked for last; others are kept.
  template <class T>
  std::vector<T> take() {
    for (WorkerAction& action : session.take_actions()) actions.push_back(std::move(action));
    std::vector<T> found;
    std::erase_if(actions, [&](WorkerAction& action) {
      if (!std::holds_alternative<T>(action)) return false;
      found.push_back(std::move(std::get<T>(action)));
      return true;
    });
    return found;
  }
  template <class T>
  std::vector<T> said() {
    for (SendUp& send : take<SendUp>()) messages.push_back(std::move(send.message));
    std::vector<T> found;
    std::erase_if(messages, [&](const Message& message) {
      if (!std::holds_alternative<T>(message)) return false;
      found.push_back(std::get<T>(message));
      return true;
    });
    return found;
  }

  Time now{};
  WorkerSession session;
  ConnectionId at = 0;
  std::vector<WorkerAction> actions;
  std::vector<Message> messages;

 private:
  static SessionOptions prepared(SessionOptions options) {
    options.identity = {"s", {2, 1}, ""};
    options.name = "a";
    return options;
  }
};

TEST(WireSession, ComputesAnOrderAndKeepsTheResultUntilItIsTaken) {
  Worker worker;
  worker.join({0, 1});
  worker.order(7, {0, 1});
  auto compute = worker.take<Compute>();
  ASSERT_EQ(compute.size(), 1u);
  EXPECT_THAT(compute[0].parameters->values(), testing::ElementsAre(1.0f, 2.0f, 3.0f));
  worker.computed(7);
  EXPECT_EQ(worker.said<GradientChunk>().size(), 2u) << "as many as there is room for";
  EXPECT_TRUE(worker.said<Result>().empty());
  worker.hear(Credit{1});
  EXPECT_EQ(worker.said<GradientChunk>().size(), 1u);
  const auto result = worker.said<Result>();
  ASSERT_EQ(result.size(), 1u);
  EXPECT_EQ(result[0].order, 7u);
  EXPECT_EQ(result[0].norm, 3.0);
  EXPECT_EQ(worker.session.held(), 1u);
  worker.hear(Ack{7});
  EXPECT_EQ(worker.session.held(), 0u);
}

TEST(WireSession, AfterACutItBringsFromTheStartWhatGoesOnAndForgetsTheRest) {
  Worker worker;
  worker.join({0, 1});
  worker.order(7, {0, 1});
  worker.order(8, {0, 1});
  worker.computed(7);
  worker.hear(Assign{.session = {0, 1}, .attempt = 0, .order = {.id = 9}, .bytes = 12});
  EXPECT_EQ(worker.take<Compute>().size(), 2u);
  worker.said<GradientChunk>();
  worker.session.disconnected(worker.at, worker.now);
  EXPECT_EQ(worker.session.held(), 2u) << "what had not arrived whole is gone";
  worker.messages.clear();
  worker.join({0, 2}, {{7, 0}});
  const auto hello = worker.said<Hello>();
  ASSERT_EQ(hello.size(), 1u);
  EXPECT_EQ(hello[0].holds, (std::vector<HeldOrder>{{7, 0}, {8, 0}}));
  EXPECT_EQ(hello[0].last, (Session{0, 1}));
  EXPECT_EQ(hello[0].greeting, 1u);
  EXPECT_EQ(worker.take<GiveUp>().size(), 1u) << "8";
  EXPECT_EQ(worker.said<GradientChunk>().at(0).offset, 0u);
  worker.hear(Credit{4});
  EXPECT_EQ(worker.said<Result>().at(0).session, (Session{0, 2}));
}

TEST(WireSession, CancelledAndRefusedOrdersAreForgotten) {
  Worker worker;
  worker.join({0, 1});
  worker.order(7, {0, 1});
  worker.order(8, {0, 1});
  worker.take<Compute>();
  worker.hear(Cancel{7});
  EXPECT_EQ(worker.take<GiveUp>().at(0).held.order, 7u);
  EXPECT_EQ(worker.take<Compute>().at(0).held.order, 8u);
  worker.computed(7);
  EXPECT_TRUE(worker.said<GradientChunk>().empty()) << "nobody waits for it";
  worker.hear(Refuse{8, 1, Refusal::withdrawn});
  EXPECT_EQ(worker.session.held(), 1u) << "another attempt";
  worker.hear(Refuse{8, 0, Refusal::withdrawn});
  EXPECT_EQ(worker.session.held(), 0u);
}

// Of (2, 1, 2) one number is sent at a time. The norm says which: it is that of what is sent.
TEST(WireSession, WhatWasLeftOutOfWhatWasTakenBelongsToTheNext) {
  Worker worker({.compression = {.gradients = compression::make_top_k(0.33)}});
  const auto norm_of = [&](OrderId id) {
    worker.order(id, worker.session.session());
    worker.computed(id);
    worker.hear(Credit{2});
    const auto results = worker.said<Result>();
    return results.empty() ? -1.0 : results.back().norm;
  };
  worker.join({0, 1});
  EXPECT_EQ(norm_of(7), 2.0);  // (2, 0, 0), and (0, 1, 2) is left
  EXPECT_EQ(norm_of(8), 4.0);  // (2, 2, 4), as 7 will be taken
  worker.hear(Ack{7});
  worker.hear(Cancel{8});
  EXPECT_EQ(norm_of(9), 4.0) << "8 was not taken: what it left out is forgotten, and what 7 left out is not";
  worker.hear(Ack{9});
  EXPECT_EQ(norm_of(10), 4.0);  // (4, 3, 2)
  worker.session.disconnected(worker.at, worker.now);
  worker.join({0, 2}, {});  // nothing was taken in this stay
  EXPECT_EQ(norm_of(11), 2.0);
}

TEST(WireSession, AWelcomeSaysWhatWasTaken) {
  Worker worker({.compression = {.gradients = compression::make_top_k(0.33)}});
  worker.join({0, 1});
  worker.order(7, {0, 1});
  worker.computed(7);
  worker.order(8, {0, 1});
  worker.computed(8);
  EXPECT_EQ(worker.session.held(), 2u);
  worker.session.disconnected(worker.at, worker.now);
  worker.said<Result>();
  worker.join({0, 2}, {}, {{8, 0}}, 7);
  EXPECT_EQ(worker.session.held(), 1u) << "8 will be acknowledged";
  EXPECT_TRUE(worker.said<Result>().empty()) << "and is not sent again";
  worker.hear(Ack{8});
  worker.session.disconnected(worker.at, worker.now);
  worker.messages.clear();
  worker.join({0, 3}, {}, {}, 8);
  EXPECT_EQ(worker.said<Hello>().at(0).acknowledged, 8u);
}

TEST(WireSession, WhatIsNotFiniteIsNotSent) {
  Worker worker;
  worker.join({0, 1});
  worker.order(7, {0, 1});
  worker.session.computed({7, 0}, {.gradient = test::floats({1.0f, 2.0f, 3.0f}), .norm = NAN}, worker.now);
  EXPECT_TRUE(worker.said<GradientChunk>().empty());
  EXPECT_TRUE(std::isnan(worker.said<Result>().at(0).norm));
}

TEST(WireSession, DifferencesAreFromWhatItHas) {
  Worker worker;
  worker.join({0, 1});
  std::vector<std::byte> entry;
  compression::append_entry(entry, 1, 5.0f);
  const auto differ = [&](OrderId id, OrderId base) {
    worker.hear(
        Assign{.session = {0, 1}, .order = {.id = id}, .bytes = entry.size(), .form = Form::differences, .base = base});
    for (Cutter cutter({id, 0}, Payload(entry)); !cutter.done();) worker.hear(ParameterChunk{cutter.next(8)});
  };
  worker.order(7, {0, 1});
  worker.take<Compute>();
  differ(8, 7);
  worker.computed(7);
  const auto compute = worker.take<Compute>();
  ASSERT_EQ(compute.size(), 1u);
  EXPECT_THAT(compute[0].parameters->values(), testing::ElementsAre(1.0f, 5.0f, 3.0f));
  differ(9, 7);
  EXPECT_EQ(worker.take<Disconnect>().size(), 1u) << "its base is that of 8 by now";
}

TEST(WireSession, ConnectsForEverWithGrowingPauses) {
  Worker worker({.least_wait = from_seconds(0.1), .longest_wait = from_seconds(2.0)});
  std::vector<double> pauses;
  double last = 0.0;
  while (pauses.size() < 12) {
    worker.pass(0.01);
    for (const Connect& connect : worker.take<Connect>()) {
      pauses.push_back(to_seconds(worker.now) - last);
      worker.session.disconnected(connect.connection, worker.now);
      last = to_seconds(worker.now);
    }
  }
  for (std::size_t i = 1; i < pauses.size(); ++i) {
    const double most = std::min(0.1 * (1 << (i - 1)), 2.0);
    EXPECT_GE(pauses[i], most / 2);
    EXPECT_LE(pauses[i], most + 0.02);
  }
}

TEST(WireSession, ASilentCoordinatorIsLeft) {
  Worker worker;
  worker.join({0, 1});
  worker.pass(4.0);
  EXPECT_EQ(worker.said<Heartbeat>().size(), 4u);
  EXPECT_TRUE(worker.session.joined());
  worker.pass(2.0);
  EXPECT_EQ(worker.take<Disconnect>().size(), 1u);
  EXPECT_FALSE(worker.session.joined());
  worker.join({0, 2});
  worker.now += std::chrono::hours(5);
  worker.session.tick(worker.now);
  worker.now -= std::chrono::hours(9);
  worker.session.tick(worker.now);
  EXPECT_TRUE(worker.session.joined()) << "a clock that jumps is no silence";
}

TEST(WireSession, RefusalsThatTimeDoesNotMendEndIt) {
  for (const Refusal reason : {Refusal::protocol, Refusal::scenario, Refusal::layout, Refusal::data, Refusal::name}) {
    Worker worker;
    worker.join({0, 1});
    worker.hear(Refused{reason, "see there"});
    const auto ended = worker.take<Ended>();
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_TRUE(ended[0].by_fault);
    EXPECT_EQ(ended[0].text, std::string(describe(reason)) + ": see there");
  }
  Worker worker;
  worker.join({0, 1});
  worker.hear(Refused{Refusal::put_aside, ""});
  EXPECT_FALSE(worker.session.ended()) << "it may be readmitted";
}

TEST(WireSession, ForRoomOrItsNameItAsksEveryFewSeconds) {
  for (const Refusal reason : {Refusal::full, Refusal::name_taken}) {
    Worker worker;
    worker.join({0, 1});
    for (int i = 0; i < 20; ++i) {
      worker.hear(Refused{reason, ""});
      ASSERT_FALSE(worker.session.ended());
      const Time before = worker.now;
      while (worker.take<Connect>().empty()) worker.pass(0.05);
      EXPECT_LE(worker.now - before, kLongestWaitForRoom + from_seconds(0.1)) << i;
      worker.session.connected(worker.at = static_cast<ConnectionId>(i + 2), worker.now);
    }
  }
}

TEST(WireSession, AnEarlierCoordinatorIsNotBelieved) {
  Worker worker;
  worker.join({2, 1});
  worker.session.disconnected(worker.at, worker.now);
  worker.join({1, 9});
  EXPECT_FALSE(worker.session.joined());
  worker.join({3, 1});
  EXPECT_TRUE(worker.session.joined());
}

TEST(WireSession, DrainsAndEnds) {
  Worker worker;
  worker.join({0, 1});
  worker.order(7, {0, 1});
  worker.take<Compute>();
  worker.session.drain(worker.now);
  EXPECT_EQ(worker.said<Drain>().size(), 1u);
  EXPECT_FALSE(worker.session.ended());
  worker.computed(7);
  worker.hear(Credit{4});
  worker.hear(Ack{7});
  EXPECT_TRUE(worker.session.ended());
  EXPECT_FALSE(worker.take<Ended>().at(0).by_fault);
}

TEST(WireSession, ACoordinatorThatStopsForNowIsLookedForAndBroughtWhatWasComputed) {
  Worker worker;
  worker.join({0, 1});
  worker.order(7, {0, 1});
  worker.take<Compute>();
  worker.hear(Goodbye{.text = "stops\nfor now", .for_now = true});
  EXPECT_FALSE(worker.session.joined());
  EXPECT_EQ(worker.session.sent_away(), "stops for now");
  worker.computed(7);
  worker.join({1, 1}, {{7, 0}});
  EXPECT_EQ(worker.session.sent_away(), "");
  worker.hear(Credit{4});
  EXPECT_EQ(worker.said<Result>().size(), 1u);
  worker.session.disconnected(worker.at, worker.now);
  worker.take<Connect>();
  worker.pass(1.0);
  const auto connect = worker.take<Connect>();
  ASSERT_EQ(connect.size(), 1u);
  worker.session.connected(connect[0].connection, worker.now);
  worker.at = connect[0].connection;
  worker.hear(Goodbye{.text = "it is over"});
  EXPECT_TRUE(worker.session.ended());
  EXPECT_FALSE(worker.take<Ended>().at(0).by_fault);
}

TEST(WireSession, WhoIsToLeaveWaitsForNoCoordinatorThatHasStopped) {
  for (const bool drains_first : {true, false}) {
    Worker worker;
    worker.join({0, 1});
    worker.order(7, {0, 1});
    if (drains_first) worker.session.drain(worker.now);
    worker.hear(Goodbye{.text = "stops", .for_now = true});
    EXPECT_EQ(worker.session.ended(), drains_first);
    worker.session.drain(worker.now);
    EXPECT_TRUE(worker.session.ended());
    EXPECT_EQ(worker.take<Ended>().at(0).text, "stops");
    EXPECT_EQ(worker.take<GiveUp>().size(), 1u);
  }
}

TEST(WireSession, AFailureIsTold) {
  Worker worker;
  worker.join({0, 1});
  worker.order(7, {0, 1});
  worker.take<Compute>();
  worker.session.computed({7, 0}, {.failure = "bad\nluck"}, worker.now);
  EXPECT_EQ(worker.said<Result>().at(0).failure, "bad luck");
}

}  // namespace
}  // namespace tardigrad::wire
