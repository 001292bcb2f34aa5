// SPDX-License-Identifier: Apache-2.0
// Runs that can be followed by hand: workers of constant speed on f_i = a_i/2 ||x - b_i||^2 in R^2 with x0 = (1, 1).
// Both coordinates go the same way, so that x stands for either.
#pragma once

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "support/fake_world.hpp"

namespace tardigrad::test {

/// One worker is away from `leaves` until `returns`.
class Away final : public Availability {
 public:
  Away(WorkerId worker, double leaves, double returns) : worker_(worker), leaves_(leaves), returns_(returns) {}
  Time first_join(WorkerId) const override { return Time{0}; }
  Time uptime(WorkerId worker, std::uint64_t episode) const override {
    return worker == worker_ && episode == 0 ? from_seconds(leaves_) : Time::max();
  }
  Time downtime(WorkerId, std::uint64_t) const override { return from_seconds(returns_ - leaves_); }

 private:
  WorkerId worker_;
  double leaves_, returns_;
};

/// Where not said otherwise a_i = 1 and b_i = 0.
struct BowlWorld {
  std::vector<double> seconds;  ///< a gradient, or a local step, of each worker
  std::vector<float> centres = {};
  std::vector<double> examples = {};
  const Availability* availability = nullptr;
  double explode_below_index = -1.0;

  Outcomes run(SettingValue::Table settings, std::uint64_t updates) const {
    Bowl::Options bowl;
    bowl.examples = examples;
    bowl.centres = centres;
    bowl.explode_below_index = explode_below_index;
    if (!centres.empty()) bowl.curvatures.assign(centres.size(), 1.0f);
    const std::size_t workers = seconds.size();
    const auto method = make(std::move(settings), workers);
    Outcomes outcomes =
        simulate(Bowl(bowl), FixedTimes(seconds), *method,
                 {.workers = workers, .run = stop_after_updates(updates), .availability = availability});
    EXPECT_EQ(outcomes.x[0], outcomes.x[1]);
    return outcomes;
  }
};

inline std::vector<double> times(const Outcomes& outcomes) {
  std::vector<double> list;
  for (const ArrivalRecord& a : outcomes.arrivals) list.push_back(to_seconds(a.time));
  return list;
}

}  // namespace tardigrad::test
