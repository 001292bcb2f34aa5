// SPDX-License-Identifier: Apache-2.0
// The runtime with workers elsewhere, over real sockets of this machine, with workers that do what they must not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <limits>
#include <mutex>

#include "engines/grpc/transport.hpp"
#include "engines/network/framing.hpp"
#include "engines/network/network_runtime.hpp"
#include "support/fake_world.hpp"
#include "support/wire_examples.hpp"

namespace tardigrad::network {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using wire::Message;

std::vector<std::byte> bytes_of(Batch& batch) {
  std::vector<std::byte> bytes;
  for (const Batch::Piece& piece : batch.take()) {
    bytes.insert(bytes.end(), piece.head.begin(), piece.head.end());
    bytes.insert(bytes.end(), piece.body.view().begin(), piece.body.view().end());
  }
  return bytes;
}

TEST(Framing, BringsEveryMessageInItsOrder) {
  Batch batch;
  std::size_t sent = 0;
  for (const Message& message : test::wire_examples()) {
    batch.add(message);
    ++sent;
  }
  const std::size_t size = batch.size();
  const std::vector<std::byte> bytes = bytes_of(batch);
  EXPECT_EQ(bytes.size(), size);
  EXPECT_TRUE(batch.empty());
  std::vector<std::size_t> kinds;
  EXPECT_STREQ(split(bytes, nullptr, [&](Message message) { kinds.push_back(message.index()); }), "");
  ASSERT_EQ(kinds.size(), sent);
  for (std::size_t i = 0; i < sent; ++i) EXPECT_EQ(kinds[i], test::wire_examples()[i].index());
}

// So that they can be read in place.
TEST(Framing, BytesOfChunksBeginAtMultiplesOf16) {
  for (const std::size_t before : {0u, 1u, 2u, 3u}) {
    Batch batch;
    for (std::size_t i = 0; i < before; ++i) batch.add(wire::Goodbye{std::string(i + 1, 'x')});
    batch.add(wire::ParameterChunk{{.bytes = wire::Payload(std::vector<std::byte>(8192))}});
    const std::vector<std::byte> bytes = bytes_of(batch);
    const std::shared_ptr<const void> owner = std::make_shared<int>();
    split(bytes, owner, [&](const Message& message) {
      if (const auto* chunk = std::get_if<wire::ParameterChunk>(&message)) {
        EXPECT_EQ((chunk->bytes.view().data() - bytes.data()) % 16, 0) << before;
      }
    });
  }
}

TEST(Framing, WhatIsNoBatchIsRefused) {
  Batch batch;
  batch.add(wire::Ack{7});
  const std::vector<std::byte> bytes = bytes_of(batch);
  const auto problem = [](std::span<const std::byte> some) {
    return std::string(split(some, nullptr, [](const Message&) {}));
  };
  EXPECT_EQ(problem(bytes), "");
  EXPECT_EQ(problem({}), "a batch without a message");
  for (std::size_t length = 1; length < bytes.size(); ++length)
    EXPECT_EQ(problem(std::span(bytes).first(length)), "a batch ends too early") << length;
  std::vector<std::byte> padded = bytes;
  padded[4] = std::byte{16};
  EXPECT_EQ(problem(padded), "a batch ends too early");
  padded[4] = std::byte{1};
  EXPECT_NE(problem(padded), "");
}

/// A worker of whom nobody knows what it will say.
class Peer final : ClientEvents {
 public:
  explicit Peer(const std::string& address) : client_(grpc::transport().dial({.address = address}, *this)) {
    client_->connect(1);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return connected_; });
  }
  void say(const std::vector<Message>& messages) { client_->send(1, messages); }
  /// Waits for a message of a kind.
  template <class Kind>
  Kind hear() {
    std::unique_lock lock(mutex_);
    for (;;) {
      for (auto message = heard_.begin(); message != heard_.end(); ++message) {
        if (auto* found = std::get_if<Kind>(&*message)) {
          Kind kind = std::move(*found);
          heard_.erase(message);
          return kind;
        }
      }
      if (!changed_.wait_for(lock, std::chrono::seconds(20), [&] { return news_; })) {
        ADD_FAILURE() << "it is not told";
        return {};
      }
      news_ = false;
    }
  }
  /// Says hello; returns its session.
  wire::Session join(const std::string& name, std::uint64_t dimension = 2) {
    say({wire::Hello{
        .identity = {.scenario = "s", .tensors = {dimension}, .data = "d"}, .name = name, .process = 1, .credits = 4}});
    return session_ = hear<wire::Welcome>().session;
  }
  /// Brings a gradient for an order, and says that it has this norm.
  void bring(const wire::Assign& order, const std::vector<float>& gradient, double norm) {
    std::vector<std::byte> bytes(4 * gradient.size());
    std::memcpy(bytes.data(), gradient.data(), bytes.size());
    wire::Cutter cutter({order.order.id, order.attempt}, wire::Payload(std::move(bytes)));
    say({wire::GradientChunk{cutter.next(wire::kMostChunk)},
         wire::Result{.session = session_, .order = order.order.id, .attempt = order.attempt, .norm = norm}});
  }

 private:
  void connected(ConnectionId) override {
    const std::scoped_lock lock(mutex_);
    connected_ = true;
    changed_.notify_all();
  }
  void received(ConnectionId, Message message) override {
    const std::scoped_lock lock(mutex_);
    heard_.push_back(std::move(message));
    news_ = true;
    changed_.notify_all();
  }
  void malformed(ConnectionId, const char* problem) override { ADD_FAILURE() << problem; }
  void disconnected(ConnectionId, const std::string&) override {}

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Message> heard_;
  bool connected_ = false, news_ = false;
  wire::Session session_;
  std::unique_ptr<Client> client_;  // last: its threads use the others
};

