// SPDX-License-Identifier: Apache-2.0
// Noise, the count of participations, and what both are worth: by hand numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "core/zcdp.hpp"
#include "methods/privacy/privacy.hpp"
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
  rest["noise_multiplier"] = num(2);
  return {std::move(rest)};
}

double figure(const Method& method, const std::string& name) {
  for (const Metric& metric : method.figures())
    if (metric.name == name) return metric.value;
  ADD_FAILURE() << "no figure " << name;
  return 0.0;
}

// z = 2, 8 releases: rho = 8/(2*4) = 1; delta = e^-4: epsilon = 1 + 2 sqrt 4 = 5.
TEST(Zcdp, ByHand) {
  EXPECT_EQ(zcdp_rho(2.0, 8.0), 1.0);
  EXPECT_NEAR(zcdp_epsilon(1.0, std::exp(-4.0)), 5.0, 1e-14);
  EXPECT_EQ(zcdp_epsilon(0.0, 1e-5), 0.0);
  // z = 1, one release, delta = 1e-5: 1/2 + 2 sqrt(11.512925/2) = 5.298526
  EXPECT_NEAR(zcdp_epsilon(zcdp_rho(1.0, 1.0), 1e-5), 5.298526, 1e-6);
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
  EXPECT_NEAR(figure(*method, "epsilon"), 0.5 + 2 * std::sqrt(0.5 * 8), 1e-12);
  EXPECT_NEAR(figure(*method, "epsilon_limit"), 9.0 / 8 + 2 * std::sqrt(9.0 / 8 * 8), 1e-12);
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
  const SettingValue::Table settings = {{"name", word("clipped-asgd")},
                                        {"step_size", num(0.5)},
                                        {"clip_radius", num(3)},
                                        {"clipping", table({{"rule", word("quantile")}, {"noise", num(2)}})},
                                        {"privacy", privacy()}};
  SettingValue::Table without = settings;
  without["clipping"] = table({{"rule", word("norm")}});
  const double z = 4 / std::sqrt(3.0);
  EXPECT_NEAR(zcdp_rho(z, 1) + zcdp_rho(2 * 2.0, 1), zcdp_rho(2, 1), 1e-15);
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
  const auto noise_of = [&] {
    Pass pass;
    made.noised(pass, {}, 7, made.noise_multiplier());
    return pass.statements().back();
  };
  made.takes_part(0, 4.0);
  made.takes_part(0, 1.0);
  const Pass::Statement first = noise_of();
  EXPECT_EQ(first.op, Pass::Op::noise);
  EXPECT_EQ(first.a, 2.0 * 4.0 / 2);
  EXPECT_EQ(first.seed, 5u);
  EXPECT_EQ(first.index, 7u);
  made.takes_part(0, 1.0);
  EXPECT_EQ(noise_of().a, 2.0 * 1.0 / 2);  // the next direction begins anew
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
              HasSubstr("method.clipping.noise = 1.0: must be above half of privacy.noise_multiplier"));
  EXPECT_THAT(error({{"clip_radius", num(1)}}, {{"delta", num(1)}}),
              HasSubstr("method.privacy.delta = 1.0: must be a number in (0, 1)"));
  EXPECT_THAT(error({{"clip_radius", num(1)}}, {{"max_participations", whole(0)}}),
              HasSubstr("method.privacy.max_participations = 0: must be an integer"));
  EXPECT_THAT(error_of({{"name", word("vanilla-asgd")},
                        {"step_size", num(1)},
                        {"clip_radius", num(1)},
                        {"privacy", table({{"delta", num(0.1)}})}}),
              HasSubstr("method.privacy.noise_multiplier: is missing; it must be a number > 0"));
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
