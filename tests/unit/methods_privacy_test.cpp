// SPDX-License-Identifier: Apache-2.0
// Noise, the count of participations, and what both are worth: by hand numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "core/zcdp.hpp"
#include "methods/policies/privacy/privacy.hpp"
#include "support/fake_world.hpp"
#include "support/settings.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using methods::Contribution;
using methods::Privacy;
using test::error_of;
using test::make;
using test::num;
using test::table;
using test::whole;
using test::word;
using testing::HasSubstr;

SettingValue privacy(SettingValue::Table rest = {}) {
  rest.try_emplace("noise_multiplier", num(2));
  return {std::move(rest)};
}

double figure(const Method& method, const std::string& name) {
  for (const Metric& metric : method.figures())
    if (metric.name == name) return metric.value;
  ADD_FAILURE() << "no figure " << name;
  return 0.0;
}

// rho a^2 + ln(1 + a) = ln(1/delta) with a = 1, rho = 1: delta = 1/(2 e), epsilon = 2 rho - ln 2 + rho.
TEST(Zcdp, ByHand) {
  EXPECT_EQ(zcdp_rho(2.0, 1.0), 0.125);
  EXPECT_EQ(zcdp_rho(4.0, 10.0), 100.0 / 32);  // ten contributions under one draw, not ten times 1/32
  EXPECT_NEAR(zcdp_epsilon(1.0, 0.5 * std::exp(-1.0)), 3 - std::log(2.0), 1e-14);
  EXPECT_EQ(zcdp_epsilon(0.0, 1e-5), 0.0);
}

// What OpenDP 0.14 publishes of its own conversion by the same proposition: the guide on its combinators (Gaussian of
// scale 1/2, delta = 1e-6) and zCDP_to_approxDP/test.rs (scale 4, delta = 1e-3; and epsilon = 0 at that delta).
TEST(Zcdp, AgreesWithPublishedValues) {
  EXPECT_NEAR(zcdp_epsilon(zcdp_rho(0.5, 1.0), 1e-6), 11.688596249354896, 1e-13);
  EXPECT_NEAR(zcdp_epsilon(zcdp_rho(4.0, 1.0), 1e-3), 0.6880024554878086, 1e-14);
  EXPECT_NEAR(zcdp_epsilon(zcdp_rho(4.0, 1.0), 0.1508457845622862), 0.0, 1e-15);
}

// The exact delta of Gaussian noise whose mean is moved by mu deviations (Balle, Wang, arXiv 1805.06530, theorem 8).
double gaussian_delta(double mu, double epsilon) {
  const auto tail = [](double x) { return 0.5 * std::erfc(x / std::sqrt(2.0)); };
  return tail(epsilon / mu - mu / 2) - std::exp(epsilon) * tail(epsilon / mu + mu / 2);
}

// No bound on what the exact curve of the Gaussian exceeds, and no worse than the formula by hand. mu = sqrt(2 rho).
TEST(Zcdp, CoversTheExactGaussianAndIsNoWorseThanTheFormulaByHand) {
  EXPECT_NEAR(gaussian_delta(1.0, 1.0), 0.126936737507, 1e-12);  // Dong, Roth, Su, arXiv 1905.02383, equation (6)
  for (const double delta : {1e-12, 1e-9, 1e-5, 1e-3, 0.1, 0.5, 0.99})
    for (double rho = 1e-12; rho < 300; rho *= 1.7) {
      const double epsilon = zcdp_epsilon(rho, delta);
      EXPECT_LE(gaussian_delta(std::sqrt(2 * rho), epsilon), delta) << rho << ' ' << delta;
      EXPECT_LE(epsilon, rho + 2 * std::sqrt(rho * std::log(1 / delta))) << rho << ' ' << delta;
    }
}

TEST(Zcdp, GrowsWithRhoAndFallsWithDeltaEverywhere) {
  const std::vector<double> deltas = {1e-320, 1e-300, 1e-30, 1e-5, 0.1, 0.9, 1 - 1e-12, 1 - 1.2e-16};
  double last_rho = 0.0;
  for (double rho = 1e-300; rho < 1e300; last_rho = rho, rho *= 7) {
    double smaller_delta = std::numeric_limits<double>::infinity();
    for (const double delta : deltas) {
      const double epsilon = zcdp_epsilon(rho, delta);
      ASSERT_TRUE(std::isfinite(epsilon) && epsilon >= 0.0) << rho << ' ' << delta;
      EXPECT_LE(epsilon, smaller_delta * (1 + 1e-14)) << rho << ' ' << delta;
      EXPECT_LE(zcdp_epsilon(last_rho, delta), epsilon * (1 + 1e-14)) << rho << ' ' << delta;
      smaller_delta = epsilon;
    }
  }
  EXPECT_EQ(zcdp_epsilon(std::numeric_limits<double>::infinity(), 1e-5), std::numeric_limits<double>::infinity());
}

