// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer_pool.hpp"
#include "engines/compute_pool.hpp"
#include "engines/evaluations.hpp"
#include "engines/put_aside.hpp"
#include "tardigrad/availability.hpp"
#include "tardigrad/compute_time.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad::sim {

inline constexpr Capabilities kCapabilities = {
    .cancel = true, .queues = true, .timers = true, .local_steps = true, .points = true};

struct SimulatorOptions {
  std::size_t workers = 1;
  const Availability* availability = nullptr;  ///< nothing: everybody is always there
  /// When a gradient turns out to be worth a thread's while, they are computed ahead by this pool; without one,
  /// gradients are computed one by one, when they are asked for.
  ComputePool* pool = nullptr;
  /// Cheaper gradients stay on this thread. Handing one over costs some 20 us; where other runs keep the cores busy
  /// there is nothing to win but the tail, and only costly gradients should be handed over.
  double worth_a_thread_seconds = 30e-6;
};

/// A discrete-event simulation: gradients are real, time is virtual, and a run is bit-identical on any number of
/// threads, because an order's gradient depends on its version and its streams only, and arrivals are handled in the
/// order of (time, order number) whoever computed them.
///
/// A worker works off its orders first in, first out, and a cancel drops all of them. So the instant at which an
/// order will finish is known when it is given, and is fixed then: finish = max(now, finish of the worker's last
/// order) + compute_time(worker, index) + turn_around(worker, index). K local steps take the sum of K such times, or as
/// many of them as fit into the order's budget, and at least one.
///
/// A worker that vanishes takes its orders along, one that would arrive at that very instant too, as the instant was
/// known when it joined. The loss is reported at once.
///
/// Where a replica throws, the gradient is NaN, with what was thrown as its failure, once somebody looks at it; nobody
/// misses one that is discarded unread. A worker that is put aside returns only when it is readmitted.
///
/// Memory   16 bytes a worker, 16 more with availability; an order in flight holds its snapshot; at most 4 gradients a
/// thread wait to be used
/// Cost     O(log in-flight) an event beside the gradients
/// Thread   one
class Simulator final : public Runtime, Saveable {
 public:
  /// All arguments outlive the simulator.
  Simulator(const Problem& problem, const ComputeTime& compute_time, BufferPool& buffers,
            const SimulatorOptions& options);
  ~Simulator() override;

