// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>
#include <vector>

#include "core/buffer_pool.hpp"
#include "tardigrad/params.hpp"
#include "tardigrad/problem.hpp"

namespace tardigrad {

/// One gradient to compute: described by the run, computed by any thread, read by the run.
struct GradientJob {
  enum class Progress : std::uint8_t { idle, pending, running, ready };
  Order order;
  Snapshot snapshot;
  Time finish{};         ///< virtual time of its arrival
  Buffer gradient = {};  ///< filled when ready
  double norm = 0.0;
  std::exception_ptr error = {};
  Progress state = Progress::idle;  ///< guarded by the pool once submitted
  bool by_pool = false;             ///< computed by a pool, which counts it until it is released

  /// Fills gradient and norm, or error.
  void compute(Replica& replica, BufferPool& buffers);
};

/// One evaluation: an optional preparation, then parts that are independent of each other.
struct EvaluationJob {
  Snapshot snapshot;
  std::shared_ptr<const void> prepared;
  std::vector<std::vector<double>> sums;  ///< by part
  std::size_t next_part = 0;
  std::size_t parts_left = 0;  ///< not finished yet
  enum class Preparation : std::uint8_t { needed, running, done } preparation = Preparation::done;
  std::exception_ptr error;

  EvaluationJob(const Problem& problem, Snapshot at);
  bool has_work() const;  ///< some thread could do something for it now
  bool finished() const { return parts_left == 0; }
  /// On this thread: prepares, and computes parts until all are, or `enough` says so.  Pre  no pool has it
  void work(Replica& replica, const std::function<bool()>& enough = {});
  /// Metrics from the sums of all parts, added in their order.  Pre  finished.  Throws what a part threw.
  std::vector<Metric> metrics(const Problem& problem) const;
};

/// How many threads evaluate where workers are threads too.
struct EvaluationThreads {
  unsigned beside_workers = 1;  ///< while they work
  unsigned at_the_end = 1;      ///< when they have stopped: not fewer
};

/// Threads that compute gradients ahead of the virtual clock, for one run or for many side by side. A free thread
/// takes, in this order: the gradient that a run is waiting for; a part of an evaluation; and, from run after run in
/// turn, the pending gradient that arrives first. A gradient older than its run's oldest useful version is left alone.
/// Thread  sessions may live on different threads; one session is used by one thread
class ComputePool {
 public:
  /// Threads start with the first job: `threads`, and as many as `most` once it grows.
  explicit ComputePool(unsigned threads, unsigned most = 0)
      : threads_wanted_(threads), most_(std::max(threads, most)) {}
  explicit ComputePool(EvaluationThreads threads) : ComputePool(threads.beside_workers, threads.at_the_end) {}
  ~ComputePool();
  ComputePool(const ComputePool&) = delete;
  ComputePool& operator=(const ComputePool&) = delete;

  unsigned threads() const { return most_; }
  /// From now on all threads take part.
  void grow();

  class Session;

 private:
  struct Work;
  void start_threads();  // Pre  mutex_ held
  void run_thread(unsigned index, const std::stop_token& stopping);
  Work pick();  // Pre  mutex_ held
  void carry_out(Work& work, unsigned thread);
  void settle(const Work& work);  // Pre  mutex_ held

  unsigned threads_wanted_;  // guarded by mutex_
  const unsigned most_;
  std::mutex mutex_;
  std::condition_variable_any work_;
  std::vector<Session*> sessions_;  // guarded by mutex_
  std::size_t turn_ = 0;            // guarded by mutex_
  std::vector<std::jthread> threads_;
};

/// One run's share of a pool. Jobs are the run's memory: they stay in place until ready or withdrawn.
class ComputePool::Session {
 public:
  /// Problem and buffers outlive the session.
  Session(ComputePool& pool, const Problem& problem, BufferPool& buffers);
  ~Session();  ///< withdraws what is pending and waits for what is running
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void submit(GradientJob& job);
  /// Waits until the job is ready; nothing is more urgent. A job that was left alone is computed now.
  void wait_for(GradientJob& job);
  /// True when nobody will touch the job any more; false while a thread is computing it.
  bool withdraw(GradientJob& job);
  bool is_ready(const GradientJob& job);
  /// The run has used, or thrown away, a gradient that was computed: another may be computed ahead.
  void release(GradientJob& job);
  void set_oldest_useful_version(Version version);

  void submit(EvaluationJob& job);
  bool is_finished(const EvaluationJob& job);
  void wait_for(const EvaluationJob& job);

  std::uint64_t gradients_computed();

  /// Withdraws what is pending, and waits for what is running, for so long at most. Returns whether nothing runs.
  bool comes_to_rest(std::chrono::nanoseconds timeout);

 private:
  friend class ComputePool;
  struct ArrivesFirst {
    bool operator()(const GradientJob* a, const GradientJob* b) const {
      return a->finish != b->finish ? a->finish < b->finish : a->order.id < b->order.id;
    }
  };
  GradientJob* take_pending();
  Replica& replica(unsigned thread);

  ComputePool& pool_;
  const Problem& problem_;
  BufferPool& buffers_;
  // A gradient computed ahead holds a buffer until it is used: enough to keep the threads busy, and no more.
  const std::size_t look_ahead_;
  std::condition_variable_any done_;
  std::vector<std::unique_ptr<Replica>> replicas_;  // by thread, each touched by that thread only
  // Guarded by the pool's mutex:
  std::set<GradientJob*, ArrivesFirst> pending_;
  GradientJob* urgent_ = nullptr;
  std::deque<EvaluationJob*> evaluations_;
  std::size_t held_ = 0;     // gradients running or ready
  std::size_t running_ = 0;  // jobs of any kind in some thread's hands
  Version oldest_useful_ = 0;
  std::uint64_t computed_ = 0;
};

}  // namespace tardigrad
