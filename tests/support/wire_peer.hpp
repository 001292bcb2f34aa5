// SPDX-License-Identifier: Apache-2.0
// A coordinator whose workers are played by hand, message by message.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/buffer_pool.hpp"
#include "engines/wire/coordinator.hpp"
#include "support/wire_examples.hpp"

namespace tardigrad::test {

inline const wire::Identity kWireIdentity{"scenario", {2, 1}, "data"};

/// d = 3; chunks of two floats at most.
class WirePeers {
 public:
  explicit WirePeers(wire::CoordinatorOptions options = {}) : options_(prepared(std::move(options))) { restart(); }

  wire::Coordinator& coordinator() { return *coordinator_; }
  Time now() const { return now_; }
  void pass(double seconds) {
    for (const Time end = now_ + from_seconds(seconds); now_ < end;) {
      now_ = std::min(end, now_ + coordinator_->tick_every());
      coordinator_->tick(now_);
    }
    collect();
  }
  void jump(double seconds) {
    now_ += from_seconds(seconds);
    coordinator_->tick(now_);
    collect();
  }
  /// Another coordinator, of the next epoch.
  void restart() {
    coordinator_ = std::make_unique<wire::Coordinator>(options_);
    ++options_.epoch;
    sent_.clear();
    closed_.clear();
  }

  wire::ConnectionId dial() {
    coordinator_->connected(++connections_, now_);
    collect();
    return connections_;
  }
  wire::Hello hello(const std::string& name, std::vector<wire::HeldOrder> holds = {}) {
    return {.identity = kWireIdentity,
            .name = name,
            .process = 1,
            .greeting = greetings_++,
            .last = {},
            .acknowledged = {},
            .holds = std::move(holds),
            .credits = 4};
  }
  /// Connects and is welcomed.
  wire::ConnectionId join(const std::string& name, std::vector<wire::HeldOrder> holds = {}) {
    const wire::ConnectionId connection = dial();
    say(connection, hello(name, std::move(holds)));
    return connection;
  }
  void say(wire::ConnectionId connection, wire::Message message) {
    coordinator_->received(connection, std::move(message), now_);
    collect();
  }
  /// All of a gradient, and its result.
  void bring(wire::ConnectionId connection, wire::Session session, wire::HeldOrder held,
             const std::vector<float>& values, std::optional<double> norm = std::nullopt) {
    double squares = 0.0;
    for (const float value : values) squares += double{value} * value;
    for (wire::Cutter cutter(held, floats(values)); !cutter.done();)
      say(connection, wire::GradientChunk{cutter.next(8)});
    say(connection, wire::Result{.session = session,
                                 .order = held.order,
                                 .attempt = held.attempt,
                                 .norm = norm.value_or(std::sqrt(squares))});
  }

  OrderId assign(WorkerId worker, const std::vector<float>& x = {1.0f, 2.0f, 3.0f}) {
    Buffer buffer = pool_.take();
    std::ranges::copy(x, buffer.view().begin());
    const OrderId id = coordinator_->assign(worker, {1, std::make_shared<const Buffer>(std::move(buffer))}, {});
    collect();
    return id;
  }
  std::optional<wire::CoordinatorEvent> event() {
    auto event = coordinator_->next_event();
    collect();
    return event;
  }
  void settle() {
    while (event()) {
    }
  }
  /// The messages of one kind that went to a connection since they were asked for last; others are kept.
  template <class T>
  std::vector<T> heard(wire::ConnectionId connection) {
    std::vector<T> found;
    std::erase_if(sent_, [&](const wire::Send& send) {
      if (send.to != connection || !std::holds_alternative<T>(send.message)) return false;
      found.push_back(std::get<T>(send.message));
      return true;
    });
    return found;
  }
  bool closed(wire::ConnectionId connection) const { return std::ranges::find(closed_, connection) != closed_.end(); }
  /// assigned = arrived + not finite + cancelled + lost + in flight
  bool accounts_hold() const {
    const wire::OrderCounters c = coordinator_->counters();
    return c.assigned == c.arrived + c.not_finite + c.cancelled + c.lost + coordinator_->in_flight();
  }
  BufferPool& pool() { return pool_; }

 private:
  static wire::CoordinatorOptions prepared(wire::CoordinatorOptions options) {
    options.identity = kWireIdentity;
    options.chunk_bytes = 8;
    return options;
  }
  void collect() {
    for (wire::CoordinatorAction& action : coordinator_->take_actions()) {
      if (auto* send = std::get_if<wire::Send>(&action))
        sent_.push_back(std::move(*send));
      else
        closed_.push_back(std::get<wire::Close>(action).connection);
    }
  }

  BufferPool pool_{3};
  wire::CoordinatorOptions options_;
  std::unique_ptr<wire::Coordinator> coordinator_;
  std::vector<wire::Send> sent_;
  std::vector<wire::ConnectionId> closed_;
  wire::ConnectionId connections_ = 0;
  std::uint64_t greetings_ = 0;
  Time now_{};
};

}  // namespace tardigrad::test
