// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "tardigrad/params.hpp"

namespace tardigrad::hogwild {

/// x as it was found while others wrote to it, to be evaluated.
struct Copy {
  Time time{};
  Version version = 0;  ///< updates that are in it for sure
  Buffer x;
};

/// What workers tell the thread that looks after the run.
/// Thread  any
class EvaluationQueue {
 public:
  /// Asks for room for one more copy. Yes: a copy must follow, and `release` once it is done with. So many exist at
  /// most: where evaluations take longer than the time between them, some are left out.
  bool reserve() {
    const std::lock_guard lock(mutex_);
    if (copies_open_ >= kMostCopies) return false;
    ++copies_open_;
    return true;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    --copies_open_;
  }
  void post(Copy copy) {
    {
      const std::lock_guard lock(mutex_);
      copies_.push_back(std::move(copy));
    }
    ring();
  }
  /// Something happened that the other side should look at.
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    changed_.notify_one();
  }

  /// Waits for evaluations until then; the copies that have come.
  std::vector<Copy> wait(std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [this] { return rung_; });
    rung_ = false;
    return std::exchange(copies_, {});
  }

 private:
  static constexpr int kMostCopies = 4;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Copy> copies_;  // guarded by mutex_, as all below
  int copies_open_ = 0;
  bool rung_ = false;
};

}  // namespace tardigrad::hogwild
