// SPDX-License-Identifier: Apache-2.0
// What of a run on threads is saved: what the server knows. What workers have in their hands, and what they have
// reported since the last event, is made again.
#include <algorithm>
#include <vector>

#include "engines/threads/thread_runtime.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::threads {

void ThreadRuntime::serialize(Archive& archive) {
  finish_arrival();  // its gradient was valid during its event
  if (archive.loading()) TG_CHECK(joined_ == 0 && next_order_ == 0, "a state is loaded into a run that has begun");
  archive(now_, next_order_, appointments_made_, joined_, stayed_);
  aside_.serialize(archive, workers_.size());
  if (joined_ > workers_.size()) Archive::fail("more workers than there are");
  state_of_labour(archive);
  state_of_workers(archive);
  state_of_appointments(archive);
}

// A gradient that had not arrived when the run was saved will be computed again, so that it was computed for nothing.
void ThreadRuntime::state_of_labour(Archive& archive) {
  WorkerStats now = worker_stats();
  RuntimeCounters pace;
  add_pace_to(pace);
  archive(used_, now.computed, now.busy, pace.paced, pace.late, pace.pace, pace.paced_time);
  if (!archive.loading()) return;
  if (used_ > now.computed) Archive::fail("more gradients used than computed");
  before_ = {.computed = now.computed,
             .dropped = now.computed - used_,
             .busy = now.busy,
             .paced = pace.paced,
             .late = pace.late,
             .pace = pace.pace,
             .paced_time = pace.paced_time};
}

void ThreadRuntime::state_of_workers(Archive& archive) {
  if (archive.size(workers_.size()) != workers_.size()) Archive::fail("another number of workers");
  for (WorkerState& state : workers_) {
    archive(state.orders, state.gradients, state.since, state.episode);
    if (archive.loading()) take_over(state, static_cast<WorkerId>(&state - workers_.data()));
  }
}

void ThreadRuntime::take_over(const WorkerState& state, WorkerId worker) {
  const bool there = state.since != kAbsent;
  present_ += there;
  in_flight_ += state.orders.size();
  OrderId least = 0;
  for (const Task& task : state.orders) {
    if (!there || task.order.worker != worker || task.order.id < least || task.order.id >= next_order_)
      Archive::fail("an order that cannot be in flight");
    least = task.order.id + 1;
  }
}

void ThreadRuntime::state_of_appointments(Archive& archive) {
  std::vector<ScheduledEvent> list;
  for (auto rest = scheduled_events_; !rest.empty(); rest.pop()) list.push_back(rest.top());
  archive(list);
  if (!archive.loading()) return;
  for (const ScheduledEvent& scheduled_event : list) take_over(scheduled_event);
}

void ThreadRuntime::take_over(const ScheduledEvent& scheduled_event) {
  const bool is_timer = scheduled_event.kind == ScheduledEvent::Kind::timer;
  if (scheduled_event.kind > ScheduledEvent::Kind::leave || (!is_timer && scheduled_event.number >= workers_.size()))
    Archive::fail("an scheduled_event that cannot be");
  timers_set_ += is_timer;
  joins_to_come_ += scheduled_event.kind == ScheduledEvent::Kind::join;
  scheduled_events_.push(scheduled_event);
}

}  // namespace tardigrad::threads
