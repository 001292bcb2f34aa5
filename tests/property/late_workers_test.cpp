// SPDX-License-Identifier: Apache-2.0
// Every method, in every variant of tests/golden: workers that come later keep nobody waiting.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/method_files.hpp"
#include "support/settings.hpp"

namespace tardigrad {
namespace {

using test::MethodFile;

constexpr std::size_t kWorkers = 4;

class LateWorkers : public testing::TestWithParam<MethodFile> {
 protected:
  // Twenty updates, unless 1,000 s pass without; a gradient takes a second on average.
  static test::Outcomes run(const Availability& availability, std::size_t late) {
    const test::Bowl bowl({.dimension = 3, .noise = 0.5});
    const auto method = test::make(GetParam().table, kWorkers, 1, late);
    const RunOptions end{.stop = {.updates = 20, .time = from_seconds(1000.0)}};
    return test::simulate(bowl, test::RandomTimes(1), *method,
                          {.workers = kWorkers, .run = end, .availability = &availability});
  }
};
INSTANTIATE_TEST_SUITE_P(Methods, LateWorkers, testing::ValuesIn(test::method_files()), test::name_of_method_file);

// The first workers are there at once, the others join one after another, or never.
class Joins final : public Availability {
 public:
  Joins(std::size_t at_start, double others) : at_start_(at_start), others_(others) {}
  Time first_join(WorkerId worker) const override {
    return worker < at_start_ ? Time{0} : from_seconds(others_ * (1.0 + worker));
  }
  Time uptime(WorkerId, std::uint64_t) const override { return Time::max(); }
  Time downtime(WorkerId, std::uint64_t) const override { return Time::max(); }

 private:
  const std::size_t at_start_;
  const double others_;
};

TEST_P(LateWorkers, AreNotWaitedFor) {
  const test::Outcomes seen = run(Joins(kWorkers - 1, 1e6), 1);
  EXPECT_EQ(seen.result.reason, StopReason::updates);
  EXPECT_LT(seen.arrivals.front().time, from_seconds(100.0));
}

TEST_P(LateWorkers, TakePartWhenTheyCome) {
  const test::Outcomes seen = run(Joins(1, 2.0), 3);
  EXPECT_EQ(seen.result.reason, StopReason::updates);
  EXPECT_TRUE(std::ranges::any_of(seen.arrivals, [](const ArrivalRecord& a) { return a.order.worker > 0; }));
}

TEST_P(LateWorkers, MayBeAllThereAre) { EXPECT_EQ(run(Joins(0, 3.0), kWorkers).result.reason, StopReason::updates); }

}  // namespace
}  // namespace tardigrad
