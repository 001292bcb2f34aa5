// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tardigrad/error.hpp"
#include "timing/availability.hpp"
#include "timing/workers.hpp"

namespace tardigrad::timing {
namespace {

using testing::HasSubstr;

SettingValue table(SettingValue::Table entries) { return {std::move(entries)}; }

WorkersSpec workers(SettingValue::Table entries, std::uint64_t seed = 1) {
  Settings settings(std::move(entries), "workers");
  WorkersSpec spec = make_workers(settings, seed);
  settings.finish();
  return spec;
}

SettingValue::Table with(SettingValue availability) {
  return {{"count", {std::int64_t{3}}}, {"compute_time", {1.0}}, {"availability", std::move(availability)}};
}

TEST(Availability, NobodyAsksForIt) {
  EXPECT_EQ(workers({{"count", {std::int64_t{3}}}, {"compute_time", {1.0}}}).availability, nullptr);
}

TEST(Availability, FixedTimes) {
  const auto a = workers(with(table({{"up", {10.0}}, {"down", {2.5}}, {"first_join", {4.0}}}))).availability;
  EXPECT_EQ(a->first_join(2), from_seconds(4));
  EXPECT_EQ(a->uptime(0, 7), from_seconds(10));
  EXPECT_EQ(a->downtime(1, 0), from_seconds(2.5));
  EXPECT_EQ(workers(with(table({{"up", {10.0}}}))).availability->downtime(0, 0), Time::max());
  EXPECT_EQ(workers(with(table({{"first_join", {1.0}}}))).availability->uptime(0, 0), Time::max());
}

TEST(Availability, DrawsAreStatelessAndIndependent) {
  const SettingValue law = table({{"kind", {std::string("exponential")}}, {"mean", {10.0}}});
  const auto a = workers(with(table({{"up", law}, {"down", law}}))).availability;
  EXPECT_EQ(a->uptime(1, 3), a->uptime(1, 3));
  EXPECT_NE(a->uptime(1, 3), a->uptime(2, 3));
  EXPECT_NE(a->uptime(1, 3), a->downtime(1, 3));
  const auto compute = [](Settings& of, std::uint64_t seed) { return make_workers(of, seed); };
  Settings settings({{"count", {std::int64_t{3}}}, {"compute_time", law}}, "workers");
  EXPECT_NE(a->uptime(1, 3), compute(settings, 1).compute_time->sample(1, 3));
}

TEST(Availability, GroupsHaveTheirOwn) {
  SettingValue::Table calm = {{"count", {std::int64_t{2}}}, {"compute_time", {1.0}}}, wild = calm;
  wild["availability"] = table({{"up", {5.0}}});
  const auto a = workers({{"groups", {SettingValue::List{table(calm), table(wild)}}}}).availability;
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->uptime(1, 0), Time::max());
  EXPECT_EQ(a->uptime(2, 0), from_seconds(5));
  EXPECT_EQ(a->first_join(3), Time{0});
}

TEST(Availability, EveryMistakeHasItsLine) {
  const auto complaint = [](SettingValue availability) -> std::string {
    try {
      workers(with(std::move(availability)));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(complaint(table({})), HasSubstr("workers.availability = {}: must hold up, or first_join > 0"));
  EXPECT_THAT(complaint(table({{"down", {1.0}}})), HasSubstr("needs up beside it"));
  EXPECT_THAT(complaint(table({{"up", {0.0}}})), HasSubstr("up = 0.0: must be a number"));
  EXPECT_THAT(complaint(table({{"upp", {1.0}}})), HasSubstr("availability"));
  EXPECT_THAT(complaint(table({{"up", {1.0}}, {"first_join", {-1.0}}})), HasSubstr("first_join = -1.0: must be"));
}

}  // namespace
}  // namespace tardigrad::timing
