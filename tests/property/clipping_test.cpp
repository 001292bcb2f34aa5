// SPDX-License-Identifier: Apache-2.0
// What holds for rules of clipping in the long run, and the methods that they make equal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "methods/clipping/percentile_radius.hpp"
#include "methods/clipping/quantile_radius.hpp"
#include "support/fake_world.hpp"
#include "support/settings.hpp"

namespace tardigrad {
namespace {

using test::make;
using test::num;
using test::table;
using test::whole;
using test::word;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of T norms the share within the radius. Every batch of K moves log C by rate (quantile - b), so that after T/K
// batches
//   log C_T - log C_0 = rate (T/K) (quantile - share),   share = quantile - (log C_T - log C_0) K/(rate T)
// exactly, for any norms whatever: what has to be bounded is log C. With norms of E^2, E ~ Exp(1), C_0 = 1 and C within
// e^-4 ... e^4 the share is within 4 K/(rate T) of the quantile.
TEST(QuantileRadius, TheShareWithinIsTheQuantile) {
  constexpr double kNorms = 200000, kRate = 0.2;
  for (const double quantile : {0.25, 0.5, 0.9}) {
    for (const std::uint64_t every : {1, 10}) {
      methods::QuantileRadius radius({.initial = 1.0, .quantile = quantile, .rate = kRate, .every = every});
      Stream stream(3, Purpose::test);
      double within = 0.0;
      for (int i = 0; i < kNorms; ++i) {
        const double e = stream.exponential();
        within += e * e <= radius.now();
        radius.observe(e * e);
      }
      ASSERT_LT(std::abs(std::log(radius.now())), 4.0);
      EXPECT_NEAR(within / kNorms, quantile, 4.0 * static_cast<double>(every) / (kRate * kNorms)) << every;
    }
  }
}

// The same in a run, where the norms shrink and the noise stays.
TEST(QuantileRadius, TheShareOfARunIsTheQuantile) {
  const test::Bowl bowl({.dimension = 5, .noise = 2.0});
  const test::RandomTimes times(3);
  const auto method = make({{"name", word("clipped-asgd")},
                            {"step_size", num(0.05)},
                            {"clip_radius", num(1)},
                            {"clipping", table({{"rule", word("quantile")}, {"quantile", num(0.7)}})}},
                           6);
  const auto run = test::simulate(bowl, times, *method, {.workers = 6, .run = test::stop_after_updates(20000)});
  const double clipped = static_cast<double>(run.result.counters.clipped) / 20000;
  EXPECT_NEAR(1.0 - clipped, 0.7, 4.0 * 10 / (0.2 * 20000));
}

// Independent norms: the next one is above the window's percentile p with chance 1 - p (for linear interpolation up to
// 1/window). Overlapping windows of W make neighbours dependent: T/W independent ones at the least, so that the share
// is within 5 sqrt(p (1-p) W/T) + 1/W.
TEST(PercentileRadius, TheShareWithinIsThePercentile) {
  constexpr double kNorms = 100000;
  constexpr std::size_t kWindow = 100;
  for (const double percentile : {10.0, 50.0}) {
    methods::PercentileRadius radius({.percentile = percentile, .window = kWindow});
    Stream stream(4, Purpose::test);
    double within = 0.0;
    for (int i = 0; i < kNorms; ++i) {
      const double norm = stream.exponential();
      within += norm <= radius.now();
      radius.observe(norm);
    }
    const double p = percentile / 100;
    EXPECT_NEAR(within / kNorms, p, 5 * std::sqrt(p * (1 - p) * kWindow / kNorms) + 1.0 / kWindow);
  }
}

std::string digest_of(SettingValue::Table settings) {
  const test::Bowl bowl({.dimension = 3, .noise = 0.5});
  const test::FixedTimes times = test::FixedTimes::fast_and_slow(8, 8, 4);
  if (!settings.count("name")) settings["name"] = word("clipped-asgd");
  settings["step_size"] = num(0.0625);
  const auto method = make(std::move(settings), 16);
  return test::simulate(bowl, times, *method, {.workers = 16, .run = test::stop_after_time(100)}).result.digest;
}

TEST(ClippingEquivalence, AnInfiniteRadiusIsNoClipping) {
  const std::string plain = digest_of({{"name", word("vanilla-asgd")}});
  EXPECT_EQ(digest_of({{"clip_radius", num(kInfinity)}}), plain);
  for (const char* rule : {"norm", "block", "coordinate"})
    EXPECT_EQ(digest_of({{"clip_radius", num(kInfinity)}, {"clipping", table({{"rule", word(rule)}})}}), plain) << rule;
}

// One tensor: its share is all.
TEST(ClippingEquivalence, OneBlockIsTheWholeVector) {
  const test::Bowl bowl({.dimension = 3, .noise = 0.5});
  const test::FixedTimes times({1.0, 2.5});
  std::vector<std::vector<float>> x;
  for (const char* rule : {"norm", "block"}) {
    const auto method = make({{"name", word("clipped-asgd")},
                              {"step_size", num(0.0625)},
                              {"clip_radius", num(0.5)},
                              {"clipping", table({{"rule", word(rule)}})}},
                             2);
    x.push_back(test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(200)}).x);
  }
  // x <- x - (step factor) g rounds once less than x <- x - step (factor g): 200 times half an ulp of x and of the
  // step, which are below 2 and 1/16 here.
  for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(x[0][j], x[1][j], 200 * (0x1p-23 + 0x1p-28));
}

