// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "core/buffer_pool.hpp"
#include "engines/hogwild/evaluation_queue.hpp"
#include "engines/hogwild/shared_parameters.hpp"
#include "engines/hogwild/update_allocator.hpp"
#include "tardigrad/problem.hpp"

namespace tardigrad::hogwild {

class WorkerThread;

/// What all workers of a run share.
struct WorkerContext {
  const Problem& problem;
  BufferPool& buffers;
  const std::function<double(Version)>& step;  ///< the step size of the t-th update
  std::uint64_t put_aside_after;               ///< gradients in a row that are not finite; 0: never
  SharedParameters x;
  UpdateAllocator allocator;
  EvaluationQueue evaluations = {};
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  std::atomic<OrderId> wanted_from{0};  ///< orders have the number 0: anything above stops all workers
  std::vector<std::unique_ptr<WorkerThread>> workers = {};

  Time now() const { return std::chrono::steady_clock::now() - start; }
  bool stopping() const { return wanted_from.load(std::memory_order_relaxed) > 0; }
  void stop() { wanted_from.store(1, std::memory_order_relaxed); }
  /// Updates made; whoever reads x afterwards reads them all.
  Version updates() const;
  /// Hands a copy of x over to be evaluated, if there is room.
  void offer_copy(Time at);
};

/// A thread that makes updates of the shared x: draws, reads, computes, adds; and asks nobody.
class WorkerThread {
 public:
  WorkerThread(WorkerContext& context, WorkerId id) : context_(context), id_(id) {}
  /// Pre  it has not been started, or has ended.  Errors  std::system_error where the system has no thread for it
  void start() {
    join();
    ended_.store(false, std::memory_order_relaxed);
    thread_ = std::jthread([this] { run(); });
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  Version updates() const { return updates_.load(std::memory_order_acquire); }
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  // Once it has ended:
  std::uint64_t not_finite() const { return not_finite_; }  ///< gradients with infinity or NaN
  bool is_put_aside() const { return put_aside_; }          ///< as it brought too many of them in a row
  const std::string& failure() const { return failure_; }   ///< what was thrown, in words; "": nothing
  std::uint64_t dropped() const { return dropped_; }        ///< gradients that came too late to be used
  Time busy() const { return busy_; }

 private:
  class Dense;
  class Sparse;
  void run();
  template <class Gradients>
  void make_updates(Gradients gradients);
  enum class Attempt : std::uint8_t { made, failed, ended };
  template <class Gradients>
  Attempt make_update(Gradients& gradients, Version number);

  WorkerContext& context_;
  const WorkerId id_;
  // Written by its thread for every update: a cache line of its own.
  alignas(64) std::atomic<Version> updates_{0};
  Version unmade_ = 0;  // of the run of updates that it has claimed
  std::uint64_t dropped_ = 0;
  std::uint64_t not_finite_ = 0, not_finite_in_a_row_ = 0;
  bool put_aside_ = false;
  std::string failure_;
  Time busy_{};
  std::atomic<bool> ended_{true};
  std::jthread thread_;  // last: it uses the others
};

}  // namespace tardigrad::hogwild
