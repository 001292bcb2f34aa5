// SPDX-License-Identifier: Apache-2.0
// What a method keeps depends on the workers, not on how long it has run or how often they came and went: every method,
// in every variant of tests/golden.
#include <gtest/gtest.h>

#include "core/state.hpp"
#include "support/method_files.hpp"
#include "support/settings.hpp"

namespace tardigrad {
namespace {

using test::MethodFile;

constexpr std::size_t kWorkers = 4;

class StateSize : public testing::TestWithParam<MethodFile> {
 protected:
  // The bytes of the method's state at the end of a run.
  static std::size_t after(const ComputeTime& times, const StopConditions& stop, double uptime, double downtime) {
    const test::Bowl bowl({.dimension = 3, .noise = 0.5});
    const test::ComingAndGoing availability({.seed = 1, .uptime = uptime, .downtime = downtime});
    const auto method = test::make(GetParam().table, kWorkers);
    test::simulate(bowl, times, *method, {.workers = kWorkers, .run = {.stop = stop}, .availability = &availability});
    StateWriter writer;
    method->serialize(writer);
    return writer.take().bytes.size();
  }
};
INSTANTIATE_TEST_SUITE_P(Methods, StateSize, testing::ValuesIn(test::method_files()), test::name_of_method_file);

// For each worker, what a method may keep of its last order, and room for what one moment has and another has not.
constexpr std::size_t kSlack = 64 * kWorkers;

TEST_P(StateSize, DoesNotGrowWithTheRun) {
  const auto of = [](std::uint64_t gradients) {
    return after(test::RandomTimes(1), {.gradients = gradients}, 20.0, 2.0);
  };
  EXPECT_LE(of(5000), of(2500) + kSlack);  // by then the longest window, of 256 norms, is full
}

// Nobody stays for as long as a gradient takes: a second, and a hundredth of it.
TEST_P(StateSize, DoesNotGrowWithLosses) {
  const auto of = [](double seconds) {
    return after(test::FixedTimes({1.0, 1.0, 1.0, 1.0}), {.time = from_seconds(seconds)}, 0.01, 0.01);
  };
  EXPECT_LE(of(40.0), of(10.0) + kSlack);
}

}  // namespace
}  // namespace tardigrad
