// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "tardigrad/availability.hpp"
#include "tardigrad/compute_time.hpp"

namespace tardigrad::timing {

/// Whoever never finished an order, or is not known to join, leave or return: some three years.
inline constexpr Time kNotInThisRun = std::chrono::seconds(100'000'000);

/// Compute times as they were, with what passed beside each: a list for each worker, repeated when it runs out. An
/// index whose time nobody knows, because the order was withdrawn, takes one of the list that is long enough for what
/// is known of it.
class RecordedTimes final : public ComputeTime {
 public:
  explicit RecordedTimes(std::size_t workers) : workers_(workers) {}

  /// The `index`-th gradient of the worker took this long, and so much passed beside it.  Pre  time >= 1
  void add(WorkerId worker, std::uint64_t index, Time time, Time turn_around = {});
  /// It was not done after this long, and nobody knows more.
  void add_unfinished(WorkerId worker, std::uint64_t index, Time longer_than);
  /// No more times come. Those who finished nothing take kNotInThisRun.
  void settle();
  /// Workers that finished nothing, though they were given something.
  const std::vector<WorkerId>& never_finished() const { return never_finished_; }

  Time sample(WorkerId worker, std::uint64_t index) const override { return at(worker, index).time; }
  Time turn_around(WorkerId worker, std::uint64_t index) const override { return at(worker, index).turn_around; }

 private:
  struct Lap {
    Time time{}, turn_around{};
  };
  struct Times {
    std::map<std::uint64_t, Lap> known;
    std::map<std::uint64_t, Time> unfinished;
    std::vector<Lap> list;  // the known ones, in the order of their indices
  };
  Times& at(WorkerId worker);
  const Lap& at(WorkerId worker, std::uint64_t index) const;
  std::vector<Times> workers_;
  std::vector<WorkerId> never_finished_;
};

/// Joins and losses as they were. A worker stays as it was at the end: it never leaves, or never returns.
class RecordedAvailability final : public Availability {
 public:
  explicit RecordedAvailability(std::size_t workers) : times_(workers) {}
  void joined(WorkerId worker, Time time);
  void lost(WorkerId worker, Time time);

  Time first_join(WorkerId worker) const override;
  Time uptime(WorkerId worker, std::uint64_t episode) const override;
  Time downtime(WorkerId worker, std::uint64_t episode) const override;

 private:
  Time between(WorkerId worker, std::uint64_t first) const;
  std::vector<std::vector<Time>> times_;  // by worker: joined, lost, joined, ...
};

}  // namespace tardigrad::timing
