// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "report/numbers.hpp"
#include "report/statistics.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::report {
namespace {

TEST(StudentT, BoundsAgreeWithThePublishedTable) {
  // Abramowitz & Stegun, table 26.10: t with P(|T| <= t) = 0.95 and 0.99
  struct Row {
    std::size_t degrees;
    double t95, t99;
  };
  for (const Row& row : {Row{1, 12.706, 63.657}, Row{2, 4.303, 9.925}, Row{3, 3.182, 5.841}, Row{4, 2.776, 4.604},
                         Row{5, 2.571, 4.032}, Row{9, 2.262, 3.250}, Row{10, 2.228, 3.169}, Row{29, 2.045, 2.756},
                         Row{30, 2.042, 2.750}, Row{60, 2.000, 2.660}, Row{120, 1.980, 2.617}}) {
    EXPECT_NEAR(student_t_bound(0.95, row.degrees), row.t95, 1e-3) << row.degrees;
    EXPECT_NEAR(student_t_bound(0.99, row.degrees), row.t99, 1e-3) << row.degrees;
  }
  EXPECT_NEAR(student_t_bound(0.95, 100'000), 1.95996, 1e-4);  // the normal distribution
}

TEST(StudentT, ClosedFormsOfSmallDegrees) {
  for (const double t : {0.0, 0.3, 1.0, 2.5, 40.0}) {
    EXPECT_NEAR(student_t_within(t, 1), 2.0 / std::numbers::pi * std::atan(t), 1e-14);
    EXPECT_NEAR(student_t_within(t, 2), t / std::sqrt(2.0 + t * t), 1e-14);
    const double a = std::atan(t / std::sqrt(3.0));
    EXPECT_NEAR(student_t_within(t, 3), 2.0 / std::numbers::pi * (a + std::sin(a) * std::cos(a)), 1e-14);
  }
  EXPECT_EQ(student_t_bound(0.0, 5), student_t_bound(0.0, 7));
  EXPECT_NEAR(student_t_within(student_t_bound(0.999999, 4), 4), 0.999999, 1e-12);
}

TEST(Estimate, ArithmeticByHand) {
  const Estimate three = estimate(std::array{41.0, 42.0, 43.0}, Averaging::arithmetic);
  EXPECT_EQ(three.n(), 3u);
  EXPECT_EQ(three.centre, 42.0);
  EXPECT_EQ(three.deviation, 1.0);
  EXPECT_NEAR(three.interval->low, 42.0 - 4.30265 / std::sqrt(3.0), 1e-4);
  EXPECT_NEAR(three.interval->high, 42.0 + 4.30265 / std::sqrt(3.0), 1e-4);
}

// ln of 1, 10, 100 is 0, L, 2 L with L = ln 10: mean L, deviation L.
TEST(Estimate, GeometricByHand) {
  const Estimate three = estimate(std::array{1.0, 10.0, 100.0}, Averaging::geometric);
  EXPECT_NEAR(three.centre, 10.0, 1e-13);
  EXPECT_NEAR(*three.deviation, std::log(10.0), 1e-14);
  EXPECT_NEAR(std::log10(three.interval->low), 1.0 - 4.30265 / std::sqrt(3.0), 1e-5);
  EXPECT_NEAR(std::log10(three.interval->high), 1.0 + 4.30265 / std::sqrt(3.0), 1e-5);
}

// Times of which the arithmetic interval begins 427 s before the run.
TEST(Estimate, NoIntervalOfTimesReachesBelowZero) {
  const std::array<double, 3> times = {1500.0, 2400.0, 3915.0};
  EXPECT_LT(estimate(times, Averaging::arithmetic).interval->low, 0.0);
  const Estimate estimated = estimate(times, Averaging::geometric);
  EXPECT_GT(estimated.interval->low, 0.0);
  EXPECT_TRUE(estimated.interval->holds(estimated.centre));
}

TEST(Estimate, TwoValuesHaveNoInterval) {
  const Estimate two = estimate(std::array{40.0, 90.0}, Averaging::geometric);
  EXPECT_NEAR(two.centre, 60.0, 1e-12);
  EXPECT_TRUE(two.deviation && !two.interval);
  const Estimate one = estimate(std::array{7.0}, Averaging::geometric);
  EXPECT_EQ(one.centre, 7.0);
  EXPECT_FALSE(one.deviation || one.interval);
  EXPECT_DEATH(estimate({}, Averaging::arithmetic), "an estimate needs a value");
  EXPECT_DEATH(estimate(std::array{-1.0}, Averaging::geometric), "a time of -1");
}

TEST(Estimate, EqualValuesAreTheirCentre) {
  for (const Averaging averaging : {Averaging::arithmetic, Averaging::geometric}) {
    const Estimate equal = estimate(std::array{0.1, 0.1, 0.1}, averaging);
    EXPECT_EQ(equal.centre, 0.1);
    EXPECT_EQ(equal.interval->low, 0.1);
    EXPECT_EQ(equal.interval->high, 0.1);
  }
}

TEST(Estimate, ATimeOfZeroHasNoLogarithm) {
  const Estimate zero = estimate(std::array{0.0, 3.0, 5.0}, Averaging::geometric);
  EXPECT_EQ(zero.centre, 0.0);
  EXPECT_FALSE(zero.deviation || zero.interval);
  EXPECT_EQ(estimate(std::array{0.0, 0.0, 0.0}, Averaging::geometric).centre, 0.0);
}

TEST(Estimate, IntervalsHoldTheTrueCentreAsOftenAsTheySay) {
  constexpr int kSamples = 2000, kSize = 5;
  int held = 0;
  Stream stream(1, Purpose::test, 0, 0);
  for (int i = 0; i < kSamples; ++i) {
    std::array<double, kSize> times{};
    for (double& time : times) time = 100.0 * std::exp(0.8 * stream.normal());
    held += estimate(times, Averaging::geometric).interval->holds(100.0);
  }
  EXPECT_NEAR(held, 0.95 * kSamples, 4.0 * std::sqrt(kSamples * 0.95 * 0.05));  // four standard deviations
}

TEST(Interval, HoldsItsEnds) {
  EXPECT_TRUE((Interval{1, 3}.holds(1)));
  EXPECT_TRUE((Interval{1, 3}.holds(3)));
  EXPECT_FALSE((Interval{1, 2}.holds(2.5)));
}

TEST(Numbers, ForPeople) {
  EXPECT_EQ(format_number(41.234567), "41.23");
  EXPECT_EQ(format_number(42.0), "42");
  EXPECT_EQ(format_number(100.0), "100");
  EXPECT_EQ(format_number(0.001), "0.001");
  EXPECT_EQ(format_number(-0.00123456), "-0.001235");
  EXPECT_EQ(format_number(9.99996), "10");
  EXPECT_EQ(format_number(12345.6), "12346");
  EXPECT_EQ(format_number(1234567890.0), "1.235e+09");
  EXPECT_EQ(format_number(1e-5), "1e-05");
  EXPECT_EQ(format_number(0.0), "0");
  EXPECT_EQ(format_number(INFINITY), "inf");
  EXPECT_EQ(format_number(-INFINITY), "-inf");
  EXPECT_EQ(format_number(3.14159, 2), "3.1");
}

TEST(Numbers, CountsAndDurations) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(950), "950");
  EXPECT_EQ(format_count(12345), "12.3k");
  EXPECT_EQ(format_count(999900), "1M");
  EXPECT_EQ(format_count(7.89e9), "7.89G");
  EXPECT_EQ(format_duration(8.4), "8 s");
  EXPECT_EQ(format_duration(125), "2 min 05 s");
  EXPECT_EQ(format_duration(3 * 3600 + 7 * 60 + 59), "3 h 07 min");
  EXPECT_EQ(format_duration(4 * 86400 + 2 * 3600), "4 d 02 h");
  EXPECT_EQ(format_duration(INFINITY), "forever");
  EXPECT_EQ(format_duration(-1), "0 s");
}

TEST(Numbers, WidthCountsCharacters) {
  EXPECT_EQ(width_of("γ = 0.1"), 7u);
  EXPECT_EQ(cut("γγγ", 2), "γγ");
  EXPECT_EQ(cut("ab", 5), "ab");
  EXPECT_EQ(cut("ab", 0), "");
}

}  // namespace
}  // namespace tardigrad::report
