// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "core/buffer_pool.hpp"
#include "engines/compute_pool.hpp"
#include "engines/evaluations.hpp"
#include "engines/put_aside.hpp"
#include "engines/threads/inbox.hpp"
#include "engines/threads/scaled_clock.hpp"
#include "engines/threads/worker_thread.hpp"
#include "tardigrad/availability.hpp"
#include "tardigrad/compute_time.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad::threads {

inline constexpr Capabilities kCapabilities = {
    .cancel = true, .queues = true, .timers = true, .local_steps = true, .points = true};

struct ThreadOptions {
  std::size_t workers = 1;
  const ComputeTime* pace = nullptr;           ///< nothing: workers are as fast as they can be
  const Availability* availability = nullptr;  ///< nothing: everybody is always there
  std::optional<Time> restart_after = {};      ///< a worker that failed returns after this time; nothing: never
  double time_scale = 1.0;                     ///< real seconds that a second of the run takes
  EvaluationThreads evaluation_threads = {};
};

/// Asynchrony in earnest, on one machine: a thread a worker, and the caller's thread is the server.
///
/// Neither way costs a copy or a lock. An order carries the server's own snapshot, which nobody changes; a gradient
/// comes back in the buffer that the worker wrote it into, with its norm. When the event is over the buffer goes out
/// with a next order, so that workers need not ask the pool. Time is that of the steady clock since the first `next`;
/// an event has the time at which the server takes it.
///
/// An order that is cancelled or lost never reaches the server, whatever its worker makes of it. A worker leaves and
/// returns by `availability`, with its thread kept; a worker whose replica throws is lost, with what it threw as the
/// reason, and returns with a new replica where `restart_after` says so.
///
/// A run that goes on hands every order that was in flight out again, under its number, with its streams and its
/// parameters: what had been made of it is not saved, but made again. Its time goes on from where it was saved.
///
/// Memory   a thread and a replica a worker; an order in flight holds its snapshot and, when its worker has no other or
///          has begun it, one gradient. As many gradients stay as were there at once
/// Cost     O(log timers) an event; beside it an exchange of addresses a report, one an order
/// Errors   Error when the system has no threads left
/// Thread   all functions: the server's
class ThreadRuntime final : public Runtime, Saveable {
 public:
  static constexpr std::size_t kMostWorkers = 4096;

  /// All arguments outlive the runtime. Pre  at most kMostWorkers
  ThreadRuntime(const Problem& problem, BufferPool& buffers, const ThreadOptions& options);
  ~ThreadRuntime() override;

