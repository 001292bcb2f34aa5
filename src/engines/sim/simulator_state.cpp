// SPDX-License-Identifier: Apache-2.0
// What of a simulation is saved: who is there, and what will happen. Not where it lies in memory, nor what was computed
// ahead, so that the same moment gives the same bytes on any number of threads.
#include <algorithm>
#include <iterator>
#include <vector>

#include "engines/sim/simulator.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::sim {

void Simulator::serialize(Archive& archive) {
  finish_arrival();  // its gradient was valid during its event
  if (archive.loading())
    TG_CHECK(sequence_ == 0 && events_.empty() && in_flight_ == 0, "a state is loaded into a run that has begun");
  archive(now_, sequence_, orders_given_, joined_, present_, timers_set_, joins_to_come_, stayed_seconds_,
          oldest_useful_, busy_seconds_);
  aside_.serialize(archive, workers_.size());
  state_of_counters(archive);
  state_of_workers(archive);
  if (archive.loading()) {
    load_orders(archive);
    load_other_events(archive);
  } else {
    save_orders(archive);
    save_other_events(archive);
  }
}

// A gradient that was computed ahead, and not used yet, will be computed again.
void Simulator::state_of_counters(Archive& archive) {
  std::uint64_t computed = computed_inline_;
  if (session_) {
    computed += session_->gradients_computed();
    for (const WorkerState& worker : workers_)
      for (SlotId id = worker.first; id != kNone; id = slots_[id].next_of_worker)
        computed -= session_->is_ready(slots_[id].job);
  }
  archive(computed);
  if (archive.loading()) computed_inline_ = computed;
}

void Simulator::state_of_workers(Archive& archive) {
  if (archive.size(workers_.size()) != workers_.size()) Archive::fail("another number of workers");
  for (WorkerState& worker : workers_) archive(worker.gradients);
  if (archive.size(uptimes_.size()) != uptimes_.size()) Archive::fail("another kind of availability");
  for (Uptime& uptime : uptimes_) archive(uptime.since, uptime.episode);
}

void Simulator::save_orders(Archive& archive) {
  archive.size(in_flight_);
  for (const WorkerState& worker : workers_) {
    for (SlotId id = worker.first; id != kNone; id = slots_[id].next_of_worker) {
      Slot& slot = slots_[id];
      archive(slot.job.order, slot.job.snapshot, slot.sequence, slot.start, slot.job.finish);
    }
  }
}

void Simulator::load_orders(Archive& archive) {
  for (std::size_t left = archive.size(0); left > 0; --left) {
    const SlotId id = take_slot();
    Slot& slot = slots_[id];
    archive(slot.job.order, slot.job.snapshot, slot.sequence, slot.start, slot.job.finish);
    if (slot.job.order.worker >= workers_.size()) Archive::fail("an order of a worker that there is not");
    enqueue(id);
  }
}

// Timers, and workers that will leave or join.
void Simulator::save_other_events(Archive& archive) {
  std::vector<QueuedEvent> others;
  std::ranges::copy_if(events_, std::back_inserter(others), [](const QueuedEvent& e) { return e.slot >= kJoin; });
  std::ranges::sort(others, {}, &QueuedEvent::sequence);
  archive(others);
}

void Simulator::load_other_events(Archive& archive) {
  std::vector<QueuedEvent> others;
  archive(others);
  for (const QueuedEvent& event : others) {
    if (event.slot < kJoin || (event.slot != kTimer && event.generation >= workers_.size()))
      Archive::fail("an event of a worker that there is not");
    push(event);
  }
}

}  // namespace tardigrad::sim
