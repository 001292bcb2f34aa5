// SPDX-License-Identifier: Apache-2.0
#include "engines/threads/reports.hpp"

#include <utility>

#include "engines/threads/spin.hpp"

namespace tardigrad::threads {

void Reports::push(Report report) {
  bool sleeping = false;
  {
    const std::scoped_lock lock(mutex_);
    incoming_.push_back(std::move(report));
    some_.store(true, std::memory_order_relaxed);
    sleeping = sleeping_;
  }
  if (sleeping) arrived_.notify_one();
}

std::optional<Report> Reports::take() {
  if (next_ == taken_.size()) {
    if (!some_.load(std::memory_order_relaxed)) return std::nullopt;
    taken_.clear();
    next_ = 0;
    const std::scoped_lock lock(mutex_);
    taken_.swap(incoming_);
    some_.store(false, std::memory_order_relaxed);
  }
  return std::move(taken_[next_++]);
}

void Reports::wait(Instant until) {
  const auto some = [&] { return some_.load(std::memory_order_relaxed); };
  if (spin_until(some)) return;
  std::unique_lock lock(mutex_);
  sleeping_ = true;
  arrived_.wait_until(lock, until, some);
  sleeping_ = false;
}

}  // namespace tardigrad::threads