TEST(Zcdp, MostSquares) {
  EXPECT_EQ(most_squares(7, 3), 9 + 9 + 1);
  EXPECT_EQ(most_squares(7, 1), 7);
  EXPECT_EQ(most_squares(7, 10), 49);
  EXPECT_EQ(most_squares(4e9, 1e9), 4e18);
}

// Nobody computes for ever what nobody may use: with P = 3 two workers make six updates, and the run has come to its
// end.
TEST(Privacy, ARunEndsWhenNobodyMayTakePart) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  for (const char* dispatch : {"same", "uniform"}) {
    const auto method = make({{"name", word("clipped-asgd")},
                              {"step_size", num(0.5)},
                              {"clip_radius", num(1)},
                              {"dispatch", word(dispatch)},
                              {"privacy", privacy({{"max_participations", whole(3)}})}},
                             2);
    const auto run = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_time(1000)});
    EXPECT_EQ(run.result.reason, StopReason::idle) << dispatch;
    EXPECT_EQ(run.result.counters.updates, 6u) << dispatch;
    EXPECT_LE(run.result.counters.discarded, 2u) << dispatch;  // orders that were queued already
    std::map<WorkerId, int> applied;
    for (const ArrivalRecord& a : run.arrivals) applied[a.order.worker] += a.outcome == Outcome::applied;
    EXPECT_EQ(applied, (std::map<WorkerId, int>{{0, 3}, {1, 3}})) << dispatch;
    EXPECT_EQ(figure(*method, "epsilon"), figure(*method, "epsilon_limit"));
  }
}

// Two workers of 1 s and 2.5 s, z = 2: after 5 updates worker 0 has four participations, rho = 4/8 = 1/2.
TEST(Privacy, FiguresCountTheLargestParticipation) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  const auto method = make({{"name", word("clipped-asgd")},
                            {"step_size", num(0.5)},
                            {"clip_radius", num(1)},
                            {"privacy", privacy({{"delta", num(std::exp(-8.0))}, {"max_participations", whole(9)}})}},
                           2);
  test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(5)});
  EXPECT_EQ(figure(*method, "largest_participations"), 4.0);
  EXPECT_EQ(figure(*method, "rho"), 0.5);
  EXPECT_EQ(figure(*method, "epsilon"), zcdp_epsilon(0.5, std::exp(-8.0)));
  EXPECT_EQ(figure(*method, "epsilon_limit"), zcdp_epsilon(9.0 / 8, std::exp(-8.0)));
  EXPECT_EQ(figure(*method, "delta"), std::exp(-8.0));
}

// x after one update: 1 - gamma (g factor + z C N_j), g = (1, 1), C = 1/2.
TEST(Privacy, NoiseGoesInAfterClipping) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0});
  SettingValue::Table settings = {{"name", word("clipped-asgd")}, {"step_size", num(0.25)}, {"clip_radius", num(0.5)}};
  const auto plain = make(settings, 1);
  const auto clipped = test::simulate(bowl, times, *plain, {.run = test::stop_after_updates(1)});
  settings["privacy"] = privacy();
  const auto noisy = make(settings, 1);
  const auto run = test::simulate(bowl, times, *noisy, {.run = test::stop_after_updates(1)});
  for (std::size_t j = 0; j < 2; ++j) {
    const double noise = (clipped.x[j] - run.x[j]) / (0.25 * 2.0 * 0.5);
    EXPECT_NE(noise, 0.0);
    EXPECT_LT(std::abs(noise), 6.0);
  }
  EXPECT_EQ(run.arrivals[0].coefficient, clipped.arrivals[0].coefficient);
}

