// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer_pool.hpp"
#include "engines/evaluations.hpp"
#include "engines/run_compression.hpp"
#include "record/recording_reader.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/observer.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad::replay {

/// What happens now is not what was recorded.
class Difference : public Error {
 public:
  Difference(std::uint64_t event, const std::string& what) : Error(what), event_(event) {}
  std::uint64_t event() const { return event_; }

 private:
  std::uint64_t event_;
};

/// A run over again: the events of a recording, in their order, at their times. Gradients are computed when they are
/// asked for, at the parameters of this run and with the streams of their orders; every norm, every hash, every
/// command and every decision is held against the recording.
/// Whoever drives it hands `ended()` to the driver as the signal to stop, adds it to the observers, sets no stop
/// condition, and calls `finish` when the driver has returned.
/// Errors  Difference from any member, at the first event that differs
/// Memory  the parameters of the orders in flight
/// Thread  one
class Replayer final : public Runtime, public Observer {
 public:
  /// `until`: the last event to be handed out. All arguments outlive it.
  Replayer(const Problem& problem, RunCompression& compression, BufferPool& buffers, record::RecordingReader& recording,
           std::optional<std::uint64_t> until = {});

  const std::atomic<bool>& ended() const { return ended_; }
  /// The event that was handed out last; nothing before the first.
  const std::optional<record::RecordedEvent>& last() const { return current_; }
  /// Whether there was more than `until` asked for.
  bool stopped_early() const { return upcoming_.has_value(); }
  struct OrderInFlight {
    Order order;  ///< its index is not known before it comes back
    Snapshot snapshot;
    Time given{};
  };
  const std::map<OrderId, OrderInFlight>& orders_in_flight() const { return in_flight_; }
  /// Checks that the method did all that it did then.
  void finish();

  Capabilities capabilities() const override {
    return {.cancel = true, .queues = true, .timers = true, .local_steps = true, .points = true};
  }
  Time now() const override { return now_; }
  std::optional<Event> next(Time limit) override;
  bool idle() const override { return !upcoming_; }
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) override;
  std::uint64_t steps_per_epoch(WorkerId worker) const override { return problem_.steps_per_epoch(worker); }
  void cancel(WorkerId worker, std::vector<Order>& cancelled) override;
  void set_timer(TimerId timer, Time after) override;
  /// Those who were are lost in the recording.
  void put_aside(WorkerId, std::string) override {}
  /// What was thrown is not recorded.
  std::string_view failure() const override { return failed() ? "it failed" : ""; }
  void set_oldest_useful_version(Version) override {}
  std::size_t in_flight() const override { return in_flight_.size(); }
  RuntimeCounters counters() const override { return {.gradients_computed = computed_}; }
  Evaluator& evaluator() override { return evaluations_; }

  void on_arrival(const ArrivalRecord& record) override;

 private:
  class Recomputed final : public Gradient {
   public:
    explicit Recomputed(Replayer& replayer) : replayer_(replayer) {}
    double norm() const override { return replayer_.checked_norm(); }
    std::span<const float> values() const override { return replayer_.checked_values(); }
    std::span<const float> point() const override { return replayer_.arrived_.snapshot.view(); }

   private:
    Replayer& replayer_;
  };

  [[noreturn]] void differs(const std::string& how) const;
  void look_ahead();
  const record::RecordedCommand* expect(Command::Kind kind, const std::string& now);
  std::vector<Order> take_orders(WorkerId worker, const std::vector<Order>& gone);
  void check_steps(const Order& order);
  OrderInFlight take_order(const Order& order);
  bool failed() const;
  void compute();
  void finish_arrival();
  double checked_norm();
  std::span<const float> checked_values();
  Replica& replica();

  const Problem& problem_;
  RunCompression& compression_;
  BufferPool& buffers_;
  record::RecordingReader& recording_;
  const std::uint64_t until_;
  std::atomic<bool> ended_{false};
  std::optional<record::RecordedEvent> current_, upcoming_;
  std::size_t commands_met_ = 0;
  bool last_recorded_ = false;  // nothing follows the current event, maybe not even all of its commands
  Time now_{};
  std::map<OrderId, OrderInFlight> in_flight_;
  OrderId beyond_ = ~OrderId{0};  // numbers of orders that were not recorded any more
  std::vector<Order> lost_;
  std::map<WorkerId, Time> free_since_;  // an order of it ended last

  OrderInFlight arrived_;
  Recomputed gradient_;
  std::unique_ptr<Replica> replica_;
  Buffer computed_gradient_;
  std::optional<double> norm_;  // of the arrival, once it is computed
  bool values_met_ = false;
  std::uint64_t computed_ = 0;

  Evaluations evaluations_;
};

}  // namespace tardigrad::replay