// A rate that moves nothing within the run's precision would be no test; a batch that never fills is.
TEST(ClippingEquivalence, AQuantileThatNeverMovesIsAConstant) {
  EXPECT_EQ(digest_of({{"clip_radius", num(0.5)},
                       {"clipping", table({{"rule", word("quantile")}, {"every", whole(1'000'000)}})}}),
            digest_of({{"clip_radius", num(0.5)}}));
}

TEST(HeavyTailEquivalence, WithoutTheirOwnPartsTheyAreClippedAsgd) {
  const std::string clipped = digest_of({{"clip_radius", num(0.5)}});
  EXPECT_EQ(digest_of({{"name", word("ht-delay-lr")}, {"clip_radius", num(0.5)}, {"delay_exponent", num(0)}}), clipped);
  EXPECT_EQ(digest_of({{"name", word("ht-delay-comp")}, {"clip_radius", num(0.5)}, {"compensation", num(0)}}), clipped);
}

TEST(HeavyTailEquivalence, ABufferOfOneIsEveryArrival) {
  for (const char* name : {"ht-delay-lr", "ht-delay-comp"}) {
    const SettingValue::Table arrival = {{"name", word(name)}, {"clip_radius", num(0.5)}, {"delay_exponent", num(1)}};
    SettingValue::Table buffered = arrival;
    buffered["scheme"] = word("buffered");
    buffered["buffer_size"] = whole(1);
    EXPECT_EQ(digest_of(arrival), digest_of(buffered)) << name;
  }
}

// ||x_{t+1} - x_t|| <= gamma (1 + tau)^(-a) c whatever the correction made of g, for every rule that bounds the norm.
TEST(HeavyTails, OneArrivalMovesXByAtMostItsShare) {
  for (const char* rule : {"norm", "block", "quantile"}) {
    const test::Bowl bowl({.dimension = 4, .noise = 5.0});
    const test::RandomTimes times(5);
    std::vector<float> last(4, 1.0f);
    SettingValue::Table settings = {{"name", word("ht-delay-comp")},
                                    {"step_size", num(0.25)},
                                    {"clip_radius", num(0.5)},
                                    {"compensation", num(3)},
                                    {"clipping", table({{"rule", word(rule)}})}};
    if (std::string(rule) == "quantile")  // a radius that only shrinks: everything within is a share of 1 > 0.01
      settings["clipping"] = table({{"rule", word(rule)}, {"quantile", num(0.01)}, {"every", whole(1'000'000)}});
    for (std::uint64_t t = 1; t <= 60; ++t) {
      const auto method = make(settings, 5);
      const auto run = test::simulate(bowl, times, *method, {.workers = 5, .run = test::stop_after_updates(t)});
      double moved = 0.0;
      for (std::size_t j = 0; j < 4; ++j) moved += std::pow(static_cast<double>(run.x[j]) - last[j], 2);
      ASSERT_LE(std::sqrt(moved), 0.25 * 0.5 + std::sqrt(4.0) * 0x1p-22) << rule << t;  // half an ulp below 4 each
      last = run.x;
    }
  }
}

}  // namespace
}  // namespace tardigrad
