// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>
#include <vector>

#include "tardigrad/order.hpp"

namespace tardigrad {

/// How long orders were away: Order::round_trip. By the times of events alone, so that a replay finds the same.
/// Memory  16 bytes a worker
class RoundTrips {
 public:
  void given(WorkerId worker, Time now) {
    if (workers_.size() <= worker) workers_.resize(std::size_t{worker} + 1);
    if (workers_[worker].orders++ == 0) workers_[worker].since = now;
  }
  Time arrived(WorkerId worker, Time now) {
    Worker& state = workers_.at(worker);
    --state.orders;
    return now - std::exchange(state.since, now);
  }
  /// All of its orders were withdrawn, or lost.
  void ended(WorkerId worker) {
    if (worker < workers_.size()) workers_[worker].orders = 0;
  }
  void serialize(Archive& archive) { archive(workers_); }

 private:
  struct Worker {
    std::uint64_t orders = 0;
    Time since{};  // the first of them was begun
    void serialize(Archive& archive) { archive(orders, since); }
  };
  std::vector<Worker> workers_;
};

}  // namespace tardigrad