class Served : public testing::Test {
 protected:
  Served()
      : options_({.address = "127.0.0.1:0",
                  .offer = "what it computes",
                  .scenario_hash = "s",
                  .data_hash = "d",
                  .epoch = 1,
                  .on_listening = [this](const std::string& address) { address_ = address; },
                  .on_event = [this](const ServeEvent& event) { said_.push_back(in_words(event)); },
                  .monitor = &monitor_}),
        runtime_(grpc::transport(), problem_, buffers_,
                 {.workers = 2, .at_start = 1, .heartbeat = from_seconds(1.0), .serve = &options_}) {
    monitor_.set_sink([this](const ServeEvent& event) {
      const std::scoped_lock lock(reported_mutex_);
      reported_.push_back(std::string(name_of(event.kind)) + ' ' + event.worker);
    });
    runtime_.next(Time{1});
    Buffer ones = buffers_.take();
    std::ranges::fill(ones.view(), 1.0f);
    x_ = {.version = 0, .params = std::make_shared<const Buffer>(std::move(ones))};
  }
  std::optional<Event> next() {
    for (int i = 0; i < 1000; ++i)
      if (std::optional<Event> event = runtime_.next(from_seconds(1000.0))) return event;
    return std::nullopt;
  }
  /// A worker that has joined.
  std::unique_ptr<Peer> joined(const std::string& name) {
    auto peer = std::make_unique<Peer>(address_);
    peer->join(name);
    const std::optional<Event> event = next();
    EXPECT_TRUE(event && event->kind == Event::Kind::worker_joined);
    return peer;
  }

  std::mutex reported_mutex_;
  std::vector<std::string> reported_, said_;
  Monitor monitor_;
  std::string address_;
  test::Bowl problem_{{}};
  BufferPool buffers_{2};
  ServeOptions options_;
  NetworkRuntime runtime_;
  Snapshot x_;
};

TEST_F(Served, AnOrderGoesThereAndBack) {
  const auto anna = joined("anna");
  const OrderId given = runtime_.assign(0, x_, {});
  const auto order = anna->hear<wire::Assign>();
  anna->bring(order, {3.0f, 4.0f}, 5.0);
  const std::optional<Event> event = next();
  ASSERT_TRUE(event && event->kind == Event::Kind::gradient_arrived);
  EXPECT_EQ(event->order.id, given);
  EXPECT_THAT(event->gradient->values(), ElementsAre(3.0f, 4.0f));
  EXPECT_THAT(event->gradient->point(), ElementsAre(1.0f, 1.0f));
  EXPECT_EQ(event->gradient->norm(), 5.0);
  EXPECT_EQ(runtime_.in_flight(), 0u);
}

TEST_F(Served, NaNIsAnArrivalWithoutValues) {
  const auto anna = joined("anna");
  runtime_.assign(0, x_, {});
  anna->bring(anna->hear<wire::Assign>(), {1.0f, std::numeric_limits<float>::quiet_NaN()}, 1.0);
  const std::optional<Event> event = next();
  ASSERT_TRUE(event && event->kind == Event::Kind::gradient_arrived);
  EXPECT_TRUE(std::isnan(event->gradient->norm()));
}

