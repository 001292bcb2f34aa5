// SPDX-License-Identifier: Apache-2.0
#include "timing/workers.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tardigrad/error.hpp"

namespace tardigrad::timing {
namespace {

using List = SettingValue::List;
using Table = SettingValue::Table;

SettingValue integer(std::int64_t i) { return {i}; }
SettingValue exponential(double mean) { return {Table{{"kind", {std::string("exponential")}}, {"mean", {mean}}}}; }
SettingValue group(std::int64_t count, SettingValue compute_time) {
  return {Table{{"count", integer(count)}, {"compute_time", std::move(compute_time)}}};
}

WorkersSpec make(Table table) {
  Settings settings(std::move(table), "workers");
  WorkersSpec spec = make_workers(settings, 1);
  settings.finish();
  return spec;
}
std::string error_of(Table table) {
  try {
    make(std::move(table));
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

TEST(Workers, OneModelForAll) {
  const WorkersSpec spec = make({{"count", integer(16)}, {"compute_time", {0.5}}});
  EXPECT_EQ(spec.count, 16u);
  EXPECT_EQ(spec.compute_time->sample(15, 3), from_seconds(0.5));
}

TEST(Workers, AListOfTimes) {
  const WorkersSpec spec = make({{"count", integer(3)}, {"compute_time", {List{{1.0}, integer(2), {3.5}}}}});
  EXPECT_EQ(spec.count, 3u);
  EXPECT_EQ(spec.compute_time->sample(0, 0), from_seconds(1));
  EXPECT_EQ(spec.compute_time->sample(1, 7), from_seconds(2));
  EXPECT_EQ(spec.compute_time->sample(2, 0), from_seconds(3.5));
}

TEST(Workers, GroupsFollowEachOther) {
  const WorkersSpec spec = make({{"groups", {List{group(2, {1.0}), group(1, {9.0}), group(3, {2.0})}}}});
  EXPECT_EQ(spec.count, 6u);
  const double expected[] = {1, 1, 9, 2, 2, 2};
  for (WorkerId i = 0; i < 6; ++i) EXPECT_EQ(spec.compute_time->sample(i, 0), from_seconds(expected[i])) << i;
}

// A worker's draws do not depend on how the workers around it are grouped.
TEST(Workers, DrawsBelongToTheWorkersNumber) {
  const WorkersSpec together = make({{"count", integer(6)}, {"compute_time", exponential(1.0)}});
  const WorkersSpec apart = make({{"groups", {List{group(2, exponential(1.0)), group(4, exponential(1.0))}}}});
  const WorkersSpec alone = make({{"groups", {List{group(6, exponential(1.0))}}}});
  for (WorkerId i = 0; i < 6; ++i)
    for (std::uint64_t k = 0; k < 3; ++k) {
      EXPECT_EQ(together.compute_time->sample(i, k), apart.compute_time->sample(i, k));
      EXPECT_EQ(together.compute_time->sample(i, k), alone.compute_time->sample(i, k));
    }
}

TEST(Workers, AMillionWorkersInTwoGroups) {
  const WorkersSpec spec = make({{"groups", {List{group(999'999, exponential(1.0)), group(1, {7.0})}}}});
  EXPECT_EQ(spec.count, 1'000'000u);
  EXPECT_EQ(spec.compute_time->sample(999'999, 0), from_seconds(7));
  EXPECT_NE(spec.compute_time->sample(999'998, 0), from_seconds(7));
}

TEST(Workers, Messages) {
  EXPECT_EQ(error_of({}), "workers.count: is missing; it must be an integer in [1, 4294967295]");
  EXPECT_EQ(error_of({{"count", integer(0)}, {"compute_time", {1.0}}}),
            "workers.count = 0: must be an integer in [1, 4294967295]");
  EXPECT_EQ(error_of({{"count", integer(2)}}),
            "workers.compute_time: is missing; it must be a number in (0, 100000000]");
  EXPECT_EQ(error_of({{"count", integer(3)}, {"compute_time", {List{{1.0}, {2.0}}}}}),
            "workers.compute_time = [1.0, 2.0]: must have one number for each of the 3 workers, but has 2");
  EXPECT_EQ(error_of({{"count", integer(2)}, {"compute_time", {List{{1.0}, {-2.0}}}}}),
            "workers.compute_time = [1.0, -2.0]: must be a number in (0, 100000000], or a list of such");
  EXPECT_EQ(error_of({{"count", integer(2)}, {"groups", {List{group(1, {1.0})}}}}),
            "workers.count = 2: cannot stand beside `groups`: each group has its own");
  EXPECT_EQ(error_of({{"compute_time", {1.0}}, {"groups", {List{group(1, {1.0})}}}}),
            "workers.compute_time = 1.0: cannot stand beside `groups`: each group has its own");
  EXPECT_EQ(error_of({{"groups", {List{}}}}), "workers.groups = []: must not be empty");
  EXPECT_EQ(error_of({{"groups", {List{group(4'294'967'295, {1.0}), group(1, {1.0})}}}}),
            "workers.groups[1].count = 1: makes more than 4294967295 workers in all");
  EXPECT_EQ(error_of({{"groups", {List{{Table{{"count", integer(2)}, {"compute_tim", {1.0}}}}}}}}),
            "workers.groups[0].compute_tim = 1.0: unknown key; did you mean `compute_time`?");
  EXPECT_EQ(error_of({{"count", integer(2)}, {"compute_time", {1.0}}, {"group", {1.0}}}),
            "workers.group = 1.0: unknown key; did you mean `groups`? (known here: availability, compute_time, count, "
            "groups)");
}

TEST(Workers, WhereComputeTimesAreOptionalTheyMayBeAbsent) {
  Settings settings({{"groups", {List{{Table{{"count", integer(2)}}}, group(1, {7.0})}}}}, "workers");
  const WorkersSpec spec = make_workers(settings, 1, ComputeTimes::optional);
  settings.finish();
  EXPECT_EQ(spec.compute_time->sample(1, 0), Time{0});
  EXPECT_EQ(spec.compute_time->sample(2, 0), from_seconds(7));
}

TEST(WorkersDeathTest, ThereIsNoWorkerBeyondTheLast) {
  const WorkersSpec groups = make({{"groups", {List{group(2, {1.0}), group(1, {9.0})}}}});
  EXPECT_DEATH(groups.compute_time->sample(3, 0), "worker 3 of 3");
  const WorkersSpec list = make({{"count", integer(2)}, {"compute_time", {List{{1.0}, {2.0}}}}});
  EXPECT_DEATH(list.compute_time->sample(2, 0), "worker 2 of 2");
}

}  // namespace
}  // namespace tardigrad::timing