  Capabilities capabilities() const override { return kCapabilities; }
  Time now() const override { return now_; }
  std::optional<Event> next(Time limit) override;
  bool idle() const override {
    return joined_ == options_.workers && in_flight_ == 0 && joins_to_come_ == 0 && (timers_set_ == 0 || present_ == 0);
  }
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) override;
  std::uint64_t steps_per_epoch(WorkerId worker) const override { return problem_.steps_per_epoch(worker); }
  void cancel(WorkerId worker, std::vector<Order>& cancelled) override;
  void set_timer(TimerId timer, Time after) override;
  void put_aside(WorkerId worker, std::string reason) override;
  void readmit() override;
  std::string_view failure() const override { return failure_; }
  void set_oldest_useful_version(Version version) override;
  std::size_t in_flight() const override { return in_flight_; }
  bool comes_to_rest(std::chrono::nanoseconds timeout) override;
  RuntimeCounters counters() const override;
  Evaluator& evaluator() override { return evaluations_; }
  Saveable* saveable() override { return this; }

 private:
  using SlotId = std::uint32_t;
  static constexpr SlotId kNone = ~SlotId{0};
  // Events that are no arrival: of a timer, and of a worker.
  static constexpr SlotId kTimer = kNone, kLeave = kNone - 1, kJoin = kNone - 2;

  // An order in flight.
  struct Slot {
    GradientJob job;
    Time start{};
    std::uint64_t sequence = 0;     // of its event
    SlotId next_of_worker = kNone;  // the worker's orders, oldest first
    std::uint32_t generation = 0;   // grows when the slot is freed: events of cancelled orders are recognised by it
    bool used = false;              // the method has looked at the gradient
  };
  struct WorkerState {
    SlotId first = kNone, last = kNone;
    std::uint32_t gradients = 0;  // asked for so far: the index of the next order
  };
  struct QueuedEvent {
    Time time;
    std::uint64_t sequence;
    SlotId slot;               // or kTimer, kLeave, kJoin
    std::uint32_t generation;  // or the number of the timer or worker
    friend void serialize(Archive& archive, QueuedEvent& event) {
      archive(event.time, event.sequence, event.slot, event.generation);
    }
    bool operator>(const QueuedEvent& other) const {
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
  };
  // The gradient of the arrival that is being handled.
  class ArrivedGradient final : public Gradient {
   public:
    explicit ArrivedGradient(Simulator& simulator) : simulator_(simulator) {}
    double norm() const override { return simulator_.force().norm; }
    std::span<const float> values() const override { return std::as_const(simulator_.force().gradient).view(); }
    std::span<const float> point() const override { return simulator_.slots_[simulator_.arrived_].job.snapshot.view(); }

   private:
    Simulator& simulator_;
  };

  // What is known of a worker that may leave.
  struct Uptime {
    Time since = kAbsent;
    std::uint64_t episode = 0;
  };
  static constexpr Time kAbsent{-1};
  Event joins(WorkerId worker);
  std::optional<Event> arrives(SlotId id);
  Event leaves(WorkerId worker);
  Event goes(WorkerId worker);
  bool joins_later(WorkerId worker);
  void withdraw_orders(WorkerId worker, std::vector<Order>& withdrawn);
  Time plan_work(Order& order) const;
  SlotId take_slot();
  void free_slot(SlotId id);
  void finish_arrival();
  void reclaim_withdrawn();
  void push(const QueuedEvent& event);
  QueuedEvent pop();
  bool is_stale(const QueuedEvent& event) const;
  bool is_over(const QueuedEvent& event) const;
  void drop_stale_events();
  GradientJob& force();
  void note_failure(GradientJob& job);
  void compute_inline(GradientJob& job);
  void serialize(Archive& archive) override;
  void evaluate_inline(EvaluationJob& job);
  void start_pool();
  void enqueue(SlotId id);
  void state_of_counters(Archive& archive);
  void state_of_workers(Archive& archive);
  void save_orders(Archive& archive);
  void load_orders(Archive& archive);
  void save_other_events(Archive& archive);
  void load_other_events(Archive& archive);

  const Problem& problem_;
  const ComputeTime& compute_time_;
  BufferPool& buffers_;
  SimulatorOptions options_;

  Time now_{};
  std::uint64_t sequence_ = 0;  // of events: ties
  OrderId orders_given_ = 0;
  std::size_t joined_ = 0, present_ = 0, in_flight_ = 0, timers_set_ = 0, joins_to_come_ = 0, stale_events_ = 0;
  std::vector<WorkerState> workers_;
  std::vector<Uptime> uptimes_;  // by worker; empty when everybody is always there
  std::vector<Order> lost_;      // of the loss handed out last, and
  std::string reason_;           // why
  PutAside aside_;               // the next event says so
  double stayed_seconds_ = 0.0;  // by those who have left, in all: a million of them would overflow a Time
  std::deque<Slot> slots_;       // stable addresses
  std::vector<SlotId> free_slots_;
  std::vector<SlotId> withdrawn_;    // cancelled while a thread computes them
  std::vector<QueuedEvent> events_;  // a heap
  SlotId arrived_ = kNone;
  ArrivedGradient gradient_;
  std::string failure_;  // of the arrival

  std::unique_ptr<Replica> replica_;  // of this thread
  std::unique_ptr<ComputePool::Session> session_;
  Buffer spare_;  // the one gradient buffer while nothing is computed ahead
  unsigned timed_ = 0;
  double fastest_seconds_ = 0.0;
  Version oldest_useful_ = 0;

  Evaluations evaluations_;
  std::uint64_t computed_inline_ = 0;
  double busy_seconds_ = 0.0;
};

}  // namespace tardigrad::sim
