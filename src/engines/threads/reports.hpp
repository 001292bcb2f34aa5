// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engines/threads/clock.hpp"
#include "tardigrad/order.hpp"
#include "tardigrad/params.hpp"

namespace tardigrad::threads {

/// What came of an order: a gradient with its norm, or a failure.
struct Report {
  Order order;
  Snapshot snapshot;
  Buffer gradient = {};
  double norm = 0.0;
  std::string failure = {};  ///< not empty: what went wrong, in words; then there is no gradient
};

/// The way from all workers to the server, first in, first out. It never holds more than the orders that were given
/// out. The server takes all that is there in one go, so that it and the workers seldom meet at the lock.
class Reports {
 public:
  /// Thread  any
  void push(Report report);

  // The server's side.
  std::optional<Report> take();
  /// Returns when there is a report, at the latest `until`.
  void wait(Instant until);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Report> incoming_;   // guarded by mutex_
  bool sleeping_ = false;          // guarded by mutex_
  std::atomic<bool> some_{false};  // written under mutex_: incoming_ is not empty
  std::vector<Report> taken_;      // the server's
  std::size_t next_ = 0;           // of taken_
};

}  // namespace tardigrad::threads