// Claimed smaller, it would not be clipped.
TEST_F(Served, WhoLiesAboutNormsIsPutAside) {
  const auto anna = joined("anna");
  const OrderId given = runtime_.assign(0, x_, {});
  for (int i = 0; i < 3; ++i) anna->bring(anna->hear<wire::Assign>(), {3e6f, 4e6f}, 1.0);
  const std::optional<Event> event = next();
  ASSERT_TRUE(event && event->kind == Event::Kind::worker_lost);
  EXPECT_THAT(std::string(event->reason), HasSubstr("another norm than it claims"));
  ASSERT_EQ(event->lost.size(), 1u);
  EXPECT_EQ(event->lost[0].id, given);
  EXPECT_EQ(anna->hear<wire::Refused>().reason, wire::Refusal::put_aside);
  EXPECT_THAT(said_,
              ElementsAre("worker 0 (anna) has joined, with 1 examples",
                          testing::MatchesRegex("worker 0 \\(anna\\) is lost: .*another norm than it claims.*")));
}

TEST_F(Served, TooManyNumbersAreRefused) {
  const auto anna = joined("anna");
  runtime_.assign(0, x_, {});
  const auto order = anna->hear<wire::Assign>();
  anna->bring(order, {1.0f, 2.0f, 3.0f}, std::sqrt(14.0));
  EXPECT_EQ(anna->hear<wire::Refuse>().reason, wire::Refusal::length);
  anna->bring(anna->hear<wire::Assign>(), {3.0f, 4.0f}, 5.0);  // it is asked again
  const std::optional<Event> event = next();
  ASSERT_TRUE(event && event->kind == Event::Kind::gradient_arrived);
}

TEST_F(Served, AResultThatComesAgainCountsOnce) {
  const auto anna = joined("anna");
  runtime_.assign(0, x_, {});
  const auto order = anna->hear<wire::Assign>();
  anna->bring(order, {3.0f, 4.0f}, 5.0);
  ASSERT_TRUE(next());
  runtime_.assign(0, x_, {});
  anna->hear<wire::Ack>();
  anna->bring(order, {30.0f, 40.0f}, 50.0);
  EXPECT_EQ(anna->hear<wire::Ack>().order, order.order.id);  // again, and nothing else
  anna->bring(anna->hear<wire::Assign>(), {5.0f, 12.0f}, 13.0);
  const std::optional<Event> event = next();
  ASSERT_TRUE(event && event->kind == Event::Kind::gradient_arrived);
  EXPECT_EQ(event->gradient->norm(), 13.0);
}

// Of another worker's order, and of one that there never was.
TEST_F(Served, ResultsOfOthersOrdersAreRefused) {
  const auto anna = joined("anna"), ben = joined("ben");
  runtime_.assign(0, x_, {});
  auto order = anna->hear<wire::Assign>();
  ben->bring(order, {1e9f, 1e9f}, std::sqrt(2e18));
  EXPECT_EQ(ben->hear<wire::Refuse>().reason, wire::Refusal::unknown);
  order.order.id += 1000;
  ben->bring(order, {1e9f, 1e9f}, std::sqrt(2e18));
  EXPECT_EQ(ben->hear<wire::Refuse>().reason, wire::Refusal::unknown);
  EXPECT_EQ(runtime_.in_flight(), 1u);
}

// Nothing of it is kept; it counts as one offence.
TEST_F(Served, AFloodOfChunksIsNothing) {
  const auto anna = joined("anna");
  runtime_.assign(0, x_, {});
  const auto order = anna->hear<wire::Assign>();
  std::vector<Message> flood;
  for (int i = 0; i < 100; ++i)
    flood.emplace_back(wire::GradientChunk{{.order = order.order.id,
                                            .attempt = order.attempt,
                                            .offset = 4096,
                                            .bytes = wire::Payload(std::vector<std::byte>(4))}});
  anna->say(flood);
  EXPECT_EQ(anna->hear<wire::Refuse>().reason, wire::Refusal::offset);
  anna->bring(anna->hear<wire::Assign>(), {3.0f, 4.0f}, 5.0);
  const std::optional<Event> event = next();
  ASSERT_TRUE(event && event->kind == Event::Kind::gradient_arrived);
  EXPECT_EQ(buffers_.in_use(), 2u);  // x, and what has arrived
}

TEST_F(Served, AnotherLayoutIsRefusedWithTheReason) {
  Peer anna(address_);
  anna.say({wire::Hello{.identity = {.scenario = "s", .tensors = {3}, .data = "d"}, .name = "anna", .credits = 1}});
  EXPECT_EQ(anna.hear<wire::Refused>().reason, wire::Refusal::layout);
}