// The variance of what one update adds, over d coordinates: v = sum/d with relative standard deviation sqrt(2/d), so
// within 5 sqrt(2/d) in all but one of 1.7 million cases; the mean within 5/sqrt(d).
double noise_deviation(const SettingValue::Table& settings, std::uint64_t arrivals, double step) {
  constexpr std::size_t kDimension = 20000;
  const test::Bowl bowl({.dimension = kDimension});
  const test::FixedTimes times({1.0});
  SettingValue::Table plain_settings = settings;
  plain_settings.erase("privacy");
  const auto plain = make(plain_settings, 1), noisy = make(settings, 1);
  test::WorldOptions options{.run = {.stop = {.gradients = arrivals}}};
  const auto without = test::simulate(bowl, times, *plain, options);
  const auto with = test::simulate(bowl, times, *noisy, options);
  double sum = 0.0, squares = 0.0;
  for (std::size_t j = 0; j < kDimension; ++j) {
    const double noise = (static_cast<double>(without.x[j]) - with.x[j]) / step;
    sum += noise;
    squares += noise * noise;
  }
  const double deviation = std::sqrt(squares / kDimension);
  EXPECT_LT(std::abs(sum) / kDimension, 5 * deviation / std::sqrt(static_cast<double>(kDimension)));
  return deviation;
}
const double kMargin = 5 * std::sqrt(2.0 / 20000) / 2;  // of a deviation: half of that of a variance

TEST(Privacy, NoiseOfAnArrivalIsCalibrated) {
  const SettingValue::Table settings = {
      {"name", word("clipped-asgd")}, {"step_size", num(0.5)}, {"clip_radius", num(3)}, {"privacy", privacy()}};
  EXPECT_NEAR(noise_deviation(settings, 1, 0.5), 2.0 * 3.0, 6.0 * kMargin);
}

// z C/K on the mean of K = 4.
TEST(Privacy, NoiseOfABufferIsCalibrated) {
  const SettingValue::Table settings = {{"name", word("ht-delay-lr")}, {"step_size", num(0.5)},
                                        {"clip_radius", num(3)},       {"scheme", word("buffered")},
                                        {"buffer_size", whole(4)},     {"privacy", privacy()}};
  EXPECT_NEAR(noise_deviation(settings, 4, 0.5), 2.0 * 3.0 / 4, 1.5 * kMargin);
}

// With z = 2 and noise 2 on the count the updates pay z' = (1/4 - 1/16)^(-1/2) = 4/sqrt 3: rho is that of z.
TEST(Privacy, APrivateRadiusIsPaidForByTheUpdates) {
  const SettingValue::Table settings = {
      {"name", word("clipped-asgd")},
      {"step_size", num(0.5)},
      {"clip_radius", num(3)},
      {"clipping", table({{"rule", word("quantile")}, {"every", whole(1)}, {"noise", num(2)}})},
      {"privacy", privacy()}};
  SettingValue::Table without = settings;
  without["clipping"] = table({{"rule", word("norm")}});
  const double z = 4 / std::sqrt(3.0);
  EXPECT_NEAR(zcdp_rho(z, 1) + zcdp_rho(2.0, 0.5), zcdp_rho(2, 1), 1e-15);
  // The plain run of the comparison has no noise on its count, and the first arrivals use the same radius anyway.
  const test::Bowl bowl({.dimension = 20000});
  const test::FixedTimes times({1.0});
  const auto with_radius = make(settings, 1), fixed = make(without, 1);
  const auto a = test::simulate(bowl, times, *with_radius, {.run = test::stop_after_updates(1)});
  const auto b = test::simulate(bowl, times, *fixed, {.run = test::stop_after_updates(1)});
  // The same normal draws, scaled by z' and z: (x_a - x_0)/(x_b - x_0) - u cancels in the ratio of the deviations.
  double squares_a = 0.0, squares_b = 0.0;
  const double clipped = 1.0 - 0.5 * 3.0 / std::sqrt(20000.0);
  for (std::size_t j = 0; j < a.x.size(); ++j) {
    squares_a += (a.x[j] - clipped) * (a.x[j] - clipped);
    squares_b += (b.x[j] - clipped) * (b.x[j] - clipped);
  }
  EXPECT_NEAR(std::sqrt(squares_a / squares_b), z / 2, 1e-5);
}

