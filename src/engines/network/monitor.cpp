// SPDX-License-Identifier: Apache-2.0
#include "engines/network/monitor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engines/network/visible.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::network {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFresh{20};  // who asks all the time gets the same answer, and holds up nobody
constexpr double kGain = 1.0 / 8;                // as for typical silences

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

void count(ArrivalFigures& figures, const ArrivalRecord& record) {
  if (record.outcome == Outcome::not_finite) {
    ++figures.not_finite;
    return;
  }
  ++(record.outcome == Outcome::applied ? figures.applied : figures.discarded);
  figures.delay_sum += record.delay;
  figures.delay_max = std::max(figures.delay_max, record.delay);
}

// The first is believed whole.
void move_towards(double& typical, double value, std::uint64_t seen) {
  typical = seen == 0 ? value : typical + kGain * (value - typical);
}

}  // namespace

const char* name_of(ServeEvent::Kind kind) {
  return std::array{"started",   "begun",   "joined",  "lost",       "left",
                    "put_aside", "refused", "trouble", "checkpoint", "checkpoint_failed",
                    "ended"}
      .at(static_cast<std::size_t>(kind));
}

// Who runs a coordinator learns from it which number a name has.
std::string in_words(const ServeEvent& event) {
  using Kind = ServeEvent::Kind;
  const std::string why =
      one_line(event.order ? fmt::format("failed at order {}: {}", *event.order, event.reason) : event.reason);
  if (event.kind == Kind::trouble) return why;
  const std::string worker = fmt::format("worker {} ({})", event.number.value_or(0), event.worker);
  if (event.kind == Kind::joined)
    return fmt::format("{} has joined, with {} examples", worker, event.examples.value_or(1));
  return event.kind == Kind::left ? worker + " has left" : fmt::format("{} is lost: {}", worker, why);
}

void Monitor::set_names(Names names) {
  const std::scoped_lock lock(mutex_);
  names_ = std::move(names);
}

Status Monitor::status() const {
  const std::scoped_lock lock(source_mutex_);
  const Clock::time_point now = Clock::now();
  if (last_.phase == Status::Phase::over || (fill_ && now - asked_ < kFresh)) return last_;
  last_ = {};
  if (fill_) fill_(last_);
  asked_ = now;
  add_figures(last_);
  return last_;
}

void Monitor::add_figures(Status& status) const {
  const std::scoped_lock lock(mutex_);
  const Clock::time_point now = Clock::now();
  status.program = names_.program;
  status.method = names_.method;
  status.problem = names_.problem;
  status.version = std::max(status.version, version_);
  status.arrivals = all_;
  status.evaluation = evaluation_;
  status.checkpoints = {.written = checkpoints_, .failed = checkpoints_failed_};
  if (last_checkpoint_) status.checkpoints.age = seconds_between(*last_checkpoint_, now);
  for (std::size_t i = 0; i < std::min(workers_.size(), status.workers.size()); ++i) {
    const Figures& figures = workers_[i];
    WorkerStatus& worker = status.workers[i];
    worker.arrivals = figures.arrivals;
    if (figures.count > 0) worker.order_seconds = figures.order_seconds;
    if (figures.count < 2) continue;
    const double pause = std::max(figures.pause, seconds_between(figures.last, now));
    worker.rate = pause > 0.0 ? 1.0 / pause : 0.0;
  }
}

void Monitor::set_sink(Sink sink) {
  const std::scoped_lock lock(sink_mutex_);
  sink_ = std::move(sink);
}

void Monitor::report(const ServeEvent& event) {
  if (event.kind == ServeEvent::Kind::checkpoint || event.kind == ServeEvent::Kind::checkpoint_failed) {
    const std::scoped_lock lock(mutex_);
    if (event.kind == ServeEvent::Kind::checkpoint) {
      ++checkpoints_;
      last_checkpoint_ = Clock::now();
    } else {
      ++checkpoints_failed_;
    }
  }
  const std::scoped_lock lock(sink_mutex_);
  if (sink_) sink_(event);
}

void Monitor::attach(std::function<void(Status&)> fill) {
  const std::scoped_lock lock(source_mutex_);
  fill_ = std::move(fill);
}

void Monitor::detach() {
  const std::scoped_lock lock(source_mutex_);
  if (!fill_) return;
  last_ = {};
  fill_(last_);
  fill_ = nullptr;
  last_.phase = Status::Phase::over;
  add_figures(last_);
}

void Monitor::on_arrival(const ArrivalRecord& record) {
  const std::scoped_lock lock(mutex_);
  version_ = record.updates;
  if (record.outcome == Outcome::cancelled || record.outcome == Outcome::lost) return;
  if (record.order.worker >= workers_.size()) workers_.resize(record.order.worker + 1);
  Figures& figures = workers_[record.order.worker];
  count(all_, record);
  count(figures.arrivals, record);
  const Clock::time_point now = Clock::now();
  move_towards(figures.order_seconds, to_seconds(record.order.compute_time), figures.count);
  if (figures.count > 0) move_towards(figures.pause, seconds_between(figures.last, now), figures.count - 1);
  figures.last = now;
  ++figures.count;
}

void Monitor::on_evaluation(const EvaluationRecord& record) {
  const std::scoped_lock lock(mutex_);
  version_ = std::max(version_, record.counters.updates);
  evaluation_ = {.time = to_seconds(record.time), .version = record.version, .metrics = record.metrics};
}

}  // namespace tardigrad::network
