// SPDX-License-Identifier: Apache-2.0
#include "timing/workers.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "tardigrad/error.hpp"
#include "timing/availability.hpp"
#include "timing/models.hpp"

namespace tardigrad::timing {
namespace {

constexpr std::size_t kMostWorkers = std::numeric_limits<WorkerId>::max();

// One constant time for each worker.
class Listed final : public ComputeTime {
 public:
  explicit Listed(std::vector<Time> times) : times_(std::move(times)) {}
  Time sample(WorkerId worker, std::uint64_t) const override {
    TG_CHECK(worker < times_.size(), "worker ", worker, " of ", times_.size());
    return times_[worker];
  }

 private:
  std::vector<Time> times_;
};

struct Group {
  std::size_t end;  // the first worker after it
  std::unique_ptr<ComputeTime> compute_time;
};

// Each group has its own model. Draws depend on the worker's number in the whole, so that equal groups differ.
class GroupedComputeTime final : public ComputeTime {
 public:
  explicit GroupedComputeTime(std::vector<Group> groups) : groups_(std::move(groups)) {}
  Time sample(WorkerId worker, std::uint64_t index) const override {
    const auto group = std::ranges::upper_bound(groups_, std::size_t{worker}, {}, &Group::end);
    TG_CHECK(group != groups_.end(), "worker ", worker, " of ", groups_.back().end);
    return group->compute_time->sample(worker, index);
  }

 private:
  std::vector<Group> groups_;
};

// Of workers that are as fast as they can be.
class NoPace final : public ComputeTime {
 public:
  Time sample(WorkerId, std::uint64_t) const override { return Time{0}; }
};

std::size_t read_count(Settings& settings) { return static_cast<std::size_t>(read(settings, kCount)); }

std::unique_ptr<ComputeTime> read_compute_time(Settings& settings, std::uint64_t seed, ComputeTimes times) {
  settings.allow(kComputeTime.key);
  if (times == ComputeTimes::optional && !settings.has(kComputeTime.key)) return std::make_unique<NoPace>();
  return make_compute_time(settings, kComputeTime.key, seed);
}

WorkersSpec read_list(Settings& settings, std::size_t count) {
  const std::vector<double> seconds = settings.numbers(kComputeTime.key, kSeconds);
  if (seconds.size() != count)
    settings.fail(kComputeTime.key, "must have one number for each of the " + std::to_string(count) +
                                        " workers, but has " + std::to_string(seconds.size()));
  std::vector<Time> times(count);
  std::ranges::transform(seconds, times.begin(), to_compute_time);
  return {.count = count, .compute_time = std::make_unique<Listed>(std::move(times))};
}

WorkersSpec read_groups(Settings& settings, std::uint64_t seed, ComputeTimes times) {
  std::vector<Group> groups;
  std::vector<AvailabilityGroup> availability;
  std::size_t count = 0;
  for (Settings* table : settings.tables(kGroups.key)) {
    const std::size_t size = read_count(*table);
    if (size > kMostWorkers - count)
      table->fail(kCount.key, "makes more than " + std::to_string(kMostWorkers) + " workers in all");
    count += size;
    groups.push_back({.end = count, .compute_time = read_compute_time(*table, seed, times)});
    availability.push_back({.end = count, .availability = make_availability(*table, seed)});
  }
  if (groups.empty()) settings.fail(kGroups.key, "must not be empty");
  WorkersSpec spec{.count = count, .compute_time = std::move(groups.front().compute_time)};
  if (groups.size() > 1) {
    groups.front().compute_time = std::move(spec.compute_time);
    spec.compute_time = std::make_unique<GroupedComputeTime>(std::move(groups));
  }
  spec.availability = make_grouped_availability(std::move(availability));
  return spec;
}

}  // namespace

WorkersSpec make_workers(Settings& settings, std::uint64_t seed, ComputeTimes times) {
  if (settings.has(kGroups.key)) {
    for (const char* key : {kCount.key, kComputeTime.key, kAvailability.key})
      if (settings.has(key)) settings.fail(key, "cannot stand beside `groups`: each group has its own");
    return read_groups(settings, seed, times);
  }
  settings.allow(kGroups.key);
  const std::size_t count = read_count(settings);
  const std::optional<SettingValue> value = settings.raw(kComputeTime.key);
  WorkersSpec spec = value && value->is_list()
                         ? read_list(settings, count)
                         : WorkersSpec{.count = count, .compute_time = read_compute_time(settings, seed, times)};
  spec.availability = make_availability(settings, seed);
  return spec;
}

}  // namespace tardigrad::timing
