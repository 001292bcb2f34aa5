// SPDX-License-Identifier: Apache-2.0
#include "timing/availability.hpp"

#include <algorithm>

#include "tardigrad/compute_time.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/rng.hpp"
#include "timing/models.hpp"

namespace tardigrad::timing {
namespace {

class UpAndDown final : public Availability {
 public:
  UpAndDown(Time first, std::unique_ptr<ComputeTime> up, std::unique_ptr<ComputeTime> down)
      : first_(first), up_(std::move(up)), down_(std::move(down)) {}
  Time first_join(WorkerId) const override { return first_; }
  Time uptime(WorkerId worker, std::uint64_t episode) const override {
    return up_ ? up_->sample(worker, episode) : Time::max();
  }
  Time downtime(WorkerId worker, std::uint64_t episode) const override {
    return down_ ? down_->sample(worker, episode) : Time::max();
  }

 private:
  Time first_;
  std::unique_ptr<ComputeTime> up_, down_;
};

class GroupedAvailability final : public Availability {
 public:
  explicit GroupedAvailability(std::vector<AvailabilityGroup> groups) : groups_(std::move(groups)) {}
  Time first_join(WorkerId worker) const override {
    const Availability* group = find(worker);
    return group ? group->first_join(worker) : Time{0};
  }
  Time uptime(WorkerId worker, std::uint64_t episode) const override {
    const Availability* group = find(worker);
    return group ? group->uptime(worker, episode) : Time::max();
  }
  Time downtime(WorkerId worker, std::uint64_t episode) const override {
    const Availability* group = find(worker);
    return group ? group->downtime(worker, episode) : Time::max();
  }

 private:
  const Availability* find(WorkerId worker) const {
    const auto group = std::ranges::upper_bound(groups_, std::size_t{worker}, {}, &AvailabilityGroup::end);
    TG_CHECK(group != groups_.end(), "worker ", worker, " of ", groups_.back().end);
    return group->availability.get();
  }
  std::vector<AvailabilityGroup> groups_;
};

// The laws draw from the stream of compute times: other seeds keep stays, downtimes and compute times independent.
std::uint64_t seed_for(std::uint64_t seed, std::uint64_t what) {
  return mix64(seed ^ mix64((std::uint64_t{static_cast<std::uint32_t>(Purpose::availability)} << 32) + what));
}

}  // namespace

std::unique_ptr<Availability> make_availability(Settings& settings, std::uint64_t seed) {
  if (!settings.has(kAvailability.key)) {
    settings.allow(kAvailability.key);
    return nullptr;
  }
  Settings& table = settings.table(kAvailability.key);
  std::unique_ptr<ComputeTime> up, down;
  table.allow(kUp.key);
  table.allow(kDown.key);
  if (table.has(kUp.key)) up = make_compute_time(table, kUp.key, seed_for(seed, 0));
  if (table.has(kDown.key)) {
    if (!up) table.fail(kDown.key, "needs up beside it: who never leaves is never away");
    down = make_compute_time(table, kDown.key, seed_for(seed, 1));
  }
  const double first = read(table, kFirstJoin);
  if (!up && first == 0.0) settings.fail(kAvailability.key, "must hold up, or first_join > 0");
  return std::make_unique<UpAndDown>(from_seconds(first), std::move(up), std::move(down));
}

std::unique_ptr<Availability> make_grouped_availability(std::vector<AvailabilityGroup> groups) {
  if (std::ranges::none_of(groups, [](const AvailabilityGroup& group) { return group.availability != nullptr; }))
    return nullptr;
  return std::make_unique<GroupedAvailability>(std::move(groups));
}

}  // namespace tardigrad::timing