// A buffer that saw two radii gets noise for the larger one.
TEST(Privacy, TheLargestRadiusOfABufferCounts) {
  Settings settings({{"privacy", privacy()}}, "method");
  Privacy made(settings, {.workers = 1, .seed = 5}, Contribution{.of = 2});
  made.set_noise(settings, {.updates = 2.0});
  const auto noise_of = [&] {
    VectorProgram program;
    made.noised(program, {}, 7);
    return program.statements().back();
  };
  made.takes_part(0, 1.0, 4.0);
  made.takes_part(0, 1.0, 1.0);
  const VectorProgram::Statement first = noise_of();
  EXPECT_EQ(first.op, VectorProgram::Op::noise);
  EXPECT_EQ(first.a, 2.0 * 4.0 / 2);
  EXPECT_EQ(first.seed, 5u);
  EXPECT_EQ(first.index, 7u);
  made.takes_part(0, 1.0, 1.0);
  EXPECT_EQ(noise_of().a, 2.0 * 1.0 / 2);  // the next direction begins anew
}

SettingValue::Table fedbuff(std::int64_t size, SettingValue::Table rest) {
  return {{"name", word("fedbuff")}, {"buffer_size", whole(size)},   {"local_step_size", num(0.5)},
          {"clip_radius", num(1)},   {"staleness_exponent", num(0)}, {"privacy", privacy(std::move(rest))}};
}

// Two workers of 1 s and 20 s, B = 10, z = 4, 479 s: 477 contributions of the fast one in 50 buffers. One draw of noise
// covers all that a buffer holds of it: in 27 buffers all ten, in 22 nine, and one that is not full is not released.
TEST(Privacy, ContributionsToOneReleaseCostTheSquareOfTheirNumber) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 20.0});
  const auto method = make(fedbuff(10, {{"noise_multiplier", num(4)}}), 2);
  const auto run = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_time(479)});
  std::map<WorkerId, double> squares;
  std::map<std::uint64_t, std::map<WorkerId, double>> buffers;
  for (const ArrivalRecord& a : run.arrivals)
    if (a.outcome == Outcome::applied) ++buffers[(&a - run.arrivals.data()) / 10][a.order.worker];
  for (const auto& [number, shares] : buffers)
    if (number < run.result.counters.updates)
      for (const auto& [worker, contributions] : shares) squares[worker] += contributions * contributions;
  EXPECT_EQ(figure(*method, "largest_participations"), 479.0);
  EXPECT_EQ(figure(*method, "contributions_per_release"), 10.0);
  EXPECT_NEAR(figure(*method, "rho"), squares[0] / 32, 1e-9);
  EXPECT_GT(figure(*method, "rho"), 9 * 479.0 / 32);  // nine times what counting contributions gives, and more
}

// With m = 2 of B = 4 and workers of 1 s, 1 s and 10 s the fast ones wait for the slow one: orders begin only where
// they can be used, every buffer holds at most two of each, and rho is that of what happened.
TEST(Privacy, AWorkerAtItsBoundWaitsForTheNextRelease) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 1.0, 10.0});
  for (const char* name : {"fedbuff", "ht-delay-lr"}) {
    SettingValue::Table settings = fedbuff(5, {{"contributions_per_release", whole(2)}});
    if (std::string(name) == "ht-delay-lr")
      settings = {{"name", word(name)},      {"step_size", num(0.5)},
                  {"clip_radius", num(1)},   {"scheme", word("buffered")},
                  {"buffer_size", whole(5)}, {"privacy", privacy({{"contributions_per_release", whole(2)}})}};
    const auto method = make(settings, 3);
    const auto run = test::simulate(bowl, times, *method, {.workers = 3, .run = test::stop_after_updates(4)});
    // Updates at 10, 20, 30, 40: each of two fast contributions twice, and one slow one.
    EXPECT_EQ(run.result.time, from_seconds(40)) << name;
    EXPECT_EQ(run.result.counters.discarded, 0u) << name;
    EXPECT_EQ(run.result.counters.applied, 20u) << name;
    EXPECT_EQ(figure(*method, "rho"), 4 * 4.0 / 8) << name;
  }
}

// Workers 0 and 1 fill their shares; worker 2, which would bring the fifth, is gone for good: what there is is
// released.
TEST(Privacy, ABufferThatNobodyCanFillIsReleasedAsItIs) {
  struct Gone final : Availability {
    Time first_join(WorkerId) const override { return Time{0}; }
    Time uptime(WorkerId worker, std::uint64_t) const override { return worker == 2 ? from_seconds(0.5) : Time::max(); }
    Time downtime(WorkerId, std::uint64_t) const override { return from_seconds(1e6); }
  } gone;
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 1.5, 1.0});
  const auto method = make(fedbuff(5, {{"contributions_per_release", whole(2)}}), 3);
  const auto run =
      test::simulate(bowl, times, *method, {.workers = 3, .run = test::stop_after_updates(3), .availability = &gone});
  EXPECT_EQ(run.result.reason, StopReason::updates);
  EXPECT_EQ(run.result.time, from_seconds(9));  // each time when worker 1 has brought two
  EXPECT_EQ(run.result.counters.applied, 12u);
  EXPECT_EQ(figure(*method, "rho"), 3 * 4.0 / 8);
}

