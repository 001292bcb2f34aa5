// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "engines/forwarding_runtime.hpp"
#include "record/recording_writer.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/observer.hpp"

namespace tardigrad::replay {

/// Stands between the driver and any runtime, and writes down what passes: the events as the method sees them, its
/// commands with the answers, and, as an observer of the same run, its decisions. It changes nothing, and has no state
/// between two events; the writer has.
/// When a check fails on this thread, what there is is written first, so that the bug can be replayed.
/// Cost    the hash of every gradient that is read (hash64), and some 300 ns an event
/// Thread  the server loop
class Recorder final : public ForwardingRuntime, public Observer, FailureContext {
 public:
  /// Both outlive it.
  Recorder(Runtime& inner, record::RecordingWriter& out) : ForwardingRuntime(inner), out_(out), gradient_(*this) {}

  std::optional<Event> next(Time limit) override;
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) override;
  void cancel(WorkerId worker, std::vector<Order>& cancelled) override;
  void set_timer(TimerId timer, Time after) override;

  void on_arrival(const ArrivalRecord& record) override;
  /// What is recorded lasts from one evaluation to the next, if the run is killed.
  void on_evaluation(const EvaluationRecord&) override { out_.flush_soon(); }

  std::string describe() const override;

 private:
  // The gradient of the arrival that is being handled; notes what is asked of it.
  class ObservedGradient final : public Gradient {
   public:
    explicit ObservedGradient(Recorder& recorder) : recorder_(recorder) {}
    double norm() const override;
    std::span<const float> values() const override;
    std::span<const float> point() const override { return recorder_.arrived_->point(); }

   private:
    Recorder& recorder_;
  };

  record::RecordingWriter& out_;
  ObservedGradient gradient_;
  const Gradient* arrived_ = nullptr;
  std::optional<OrderId> undecided_;  // the arrival that is being handled
  record::RecordedDecision decision_;
};

}  // namespace tardigrad::replay
