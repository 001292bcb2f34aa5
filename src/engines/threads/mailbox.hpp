// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "engines/threads/clock.hpp"
#include "tardigrad/order.hpp"
#include "tardigrad/params.hpp"

namespace tardigrad::threads {

/// An order on its way to a worker: the parameters are those of the server, not a copy.
struct Task {
  Order order;
  Snapshot snapshot;
  void state(Archive& archive) { archive(order, snapshot); }
};

/// Orders for one worker, first in, first out. An order is withdrawn by its number, together with all before it: those
/// that wait are dropped, and the worker sees that the one in its hands is no longer wanted.
class Mailbox {
 public:
  // The server's side.
  void send(Task task);
  /// Orders below `below` are no longer wanted.  Cost  the worker stops waiting for the clock at once
  void withdraw(OrderId below);
  /// No order is wanted any more, and none will come.
  void close();

  // The worker's side.
  /// Waits for the next order that is wanted; nothing once the box is closed.
  std::optional<Task> receive();
  /// Waits until it is `until`. Returns  false, at once, when `order` is no longer wanted
  bool wait(Instant until, OrderId order);

  bool wants(OrderId order) const { return order >= wanted_from_.load(std::memory_order_relaxed); }
  /// For StopSignal.
  const std::atomic<OrderId>& wanted_from() const { return wanted_from_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;                  // guarded by mutex_
  bool closed_ = false, sleeping_ = false;  // guarded by mutex_
  std::atomic<OrderId> wanted_from_{0};     // written under mutex_
  std::atomic<bool> news_{false};           // written under mutex_: receive would not wait
};

}  // namespace tardigrad::threads
