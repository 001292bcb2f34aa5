// SPDX-License-Identifier: Apache-2.0
// What the contract suite asks a runtime with.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "engines/catalogue/runtimes.hpp"
#include "support/fake_world.hpp"

namespace tardigrad::test {

inline std::vector<const RuntimeRow*> rows_with_a_server() {
  std::vector<const RuntimeRow*> rows;
  for (const RuntimeRow& row : runtimes())
    if (row.has_server && (row.name != "grpc" || TARDIGRAD_HAS_GRPC)) rows.push_back(&row);
  return rows;
}

// A second of the run takes a millisecond where time is real.
inline RuntimeSettings settings_of(const RuntimeRow& row) {
  RuntimeSettings settings;
  for (const auto& list : {row.run_settings, row.workers_settings})
    for (const SettingRow& setting : list) {
      if (const auto* number = std::get_if<double>(&setting.fallback))
        settings[setting.key] = setting.is("time_scale") ? 1e-3 : *number;
      if (const auto* count = std::get_if<std::int64_t>(&setting.fallback))
        settings[setting.key] = static_cast<double>(*count);
    }
  return settings;
}

/// A runtime with its problem and clocks, asked event by event.
struct World {
  struct Options {
    std::size_t workers = 2;
    Bowl::Options problem = {};
    std::vector<double> seconds = {};  ///< by worker; none: 1
    const Availability* availability = nullptr;
  };
  explicit World(const RuntimeRow& row) : World(row, Options{}) {}
  World(const RuntimeRow& row, Options options)
      : problem(options.problem),
        times(options.seconds.empty() ? std::vector<double>(options.workers, 1.0) : options.seconds),
        buffers(problem.layout().dimension()),
        runtime(row.make({.problem = problem,
                          .buffers = buffers,
                          .x0 = buffers.take(),
                          .workers = options.workers,
                          .compute_time = &times,
                          .availability = options.availability,
                          .settings = settings_of(row)})),
        x(snapshot(0, 1.0f)) {}

  Snapshot snapshot(Version version, float value) {
    Buffer values = buffers.take();
    std::ranges::fill(values.view(), value);
    return {.version = version, .params = std::make_shared<const Buffer>(std::move(values))};
  }
  /// The next event, however long it takes; nothing where none will come by then.
  std::optional<Event> next(Time limit = from_seconds(1e5)) {
    for (;;) {
      if (std::optional<Event> event = runtime->next(limit)) return event;
      if (runtime->idle() || runtime->now() >= limit) return std::nullopt;
    }
  }
  void join_all(std::size_t workers) {
    for (std::size_t i = 0; i < workers; ++i) {
      const std::optional<Event> event = next();
      ASSERT_TRUE(event && event->kind == Event::Kind::worker_joined);
    }
  }

  Bowl problem;
  FixedTimes times;
  BufferPool buffers;
  std::unique_ptr<Runtime> runtime;
  Snapshot x;
};

class RuntimeContract : public testing::TestWithParam<const RuntimeRow*> {
 protected:
  const RuntimeRow& row() const { return *GetParam(); }
};

/// Worker 1 is there for `up` seconds, away for one, and so on; the others always.
class OneLeaves final : public Availability {
 public:
  explicit OneLeaves(double up) : up_(up) {}
  Time first_join(WorkerId) const override { return Time{0}; }
  Time uptime(WorkerId worker, std::uint64_t) const override { return worker == 1 ? from_seconds(up_) : Time::max(); }
  Time downtime(WorkerId, std::uint64_t) const override { return from_seconds(1.0); }

 private:
  double up_;
};

}  // namespace tardigrad::test