  Capabilities capabilities() const override { return kCapabilities; }
  /// Of the event or limit handed out last: nothing happens in between for the server.
  Time now() const override { return now_; }
  bool real_time() const override { return true; }
  std::optional<Event> next(Time limit) override;
  bool idle() const override {
    return joined_ == workers_.size() && in_flight_ == 0 && joins_to_come_ == 0 && (timers_set_ == 0 || present_ == 0);
  }
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) override;
  std::uint64_t steps_per_epoch(WorkerId worker) const override { return problem_.steps_per_epoch(worker); }
  void cancel(WorkerId worker, std::vector<Order>& cancelled) override;
  void set_timer(TimerId timer, Time after) override;
  void put_aside(WorkerId worker, std::string reason) override;
  void readmit() override;
  /// Real workers compute what they were asked for; a method that wants them stopped cancels.
  void set_oldest_useful_version(Version) override {}
  std::size_t in_flight() const override { return in_flight_; }
  RuntimeCounters counters() const override;
  /// The workers stop, and evaluations get their cores.
  void wind_down() override;
  bool comes_to_rest(std::chrono::nanoseconds timeout) override;
  Evaluator& evaluator() override;
  Saveable* saveable() override { return this; }

 private:
  void serialize(Archive& archive) override;
  static constexpr Time kAbsent{-1};

  struct WorkerState {
    std::unique_ptr<WorkerThread> worker;
    std::vector<Task> orders;     // in flight, oldest first
    Time oldest_since{};          // the oldest one could be begun
    std::uint64_t gradients = 0;  // asked for so far: the index of the next order
    Time since = kAbsent;         // there since
    std::uint64_t episode = 0;    // how often it was lost
  };
  // What happens by the clock.
  struct ScheduledEvent {
    enum class Kind : std::uint8_t { timer, join, leave } kind;
    Time time;
    std::uint64_t sequence;
    std::uint32_t number;       // of the timer or worker
    std::uint64_t episode = 0;  // leave: of this stay
    bool operator>(const ScheduledEvent& other) const {
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
    void serialize(Archive& archive) { archive(kind, time, sequence, number, episode); }
  };
  // What workers did, in all.
  struct WorkerStats {
    std::uint64_t computed = 0, dropped = 0;
    Time busy{};
    std::uint64_t paced = 0, late = 0;
    Time pace{}, paced_time{};
  };
  // The gradient of the arrival that is being handled.
  class ArrivedGradient final : public Gradient {
   public:
    explicit ArrivedGradient(ThreadRuntime& runtime) : runtime_(runtime) {}
    double norm() const override { return runtime_.look().norm; }
    std::span<const float> values() const override { return std::as_const(runtime_.look().gradient).view(); }
    std::span<const float> point() const override { return runtime_.arrived_->snapshot.view(); }

   private:
    ThreadRuntime& runtime_;
  };

  void start_workers();
  bool wait(Time limit, Instant look_again);
  std::optional<Event> first_join();
  std::optional<Event> keep(const ScheduledEvent& scheduled_event);
  std::optional<Event> receive(std::unique_ptr<Job> job);
  void schedule(ScheduledEvent::Kind kind, Time time, std::uint32_t number, std::uint64_t episode = 0);
  void will_join(WorkerId worker, Time time);
  Event joins(WorkerId worker);
  Event leaves(WorkerId worker);
  Event arrives(std::unique_ptr<Job> job);
  Event fails(std::unique_ptr<Job> job);
  Event loses(WorkerId worker);
  void withdraw(WorkerId worker, std::vector<Order>& withdrawn);
  void finish_arrival();
  void hand_out(const WorkerState& state, const Task& task);
  Job& look();
  WorkerStats worker_stats() const;
  void add_pace_to(RuntimeCounters& counters) const;
  void state_of_labour(Archive& archive);
  void state_of_workers(Archive& archive);
  void state_of_appointments(Archive& archive);
  void take_over(const WorkerState& state, WorkerId worker);
  void take_over(const ScheduledEvent& scheduled_event);

  const Problem& problem_;
  const ThreadOptions options_;
  ScaledClock clock_;
  Inbox reports_;
  const WorkerContext context_;

  Time now_{};
  OrderId next_order_ = 0;
  std::uint64_t appointments_made_ = 0;
  std::size_t joined_ = 0, present_ = 0, in_flight_ = 0, timers_set_ = 0, joins_to_come_ = 0;
  std::priority_queue<ScheduledEvent, std::vector<ScheduledEvent>, std::greater<>> scheduled_events_;
  std::vector<Order> lost_;  // of the loss handed out last, and
  std::string reason_;       // why
  PutAside aside_;           // the next event says so
  std::unique_ptr<Job> arrived_;
  bool looked_ = false;  // at the gradient
  ArrivedGradient gradient_;
  std::uint64_t used_ = 0, dropped_ = 0;     // gradients that arrived and were looked at, or not
  WorkerStats before_;                       // until the run was saved
  Time stayed_{};                            // by those who have left, in all
  std::vector<std::unique_ptr<Job>> spare_;  // to be used again, with the memory of their gradients

  ComputePool evaluators_;
  Evaluations evaluations_;
  std::unique_ptr<ComputePool::Session> evaluating_;

  std::vector<WorkerState> workers_;  // last: their threads use the others
};

}  // namespace tardigrad::threads