// Five of P = 8 contributions in one buffer, three in the next, which others fill: (25 + 9)/8.
TEST(Privacy, TheLimitCountsTheLargestReleases) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 7.0});
  const auto method = make(fedbuff(5, {{"max_participations", whole(8)}, {"contributions_per_release", whole(5)}}), 2);
  test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_time(1000)});
  EXPECT_EQ(figure(*method, "epsilon_limit"), zcdp_epsilon((25 + 9) / 8.0, 1e-5));
  EXPECT_EQ(figure(*method, "rho"), (25 + 9) / 8.0);
}

// Of the first count of four norms the fast one may give two: z = 2 on the updates, one norm in a count costs m/(8
// s^2).
TEST(Privacy, ACountOfNormsIsAReleaseToo) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 10.0, 10.0});
  const auto method = make({{"name", word("clipped-asgd")},
                            {"step_size", num(1e-3)},
                            {"clip_radius", num(1)},
                            {"clipping", table({{"rule", word("quantile")}, {"every", whole(4)}, {"noise", num(2)}})},
                            {"privacy", privacy({{"contributions_per_release", whole(2)}})}},
                           3);
  // 18 + 2 + 2 arrivals by 20.5 s, the counts complete at 10 s (two of worker 0, one of 1, one of 2) and at 20 s.
  test::simulate(bowl, times, *method, {.workers = 3, .run = test::stop_after_time(20.5)});
  const double updates = 1 / std::sqrt(1 / 4.0 - 2 / 16.0);  // 1/z'^2 = 1/z^2 - m/(2 s)^2
  EXPECT_NEAR(figure(*method, "rho"), zcdp_rho(updates, 1) * 20 + 2 * 4 / (8 * 4.0), 1e-12);
  // So that no arrival costs more than z says.
  EXPECT_LE(figure(*method, "rho"), zcdp_rho(2.0, 1.0) * 20 + 1e-12);
}

// A gradient of infinities enters as 0, and nobody learns of it: the same orders, the same versions, the same account.
TEST(Privacy, WhatIsNotFiniteEntersAsNothing) {
  const test::FixedTimes times({1.0, 2.5});
  const auto run = [&](double explode, const char* rule) {
    const test::Bowl bowl({.explode_below_index = explode});
    const auto method = make({{"name", word("ht-delay-lr")},
                              {"step_size", num(0.5)},
                              {"scheme", word("buffered")},
                              {"buffer_size", whole(3)},
                              {"clip_radius", num(1)},
                              {"clipping", table({{"rule", word(rule)}})},
                              {"privacy", privacy()}},
                             2);
    auto outcomes = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(6)});
    outcomes.result.method = method->figures();
    return outcomes;
  };
  for (const char* rule : {"norm", "block", "quantile"}) {
    const auto finite = run(-1, rule), infinite = run(1, rule);
    EXPECT_EQ(infinite.result.reason, StopReason::updates) << rule;
    ASSERT_EQ(infinite.arrivals.size(), finite.arrivals.size()) << rule;
    for (std::size_t i = 0; i < finite.arrivals.size(); ++i) {
      const ArrivalRecord &a = finite.arrivals[i], &b = infinite.arrivals[i];
      EXPECT_EQ(a.order.id, b.order.id);
      EXPECT_EQ(a.time, b.time);
      EXPECT_EQ(b.outcome, Outcome::applied);
      EXPECT_EQ(b.coefficient == 0.0, b.order.index > 1) << rule;
    }
    for (const float x : infinite.x) EXPECT_TRUE(std::isfinite(x)) << rule;
    EXPECT_EQ(infinite.result.method[2].value, finite.result.method[2].value) << rule;
  }
}

TEST(Privacy, ExactSharesAreNoFigures) {
  const auto method = make(
      {{"name", word("clipped-asgd")}, {"step_size", num(0.5)}, {"clip_radius", num(1)}, {"privacy", privacy()}}, 2);
  std::vector<std::string> names;
  for (const Metric& metric : method->figures()) names.push_back(metric.name);
  EXPECT_THAT(names, testing::ElementsAre("clip_radius", "epsilon", "delta", "rho", "largest_participations",
                                          "contributions_per_release"));
}

