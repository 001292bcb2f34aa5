// SPDX-License-Identifier: Apache-2.0
#include "engines/threads/mailbox.hpp"

#include <limits>
#include <utility>

#include "engines/threads/spin.hpp"

namespace tardigrad::threads {

void Mailbox::send(Task task) {
  bool sleeping = false;
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
    news_.store(true, std::memory_order_relaxed);
    sleeping = sleeping_;
  }
  if (sleeping) changed_.notify_one();
}

void Mailbox::withdraw(OrderId below) {
  {
    const std::scoped_lock lock(mutex_);
    wanted_from_.store(below, std::memory_order_relaxed);
    while (!tasks_.empty() && tasks_.front().order.id < below) tasks_.pop_front();
    news_.store(closed_ || !tasks_.empty(), std::memory_order_relaxed);
  }
  changed_.notify_one();
}

void Mailbox::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  withdraw(std::numeric_limits<OrderId>::max());
}

std::optional<Task> Mailbox::receive() {
  spin_until([&] { return news_.load(std::memory_order_relaxed); });
  std::unique_lock lock(mutex_);
  sleeping_ = true;
  changed_.wait(lock, [&] { return closed_ || !tasks_.empty(); });
  sleeping_ = false;
  if (closed_) return std::nullopt;
  std::optional<Task> task(std::move(tasks_.front()));
  tasks_.pop_front();
  news_.store(!tasks_.empty(), std::memory_order_relaxed);
  return task;
}

bool Mailbox::wait(Instant until, OrderId order) {
  if (until > std::chrono::steady_clock::now()) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [&] { return !wants(order); });
  }
  return wants(order);
}

}  // namespace tardigrad::threads
