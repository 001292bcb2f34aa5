// SPDX-License-Identifier: Apache-2.0
#include "experiment/recorded_timings.hpp"

#include <algorithm>
#include <map>

namespace tardigrad {
namespace {

class Timings {
 public:
  explicit Timings(RecordedTimings& out) : out_(out) {}

  void take(const record::RecordedEvent& event) {
    out_.end = event.time;
    switch (event.kind) {
      case Event::Kind::worker_joined:
        out_.availability->joined(event.worker, event.time);
        break;
      case Event::Kind::worker_lost:
        // What it brings will have it put aside again.
        if (!event.put_aside) out_.availability->lost(event.worker, event.time);
        for (const Order& order : event.lost) withdraw(order, event.time, out_.counters.lost);
        break;
      case Event::Kind::gradient_arrived:
        arrive(event);
        break;
      case Event::Kind::timer_fired:
        break;
    }
    for (const record::RecordedCommand& command : event.commands) {
      if (command.kind == Command::Kind::assign) give(command, event.time);
      for (const Order& order : command.cancelled) withdraw(order, event.time, out_.counters.cancelled);
    }
  }

  // What is still in flight took longer than until now.
  void finish() {
    for (const auto& [id, given] : given_) unfinished(given, given.order.index, out_.end);
    out_.compute_time->settle();
  }

 private:
  struct Given {
    Order order;
    Time time{};
  };

  void give(const record::RecordedCommand& command, Time now) {
    ++out_.counters.assigned;
    out_.counters.updates = std::max(out_.counters.updates, command.version);
    std::uint64_t& index = next_index_[command.worker];
    given_[command.order] = {{.id = command.order,
                              .worker = command.worker,
                              .index = index,
                              .version = command.version,
                              .work = command.work},
                             now};
    index += std::max(1u, command.work.steps);
  }

  void arrive(const record::RecordedEvent& event) {
    Counters& c = out_.counters;
    c.updates = std::max(c.updates, event.order.version + event.decision.delay);
    if (event.decision.outcome == Outcome::applied) {
      ++c.applied;
      c.delay_sum += event.decision.delay;
      c.delay_max = std::max(c.delay_max, event.decision.delay);
    } else if (event.decision.outcome == Outcome::discarded) {
      ++c.discarded;
    } else {
      ++(event.decision.outcome == Outcome::lost ? c.lost : c.not_finite);
    }
    (event.decision.outcome == Outcome::applied ? c.used_seconds : c.wasted_seconds) +=
        to_seconds(event.order.compute_time);
    const auto found = given_.find(event.order.id);
    if (found == given_.end()) return;
    const Time since = std::max(found->second.time, free_since_[event.worker]);
    spread(event.order, found->second.order.work, event.time - since - event.order.compute_time);
    free_since_[event.worker] = event.time;
    given_.erase(found);
  }

  // Equal parts whose sum is the whole; and, where the budget ended the work, a next step that would not have fitted.
  // What passed beside the order would have passed beside any of its parts, had it been an order.
  void spread(const Order& order, const LocalWork& work, Time turn_around) {
    const std::uint64_t steps = std::max(1u, order.steps_done);
    const Time part = order.compute_time / static_cast<Time::rep>(steps);
    const auto left_over =
        static_cast<std::uint64_t>((order.compute_time - part * static_cast<Time::rep>(steps)).count());
    for (std::uint64_t k = 0; k < steps; ++k)
      out_.compute_time->add(order.worker, order.index + k, part + Time{k < left_over ? 1 : 0}, turn_around);
    for (std::uint64_t k = steps; k < work.steps; ++k)
      out_.compute_time->add_unfinished(order.worker, order.index + k,
                                        work.budget == Time::max() ? Time{0} : work.budget - order.compute_time);
  }

  void withdraw(const Order& order, Time now, std::uint64_t& count) {
    ++count;
    const auto found = given_.find(order.id);
    if (found == given_.end()) return;
    unfinished(found->second, order.index, now);
    const WorkerId worker = found->second.order.worker;  // it had begun the oldest one alone
    const Time since = std::max({found->second.time, free_since_[worker], withdrawn_at_[worker]});
    out_.counters.wasted_seconds += to_seconds(now - since);
    withdrawn_at_[worker] = now;
    given_.erase(found);
  }

  // Its first step may have taken all that time; so may each of the others.
  void unfinished(const Given& given, std::uint64_t index, Time now) {
    const Time since = std::max(given.time, free_since_[given.order.worker]);
    for (std::uint64_t k = 0; k < std::max(1u, given.order.work.steps); ++k)
      out_.compute_time->add_unfinished(given.order.worker, index + k, now - since);
  }

  RecordedTimings& out_;
  std::map<WorkerId, Time> free_since_, withdrawn_at_;
  std::map<OrderId, Given> given_;
  std::map<WorkerId, std::uint64_t> next_index_;
};

}  // namespace

RecordedTimings read_timings(record::RecordingReader recording, std::size_t workers) {
  RecordedTimings timings{.compute_time = std::make_shared<timing::RecordedTimes>(workers),
                          .availability = std::make_shared<timing::RecordedAvailability>(workers)};
  Timings all(timings);
  while (const std::optional<record::RecordedEvent> event = recording.next()) all.take(*event);
  if (const std::optional<record::RecordedEnd>& end = recording.end()) {
    timings.end = end->time;
    timings.ended = end->reason != "interrupted";
  }
  all.finish();
  return timings;
}

}  // namespace tardigrad
