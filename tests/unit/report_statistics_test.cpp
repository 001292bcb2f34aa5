// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "report/numbers.hpp"
#include "report/statistics.hpp"

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

TEST(Estimate, ByHand) {
  const Estimate three = estimate(std::array{41.0, 42.0, 43.0});
  EXPECT_EQ(three.n, 3u);
  EXPECT_EQ(three.mean, 42.0);
  EXPECT_EQ(three.deviation, 1.0);
  EXPECT_NEAR(three.interval->low, 42.0 - 4.30265 / std::sqrt(3.0), 1e-4);
  EXPECT_NEAR(three.interval->high, 42.0 + 4.30265 / std::sqrt(3.0), 1e-4);
  const Estimate equal = estimate(std::array{5.0, 5.0});
  EXPECT_EQ(equal.interval->low, 5.0);
  EXPECT_EQ(equal.interval->high, 5.0);
}

TEST(Estimate, OneValueHasNoInterval) {
  const Estimate one = estimate(std::array{7.0});
  EXPECT_EQ(one.mean, 7.0);
  EXPECT_FALSE(one.deviation || one.interval);
  EXPECT_DEATH(estimate({}), "an estimate needs a value");
}

TEST(Interval, Overlap) {
  EXPECT_TRUE((Interval{1, 3}.overlaps({3, 4})));
  EXPECT_TRUE((Interval{1, 5}.overlaps({2, 3})));
  EXPECT_FALSE((Interval{1, 2}.overlaps({2.5, 4})));
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