// Where each has data of its own, it says how much.
TEST(Network, OwnDataAreWhatAWorkerSaysTheyAre) {
  test::Bowl problem({});
  BufferPool buffers(2);
  std::string address;
  const ServeOptions serve{
      .address = "127.0.0.1:0", .scenario_hash = "s", .own_data = true, .on_listening = [&](const std::string& where) {
        address = where;
      }};
  NetworkRuntime runtime(grpc::transport(), problem, buffers, {.workers = 2, .at_start = 1, .serve = &serve});
  runtime.next(Time{1});
  Peer anna(address), ben(address);
  const wire::Identity identity{.scenario = "s", .tensors = {2}, .data = ""};
  ben.say({wire::Hello{.identity = identity, .name = "ben", .examples = -3.0}});
  EXPECT_EQ(ben.hear<wire::Refused>().reason, wire::Refusal::malformed);
  anna.say({wire::Hello{.identity = identity, .name = "anna", .examples = 700.0, .steps_per_epoch = 11}});
  anna.hear<wire::Welcome>();
  std::optional<Event> event;
  for (int i = 0; i < 1000 && !event; ++i) event = runtime.next(from_seconds(1000.0));
  ASSERT_TRUE(event && event->kind == Event::Kind::worker_joined);
  EXPECT_EQ(event->examples, 700.0);
  EXPECT_EQ(runtime.steps_per_epoch(0), 11u);
}

TEST_F(Served, TellsWhatItComputes) {
  EXPECT_EQ(grpc::transport().fetch_offer({.address = address_}, std::chrono::seconds(20)), "what it computes");
}

// Over the network, while it serves; and what those who are refused called themselves.
TEST_F(Served, TellsHowItStands) {
  const auto anna = joined("an\nna");
  const OrderId given = runtime_.assign(0, x_, {});
  static_cast<void>(given);
  anna->hear<wire::Assign>();
  Peer ben(address_);
  ben.say({wire::Hello{.identity = {.scenario = "t", .tensors = {2}, .data = "d"}, .name = "ben"}});
  ben.hear<wire::Refused>();
  const Status status =
      parse_status(grpc::transport().fetch_status({.address = address_}, std::chrono::seconds(20)), "here");
  EXPECT_EQ(status.phase, Status::Phase::running);
  EXPECT_EQ(status.epoch, 1u);
  EXPECT_EQ(status.present, 1u);
  EXPECT_EQ(status.sent_bytes, 8u);
  ASSERT_EQ(status.workers.size(), 1u);
  EXPECT_EQ(status.workers[0].name, "an\\x0Ana");
  EXPECT_EQ(status.workers[0].state, WorkerStatus::State::present);
  EXPECT_EQ(status.workers[0].orders.assigned, 1u);
  EXPECT_EQ(status.workers[0].in_flight, 1u);
  EXPECT_EQ(status.workers[0].typical_silence, 1.0);
  EXPECT_EQ(status.refusals[static_cast<std::size_t>(wire::Refusal::scenario)], (RefusalCount{"scenario", 1}));
  EXPECT_EQ(complaint(status), "");
  EXPECT_THAT(reported_, testing::IsSupersetOf({"started ", "begun ", "joined an\\x0Ana", "refused ben"}));
  anna->say({wire::Goodbye{"home"}});
  ASSERT_TRUE(next());
  EXPECT_EQ(reported_.back(), "left an\\x0Ana");
}

TEST_F(Served, ANewNameTakesThePlaceOfOneThatHasLeft) {
  const auto anna = joined("anna"), ben = joined("ben");
  {
    Peer cleo(address_);
    cleo.say({wire::Hello{.identity = {.scenario = "s", .tensors = {2}, .data = "d"}, .name = "cleo", .process = 3}});
    EXPECT_EQ(cleo.hear<wire::Refused>().reason, wire::Refusal::full);
  }
  runtime_.assign(0, x_, {});  // else the run would be idle
  ben->say({wire::Goodbye{"home"}});
  const std::optional<Event> event = next();
  ASSERT_TRUE(event && event->kind == Event::Kind::worker_lost);
  EXPECT_EQ(event->reason, "");
  Peer dora(address_);
  dora.join("dora");
  const std::optional<Event> joins = next();
  ASSERT_TRUE(joins && joins->kind == Event::Kind::worker_joined);
  EXPECT_EQ(joins->worker, 1u);
}

}  // namespace
}  // namespace tardigrad::network
