// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "record/recording_writer.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/observer.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad::replay {

/// Stands between the driver and any runtime, and writes down what passes: the events as the method sees them, its
/// commands with the answers, and, as an observer of the same run, its decisions. It changes nothing, and has no state
/// between two events; the writer has.
/// When a check fails on this thread, what there is is written first, so that the bug can be replayed.
/// Cost    the hash of every gradient that is read (hash64), and some 300 ns an event
/// Thread  the server loop
class Recorder final : public Runtime, public Observer, FailureContext {
 public:
  /// Both outlive it.
  Recorder(Runtime& inner, record::RecordingWriter& out) : inner_(inner), out_(out), gradient_(*this) {}

  Needs offers() const override { return inner_.offers(); }
  Time now() const override { return inner_.now(); }
  bool real_time() const override { return inner_.real_time(); }
  void wind_down() override { inner_.wind_down(); }
  std::optional<Event> next(Time limit) override;
  bool idle() const override { return inner_.idle(); }
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) override;
  void cancel(WorkerId worker, std::vector<Order>& cancelled) override;
  void set_timer(TimerId timer, Time after) override;
  void set_oldest_useful_version(Version version) override { inner_.set_oldest_useful_version(version); }
  std::size_t in_flight() const override { return inner_.in_flight(); }
  RuntimeCounters counters() const override { return inner_.counters(); }
  EvaluationId start_evaluation(const Snapshot& snapshot) override { return inner_.start_evaluation(snapshot); }
  bool evaluation_ready(EvaluationId id) override { return inner_.evaluation_ready(id); }
  std::vector<Metric> take_evaluation(EvaluationId id) override { return inner_.take_evaluation(id); }
  bool can_be_saved() const override { return inner_.can_be_saved(); }
  void state(Archive& archive) override { inner_.state(archive); }

  void on_arrival(const ArrivalRecord& record) override;
  /// What is recorded lasts from one evaluation to the next, if the run is killed.
  void on_evaluation(const EvaluationRecord&) override { out_.flush_soon(); }

  std::string describe() const override;

 private:
  // The gradient of the arrival that is being handled; notes what is asked of it.
  class Watched final : public Gradient {
   public:
    explicit Watched(Recorder& recorder) : recorder_(recorder) {}
    double norm() const override;
    std::span<const float> values() const override;
    std::span<const float> point() const override { return recorder_.arrived_->point(); }

   private:
    Recorder& recorder_;
  };

  Runtime& inner_;
  record::RecordingWriter& out_;
  Watched gradient_;
  const Gradient* arrived_ = nullptr;
  record::RecordedDecision decision_;
};

}  // namespace tardigrad::replay
