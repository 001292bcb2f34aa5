// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "engines/threads/inbox.hpp"

namespace tardigrad::threads {

/// Orders for one worker, first in, first out. An order is withdrawn by its number, together with all before it: those
/// that wait are dropped, and the worker sees that the one in its hands is no longer wanted.
class Mailbox {
 public:
  // The server's side.
  void send(std::unique_ptr<Job> job) { inbox_.push(std::move(job)); }
  /// No order given so far, all of them below `below`, is wanted any longer.
  /// Cost  the worker stops waiting for the clock at once
  void withdraw(OrderId below);
  /// No order is wanted any more, and none will come.
  void close();

  // The worker's side.
  /// Waits for the next order that is wanted; nothing once the box is closed.
  std::unique_ptr<Job> receive();
  /// Waits until it is `until`. Returns  false, at once, when `order` is no longer wanted
  bool wait(Instant until, OrderId order);

  bool wants(OrderId order) const { return order >= wanted_from_.load(std::memory_order_relaxed); }
  /// For CancellationToken.
  const std::atomic<OrderId>& wanted_from() const { return wanted_from_; }

 private:
  Inbox inbox_;
  alignas(64) std::atomic<OrderId> wanted_from_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace tardigrad::threads
