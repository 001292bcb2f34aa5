// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "engines/threads/job.hpp"
#include "engines/threads/scaled_clock.hpp"

namespace tardigrad::threads {

/// The way of jobs to one thread, its owner: first in, first out. Nobody waits for a lock: who pushes puts a job on top
/// of a chain with one exchange of addresses; the owner takes the whole chain with another, and turns it round. There
/// is a mutex only to sleep and to wake.
class Inbox {
 public:
  Inbox() = default;
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// Thread  any
  void push(std::unique_ptr<Job> job);
  /// Drops what the owner has not taken yet.
  /// Thread  any
  void drop();
  /// Lets the owner look again whether it may go on.
  /// Thread  any
  void wake();

  // The owner's side.
  /// Nothing when there is none.
  std::unique_ptr<Job> take();
  bool has_jobs() const { return oldest_ || newest_.load() != nullptr; }
  /// Returns when `may_go_on()`, at the latest `until`. A push wakes it to look, like `wake`.
  template <class MayGoOn>
  void sleep(Instant until, const MayGoOn& may_go_on) {
    std::unique_lock lock(mutex_);
    sleeping_.store(true);  // before it looks, as a push looks after it has put its job: one of them sees the other
    changed_.wait_until(lock, until, may_go_on);
    sleeping_.store(false);
  }

 private:
  // What others write, what the owner alone writes, and what seldom changes: apart, so that no thread takes a line of
  // the cache from another for nothing.
  alignas(64) std::atomic<Job*> newest_{nullptr};
  alignas(64) Job* oldest_ = nullptr;  // of those taken; the owner's
  alignas(64) std::atomic<bool> sleeping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace tardigrad::threads