TEST(PrivacySettings, HalfOfTheWorkersCanFillARelease) {
  const auto bound = [](std::int64_t size, std::size_t workers) {
    return figure(*make(fedbuff(size, {}), workers), "contributions_per_release");
  };
  EXPECT_EQ(bound(10, 100), 1);
  EXPECT_EQ(bound(10, 20), 1);
  EXPECT_EQ(bound(10, 19), 1);
  EXPECT_EQ(bound(10, 18), 2);
  EXPECT_EQ(bound(10, 2), 10);
  EXPECT_EQ(bound(10, 1), 10);
}

TEST(PrivacySettings, EveryRefusalHasItsLine) {
  const auto error = [](SettingValue::Table more, SettingValue::Table rest = {}) {
    more["step_size"] = num(1);
    if (!more.count("name")) more["name"] = word("vanilla-asgd");
    more["privacy"] = privacy(std::move(rest));
    return error_of(std::move(more));
  };
  EXPECT_THAT(error({}), HasSubstr("an infinite radius has none; give a clip_radius, or clipping = { rule = "
                                   "\"quantile\" }"));
  EXPECT_THAT(error({{"clip_radius", word("auto")}}), HasSubstr("clip_radius = \"auto\" has none"));
  EXPECT_THAT(error({{"clipping", table({{"rule", word("autoclip")}})}}), HasSubstr("rule = \"autoclip\" has none"));
  EXPECT_THAT(error({{"clip_radius", num(1)}, {"clipping", table({{"rule", word("coordinate")}})}}),
              HasSubstr("rule = \"coordinate\" has none"));
  EXPECT_THAT(error({{"clipping", table({{"rule", word("quantile")}, {"noise", num(1)}})}}),
              HasSubstr("method.clipping.noise = 1.0: must be above 2.23607, so that something is left of "
                        "privacy.noise_multiplier for the updates"));  // 4 workers, 5 of 10 norms: (z/2) sqrt 5
  EXPECT_THAT(error({{"clip_radius", num(1)}}, {{"delta", num(1)}}),
              HasSubstr("method.privacy.delta = 1.0: must be a number in (0, 1)"));
  EXPECT_THAT(error({{"clip_radius", num(1)}}, {{"max_participations", whole(0)}}),
              HasSubstr("method.privacy.max_participations = 0: must be an integer"));
  EXPECT_THAT(error_of({{"name", word("vanilla-asgd")},
                        {"step_size", num(1)},
                        {"clip_radius", num(1)},
                        {"privacy", table({{"delta", num(0.1)}})}}),
              HasSubstr("method.privacy.noise_multiplier: is missing; it must be a number in [1e-06, 1000000000]"));
  EXPECT_THAT(error({{"clip_radius", num(1)}}, {{"contributions_per_release", whole(2)}}),
              HasSubstr("method.privacy.contributions_per_release = 2: has no effect: every arrival is released by "
                        "itself"));
  EXPECT_THAT(
      error_of(fedbuff(10, {{"contributions_per_release", whole(2)}})),
      HasSubstr("method.privacy.contributions_per_release = 2: 4 workers never fill a buffer of 10 with so many "
                "each; must be at least 3"));
  EXPECT_THAT(error({{"clipping", table({{"rule", word("quantile")}})}}, {{"contributions_per_release", whole(2)}}),
              HasSubstr("method.privacy.contributions_per_release = 2: 4 workers never fill a count of 10 with so many "
                        "each; must be at least 3"));
  for (const char* name : {"ringleader-asgd", "ia2sgd", "dc-asgd", "minibatch-sgd"})
    EXPECT_THAT(error({{"name", word(name)}, {"clip_radius", num(1)}}), HasSubstr("this method has no private form"))
        << name;
  EXPECT_THAT(error({{"name", word("malenia-sgd")}, {"clip_radius", num(1)}, {"batch_target", whole(4)}}),
              HasSubstr("this method has no private form"));
}

TEST(PrivacySettings, WeightsAboveOneAreRefused) {
  Settings settings({{"privacy", privacy()}}, "method");
  try {
    Privacy(settings, {}, Contribution{.largest_weight = 1.5});
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("needs weights of at most 1, and this method's go up to 1.5"));
  }
}

}  // namespace
}  // namespace tardigrad
