// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "core/buffer_pool.hpp"
#include "engines/threads/inbox.hpp"
#include "engines/threads/mailbox.hpp"
#include "engines/threads/scaled_clock.hpp"

#include "tardigrad/compute_time.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad::threads {

/// What all workers share. It outlives them.
struct WorkerContext {
  const Problem& problem;
  BufferPool& buffers;
  const ComputeTime* pace;  ///< nothing: as fast as they can
  const ScaledClock& clock;
  Inbox& reports;
};

/// A thread with a replica of its own, which it makes with its first order and anew after a failure. It works off its
/// orders one after another and reports each that is still wanted then.
///
/// Paced, an order (a local step) takes at least its compute time: the thread sleeps first and computes at the end of
/// it, by what the last gradient took, so that an order that is withdrawn early costs nothing.
///
/// It gives up an order that is withdrawn: asleep, at once; between local steps; and within a gradient when the problem
/// looks (Replica::cancelled), else at its end.
class WorkerThread {
 public:
  explicit WorkerThread(const WorkerContext& context);
  /// Withdraws everything and waits for the thread: one gradient at most, or what a problem does between two looks.
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  Mailbox& mailbox() { return mailbox_; }
  /// After its mailbox was closed: has its thread come to its end, so that nobody waits for it?
  bool has_ended() const { return ended_.load(std::memory_order_acquire); }
  std::uint64_t computed() const { return computed_.load(std::memory_order_relaxed); }
  /// Computed, and then not wanted.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  /// How it kept its pace: RuntimeCounters::paced and so on.
  void add_pace_to(RuntimeCounters& counters) const;
  /// Time that it has spent on orders until `now`.
  Time busy(Time now) const;

 private:
  class PacedExecution;
  void run();
  void carry_out(Job& job);
  void compute(Job& job, PacedExecution& execution);
  void note_pace(Time pace, Time taken);

  const WorkerContext& context_;
  Mailbox mailbox_;
  std::unique_ptr<Replica> replica_;  // the thread's
  Time usual_{};                      // what the last gradient took; the thread's
  std::atomic<bool> ended_{false};
  std::atomic<std::uint64_t> computed_{0}, dropped_{0};
  std::atomic<Time::rep> busy_{0}, busy_since_{-1};  // -1: waiting for an order
  std::atomic<std::uint64_t> paced_{0}, late_{0};
  std::atomic<Time::rep> pace_{0}, paced_time_{0};
  std::jthread thread_;  // last: it uses the others
};

}  // namespace tardigrad::threads
