// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "report/progress.hpp"
#include "tardigrad/observer.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad::report {

inline RunState state_of(StopReason reason) {
  switch (reason) {
    case StopReason::target:
      return RunState::reached;
    case StopReason::diverged:
      return RunState::diverged;
    case StopReason::interrupted:
      return RunState::interrupted;
    default:
      return RunState::finished;
  }
}

/// What a method remarked, or what went wrong.
struct Note {
  Time time;
  std::string text;
  void serialize(Archive& archive) { archive(time, text); }
};

/// Tells a progress row how a run goes on, and keeps what the method remarks and what goes wrong.
class ProgressFeed final : public Observer {
 public:
  ProgressFeed(RunProgress& progress, const RunOptions& options) : progress_(progress), options_(options) {}

  void on_arrival(const ArrivalRecord& record) override {
    if (record.outcome != Outcome::cancelled) ++arrived_;
    show(record.time, record.updates);
  }

  void on_evaluation(const EvaluationRecord& record) override {
    if (record.counters.arrived() > arrived_) {  // nobody is told of arrivals: it is a run without a server
      arrived_ = record.counters.arrived();
      show(record.time, record.counters.updates);
    }
    for (const Metric& metric : record.metrics)
      if (!options_.target || metric.name == options_.target->metric) {
        progress_.metric.store(metric.value, std::memory_order_relaxed);
        return;
      }
  }

  void on_note(Time time, const std::string& text) override { notes_.push_back({time, text}); }
  void on_warning(Time time, const std::string& text) override { warnings_.push_back({time, text}); }
  const std::vector<Note>& notes() const { return notes_; }
  void serialize(Archive& archive) {
    archive(arrived_, notes_, warnings_);
    loaded_ = archive.loading();
  }
  const std::vector<Note>& warnings() const { return warnings_; }

 private:
  void show(Time time, std::uint64_t updates) {
    using std::memory_order_relaxed;
    progress_.updates.store(updates, memory_order_relaxed);
    progress_.arrived.store(arrived_, memory_order_relaxed);
    progress_.time_ns.store(time.count(), memory_order_relaxed);
    double fraction = 0.0;
    const auto towards = [&](double done, double all) { fraction = std::max(fraction, std::min(1.0, done / all)); };
    const StopConditions& stop = options_.stop;
    if (stop.time) towards(to_seconds(time), to_seconds(*stop.time));
    if (stop.updates) towards(static_cast<double>(updates), static_cast<double>(*stop.updates));
    if (stop.gradients) towards(static_cast<double>(arrived_), static_cast<double>(*stop.gradients));
    if (std::exchange(loaded_, false)) {
      progress_.earlier_updates.store(updates, memory_order_relaxed);
      progress_.earlier_fraction.store(fraction, memory_order_relaxed);
    }
    progress_.fraction.store(fraction, memory_order_relaxed);
  }

  RunProgress& progress_;
  const RunOptions& options_;
  std::uint64_t arrived_ = 0;
  bool loaded_ = false;  // and no arrival since
  std::vector<Note> notes_, warnings_;
};

}  // namespace tardigrad::report
