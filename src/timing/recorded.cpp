// SPDX-License-Identifier: Apache-2.0
#include "timing/recorded.hpp"

#include <algorithm>

#include "tardigrad/error.hpp"

namespace tardigrad::timing {

RecordedTimes::Times& RecordedTimes::at(WorkerId worker) {
  if (worker >= workers_.size()) throw Error("the recording names a worker that its scenario has not");
  return workers_[worker];
}

void RecordedTimes::add(WorkerId worker, std::uint64_t index, Time time, Time turn_around) {
  at(worker).known[index] = {std::max(Time{1}, time), turn_around};
}

void RecordedTimes::add_unfinished(WorkerId worker, std::uint64_t index, Time longer_than) {
  at(worker).unfinished[index] = longer_than;
}

void RecordedTimes::settle() {
  for (WorkerId id = 0; id < workers_.size(); ++id) {
    Times& worker = workers_[id];
    for (const auto& [index, lap] : worker.known) worker.list.push_back(lap);
    if (worker.list.empty() && !worker.unfinished.empty()) never_finished_.push_back(id);
    if (worker.list.empty()) worker.list.push_back({kNotInThisRun, Time{0}});
    for (const auto& [index, longer_than] : worker.unfinished) {
      // The next of the list that is long enough; where none is, so much that it is twice what was seen.
      const std::size_t first = index % worker.list.size();
      Lap lap{2 * longer_than + Time{1}, Time{0}};
      for (std::size_t i = 0; i < worker.list.size(); ++i) {
        const Lap& candidate = worker.list[(first + i) % worker.list.size()];
        if (candidate.time + candidate.turn_around <= longer_than) continue;
        lap = candidate;
        break;
      }
      worker.known.emplace(index, lap);
    }
  }
}

const RecordedTimes::Lap& RecordedTimes::at(WorkerId worker, std::uint64_t index) const {
  const Times& times = workers_[worker];
  TG_CHECK(!times.list.empty(), "recorded times that are not settled");
  const auto found = times.known.find(index);
  return found != times.known.end() ? found->second : times.list[index % times.list.size()];
}

void RecordedAvailability::joined(WorkerId worker, Time time) {
  if (worker >= times_.size() || times_[worker].size() % 2 != 0) throw Error("the recording's joins make no sense");
  times_[worker].push_back(time);
}

void RecordedAvailability::lost(WorkerId worker, Time time) {
  if (worker >= times_.size() || times_[worker].size() % 2 != 1) throw Error("the recording's losses make no sense");
  times_[worker].push_back(time);
}

Time RecordedAvailability::first_join(WorkerId worker) const {
  return times_[worker].empty() ? kNotInThisRun : times_[worker].front();
}

Time RecordedAvailability::between(WorkerId worker, std::uint64_t first) const {
  const std::vector<Time>& times = times_[worker];
  return first + 1 < times.size() ? times[first + 1] - times[first] : Time::max();
}

Time RecordedAvailability::uptime(WorkerId worker, std::uint64_t episode) const { return between(worker, 2 * episode); }
Time RecordedAvailability::downtime(WorkerId worker, std::uint64_t episode) const {
  return between(worker, 2 * episode + 1);
}

}  // namespace tardigrad::timing
