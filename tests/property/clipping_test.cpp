// SPDX-License-Identifier: Apache-2.0
// What holds for rules of clipping in the long run, and the methods that they make equal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "methods/policies/clipping/auto_radius.hpp"
#include "methods/policies/clipping/percentile_radius.hpp"
#include "methods/policies/clipping/quantile_radius.hpp"
#include "problems/catalogue.hpp"
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

// What the automatic radius guarantees, at every event of a run on random times, quiet or exploding: with c_t the
// radius after t norms, the move of arrival t is step min(1, c_t/||g||) g, and the orders in flight at t, 16 or fewer,
// move x by c_t or less each when they arrive, however late. So x_t is within step c_t 16 of the sequence that had
// received them when they were ordered: the sum of all of them is that distance.
TEST(AutoRadius, DriftIsBoundedAtEveryEvent) {
  constexpr std::size_t kWorkers = 16, kDimension = 3;
  for (const double step : {0.0625, 0.25, 2.0}) {
    for (const double noise : {0.0, 0.5}) {
      const test::Bowl bowl({.dimension = kDimension, .noise = noise});
      const test::RandomTimes times(11);
      const auto method =
          make({{"name", word("clipped-asgd")}, {"step_size", num(step)}, {"clip_radius", word("auto")}}, kWorkers);
      const auto run =
          test::simulate(bowl, times, *method, {.workers = kWorkers, .run = test::stop_after_updates(1500)});
      ASSERT_EQ(run.arrivals.size(), 1500u);
      // The run once more, by its records, to the last bit: points, moves and radii.
      using Point = std::array<float, kDimension>;
      std::vector<Point> x = {{1, 1, 1}}, moves;
      std::vector<double> radii;
      methods::AutoRadius radius;
      for (const ArrivalRecord& a : run.arrivals) {
        radii.push_back(radius.now());
        const double factor = a.norm > radius.now() ? radius.now() / a.norm : 1.0;
        ASSERT_NEAR(std::abs(a.coefficient), step * factor, 1e-15 * step);
        Stream stream(1, Purpose::gradient_noise, a.order.worker, a.order.index);
        Point move = {}, next = x.back();
        for (std::size_t j = 0; j < kDimension; ++j) {
          const float xi = noise > 0 ? static_cast<float>(noise * stream.normal()) : 0.0f;
          move[j] = static_cast<float>(std::abs(a.coefficient)) * (x[a.order.version][j] + xi);
          next[j] -= move[j];
        }
        moves.push_back(move);
        x.push_back(next);
        radius.observe(a.norm);
      }
      EXPECT_THAT(run.x, testing::ElementsAreArray(x.back()));
      for (std::size_t t = 8; t < 1500; ++t) {
        std::array<double, kDimension> drift = {};
        for (std::size_t s = t; s < 1500; ++s) {
          if (run.arrivals[s].order.version > t) continue;
          for (std::size_t j = 0; j < kDimension; ++j) drift[j] += moves[s][j];
        }
        const double length = std::hypot(drift[0], drift[1], drift[2]);
        ASSERT_LE(length, (1 + 1e-6) * step * radii[t] * kWorkers) << step << ' ' << noise << ' ' << t;
        ASSERT_LE(radii[t], t > 8 ? radii[t - 1] : kInfinity);
      }
    }
  }
}

// Eight fast workers, eight slower ones, 400 s; the loss at the end over that at the start. Without clipping steps
// above 1/4 explode, since eight gradients come at once; a radius that followed the norms followed them to 1e43.
struct Ending {
  double step = 0.8, slow = 8.0;
  std::int64_t dimension = 8;
  double noise = 0.0;
};
double end_of(SettingValue clip_radius, const Ending& world) {
  SettingValue::Table table = {{"dimension", whole(world.dimension)}};
  if (world.noise > 0)
    table["noise"] = test::table({{"kind", word("sub-weibull")}, {"scale", num(world.noise)}, {"tail", num(2.71)}});
  Settings settings(std::move(table), "problem");
  problems::ProblemCatalogue catalogue;
  const auto quadratic = catalogue.row("quadratic").make(settings, {.workers = 16, .seed = 1, .data_root = {}});
  const test::FixedTimes times = test::FixedTimes::fast_and_slow(8, 8, world.slow);
  const auto method = make(
      {{"name", word("clipped-asgd")}, {"step_size", num(world.step)}, {"clip_radius", std::move(clip_radius)}}, 16);
  const auto run = test::simulate(*quadratic, times, *method, {.workers = 16, .run = test::stop_after_time(400)});
  const auto loss = [&](std::span<const float> x) {
    return quadratic->metrics(quadratic->make_replica()->evaluate(x, 0, nullptr)).front().value;
  };
  const std::vector<float> start(static_cast<std::size_t>(world.dimension), 1.0f);
  return loss(run.x) / loss(start);
}

TEST(AutoRadius, DoesNotFollowAnExplosion) {
  for (const double noise : {0.0, 3.0}) {
    EXPECT_LT(end_of(word("auto"), {.noise = noise}), 0.1) << noise;
    EXPECT_GT(end_of(num(kInfinity), {.noise = noise}), 1e30) << noise;
  }
}

// Its stable steps are those of a good constant radius: wherever c = 1 ends bounded though the delays do not allow the
// step, auto ends below it; where they allow it, both are near the minimum.
TEST(AutoRadius, IsStableWhereAConstantIs) {
  for (const std::int64_t dimension : {8, 64}) {
    for (const double slow : {8.0, 64.0}) {
      for (const double noise : {0.0, 3.0}) {
        for (const double step : {0.1, 0.2})
          EXPECT_LT(end_of(word("auto"), {step, slow, dimension, noise}), 0.01)
              << dimension << ' ' << slow << ' ' << noise << ' ' << step;
        for (const double step : {0.4, 0.8, 1.6}) {
          const Ending world{step, slow, dimension, noise};
          EXPECT_LE(end_of(word("auto"), world), end_of(num(1), world))
              << dimension << ' ' << slow << ' ' << noise << ' ' << step;
        }
      }
    }
  }
}

// Alike in all directions (f = ||x||^2/2) an oscillation passes through the minimum, the norms are as mixed as those of
// noise, and no rule that sees norms alone tells them apart. The scale of the start bounds it then: let c be the first
// norm, R = 16 step c. The sequence y that receives every gradient when it is ordered is within R of x, and moves by
// -step clip(x): nearer to 0 wherever ||y|| (||y|| - R)/(||y|| + R) >= step c/2, so from 17 step c on. Hence
// ||y|| <= max(||x_0|| + R, 18 step c), and ||x|| is at most R more.
TEST(AutoRadius, IsBoundedByTheScaleOfItsStart) {
  for (const double step : {0.3, 0.4, 0.8, 1.6, 6.4}) {
    const test::Bowl bowl({.dimension = 8});
    const test::FixedTimes times = test::FixedTimes::fast_and_slow(8, 8, 8);
    const auto method =
        make({{"name", word("clipped-asgd")}, {"step_size", num(step)}, {"clip_radius", word("auto")}}, 16);
    RunOptions options = test::stop_after_time(400);
    options.evaluate_every = {.time = from_seconds(1.0)};
    const auto run = test::simulate(bowl, times, *method, {.workers = 16, .run = options});
    const double first = std::sqrt(8.0), within = std::max(first + 16 * step * first, 18 * step * first);
    for (const EvaluationRecord& e : run.evaluations)
      ASSERT_LE(std::sqrt(2 * e.metrics[0].value), within + 16 * step * first) << step;
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
