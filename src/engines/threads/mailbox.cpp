// SPDX-License-Identifier: Apache-2.0
#include "engines/threads/mailbox.hpp"

#include <limits>
#include <utility>

#include "engines/threads/spin.hpp"

namespace tardigrad::threads {

void Mailbox::withdraw(OrderId below) {
  wanted_from_.store(below, std::memory_order_relaxed);
  inbox_.drop();
  inbox_.wake();
}

void Mailbox::close() {
  closed_.store(true);
  withdraw(std::numeric_limits<OrderId>::max());
}

std::unique_ptr<Job> Mailbox::receive() {
  const auto evaluations = [&] { return closed_.load(std::memory_order_relaxed) || inbox_.has_jobs(); };
  while (!closed_.load(std::memory_order_relaxed)) {
    while (std::unique_ptr<Job> job = inbox_.take())
      if (wants(job->order.id)) return job;
    if (!spin_until(evaluations)) inbox_.sleep(Instant::max(), evaluations);
  }
  return nullptr;
}

bool Mailbox::wait(Instant until, OrderId order) {
  if (until > std::chrono::steady_clock::now()) inbox_.sleep(until, [&] { return !wants(order); });
  return wants(order);
}

}  // namespace tardigrad::threads
