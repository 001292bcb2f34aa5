// SPDX-License-Identifier: Apache-2.0
// Methods whose clients make local steps: policies by hand numbers, traces by hand, losses and returns, mistakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "methods/policies/step/staleness_function.hpp"
#include "methods/policies/step/weight.hpp"
#include "support/bowl_world.hpp"
#include "support/settings.hpp"

namespace tardigrad {
namespace {

using test::Away;
using test::coefficients;
using test::delays;
using test::error_of;
using test::num;
using test::table;
using test::times;
using test::whole;
using test::word;
using testing::ElementsAre;
using testing::HasSubstr;

// Clients of the bowl world: a local step of size 1/2 halves the way to b_i.
using World = test::BowlWorld;
test::Outcomes run(const World& world, SettingValue::Table settings, std::uint64_t updates) {
  return world.run(std::move(settings), updates);
}

// K local steps of size 1/2.
SettingValue::Table federated(const char* name, std::int64_t steps, SettingValue::Table more = {}) {
  more["name"] = word(name);
  more["local_steps"] = whole(steps);
  more["local_step_size"] = num(0.5);
  return more;
}
SettingValue::Table and_also(SettingValue::Table settings, const char* key, SettingValue value) {
  settings[key] = std::move(value);
  return settings;
}

TEST(StalenessFunction, ByHand) {
  using Kind = methods::StalenessFunction::Kind;
  const methods::StalenessFunction constant{.step_size = 0.5};
  EXPECT_EQ(constant.at(1000), 0.5);
  const methods::StalenessFunction root{.step_size = 0.5, .kind = Kind::polynomial};
  EXPECT_EQ(root.at(0), 0.5);
  EXPECT_EQ(root.at(3), 0.25);
  const methods::StalenessFunction inverse{.step_size = 0.5, .kind = Kind::polynomial, .a = 1.0};
  EXPECT_DOUBLE_EQ(inverse.at(3), 0.125);
  const methods::StalenessFunction hinge{.step_size = 0.5, .kind = Kind::hinge, .a = 10.0, .b = 4.0};
  EXPECT_EQ(hinge.at(4), 0.5);       // delays up to b, that one too, keep their weight
  EXPECT_EQ(hinge.at(5), 0.5 / 11);  // 10 (5 - 4) + 1
}

TEST(PolynomialWeight, ByHand) {
  EXPECT_EQ(methods::PolynomialWeight{0.5}.of(0), 1.0);
  EXPECT_EQ(methods::PolynomialWeight{0.5}.of(15), 0.25);
  EXPECT_EQ(methods::PolynomialWeight{0.0}.of(15), 1.0);
  EXPECT_DOUBLE_EQ(methods::PolynomialWeight{2.0}.of(3), 1.0 / 16);
}

// Two clients of 1 s and 2.5 s, K = 1: y = x_{t-tau}/2. alpha = 1/2, hinge with a = b = 1: halved for a delay of 2.
//   t       1    2    2.5  3    4    5    5
//   client  0    0    1    0    0    1    0
//   from    x0   x1   x0   x2   x4   x3   x5
//   delay   0    0    2    1    0    2    1
//   x1 = 1/2 + 1/4 = 0.75              x2 = 0.375 + 0.1875 = 0.5625       x3 = 3/4 x2 + 1/4 * 1/2 = 0.546875
//   x4 = x3/2 + x2/4 = 0.4140625       x5 = 3/4 x4 = 0.310546875          x6 = 3/4 x5 + 1/4 x3/2 = 0.30126953125
//   x7 = x6/2 + x5/4
TEST(HandTrace, FedAsync) {
  const SettingValue::Table settings =
      federated("fedasync", 1, {{"step_size", num(0.5)}, {"staleness", word("hinge")}, {"a", num(1)}, {"b", num(1)}});
  const auto outcomes = run({.seconds = {1.0, 2.5}}, settings, 7);
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.5, 0.5, 0.25, 0.5, 0.5, 0.25, 0.5));
  EXPECT_THAT(delays(outcomes), ElementsAre(0, 0, 2, 1, 0, 2, 1));
  EXPECT_EQ(outcomes.x[0], 0.30126953125f / 2 + 0.310546875f / 4);
}

TEST(FedAsync, PolynomialUnlessToldOtherwise) {
  const SettingValue::Table settings = federated("fedasync", 1, {{"step_size", num(0.5)}});
  EXPECT_THAT(coefficients(run({.seconds = {1.0, 2.5}}, settings, 4)),
              ElementsAre(0.5, 0.5, 0.5 / std::sqrt(3.0), 0.5 / std::sqrt(2.0)));
  const SettingValue::Table constant = and_also(settings, "staleness", word("constant"));
  EXPECT_THAT(coefficients(run({.seconds = {1.0, 2.5}}, constant, 4)), ElementsAre(0.5, 0.5, 0.5, 0.5));
}

// K = 2, rho = 1/2: y1 = 0.5; u = 0.5 + 0.5 (0.5 - 1) = 0.25, y2 = 0.375; x1 = 0.5 + 0.5 * 0.375; x2 = 0.6875 x1.
TEST(FedAsync, LocalStepsArePulledBack) {
  const SettingValue::Table settings =
      federated("fedasync", 2, {{"step_size", num(0.5)}, {"proximal_weight", num(0.5)}});
  const auto outcomes = run({.seconds = {1.0}}, settings, 2);
  EXPECT_THAT(times(outcomes), ElementsAre(2, 4));
  EXPECT_EQ(outcomes.x[0], 0.6875f * 0.6875f);
}

// The delay of 2 is too much: no version, and x3 = x2/2 + x2/4.
TEST(FedAsync, DropsWhatIsTooStale) {
  SettingValue::Table settings = federated("fedasync", 1, {{"step_size", num(0.5)}, {"max_staleness", whole(1)}});
  const auto outcomes = run({.seconds = {1.0, 2.5}}, settings, 3);
  EXPECT_EQ(outcomes.arrivals[2].outcome, Outcome::discarded);
  EXPECT_EQ(outcomes.x[0], 0.5625f * 0.75f);
}

// The same clients, K = 1, B = 2, weights 1/(1 + tau). D = x_{t-tau}/2.
//   t=1, 2: D = 1/2 twice: x1 = 1 - 1/2                        t=2.5: client 1, x0, delay 1: 1/4
//   t=3: x1, 1/4: x2 = 0.5 - 0.25                              t=4: x2: 0.125
//   t=5: client 1, x1, delay 1: 0.125: x3 = 0.25 - 0.125       t=5: client 0, x2, delay 1: 0.0625
//   t=6: x3: 0.0625: x4 = 0.125 - 0.0625
TEST(HandTrace, FedBuff) {
  const SettingValue::Table settings =
      federated("fedbuff", 1, {{"buffer_size", whole(2)}, {"staleness_exponent", num(1)}});
  const auto outcomes = run({.seconds = {1.0, 2.5}}, settings, 4);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 3, 4, 5, 5, 6));
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.5, 0.5, 0.25, 0.5, 0.5, 0.25, 0.25, 0.5));
  EXPECT_EQ(outcomes.x[0], 0.0625f);
}

// With the exponent 1/2 the delay of 1 weighs sqrt(1/2): x2 = 0.5 - (sqrt(1/2)/2 + 0.25)/2.
TEST(FedBuff, WeighsByTheRootOfTheStaleness) {
  const auto outcomes = run({.seconds = {1.0, 2.5}}, federated("fedbuff", 1, {{"buffer_size", whole(2)}}), 2);
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.5, 0.5, 0.5 * (1 / std::sqrt(2.0)), 0.5));
  EXPECT_NEAR(outcomes.x[0], 0.375 - std::sqrt(0.5) / 4, 1e-7);
}

// max_staleness = 0: at t = 2.5 client 1 is dropped and goes on at x1; x2 = 0.5 - (0.25 + 0.25)/2 at t = 4.
TEST(FedBuff, DropsWhatIsTooStale) {
  const SettingValue::Table settings =
      federated("fedbuff", 1, {{"buffer_size", whole(2)}, {"max_staleness", whole(0)}});
  const auto outcomes = run({.seconds = {1.0, 2.5}}, settings, 2);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 3, 4));
  EXPECT_EQ(outcomes.arrivals[2].outcome, Outcome::discarded);
  EXPECT_EQ(outcomes.x[0], 0.25f);
}

// One client, B = 1, K = 2: D = 3/4 x. m: 0.75; 0.375 + 0.1875 = 0.5625.  x: 0.25; -0.3125
TEST(FedBuff, ServerMomentum) {
  const SettingValue momentum = table({{"rule", word("momentum")}, {"momentum", num(0.5)}});
  const SettingValue::Table settings = federated("fedbuff", 2, {{"buffer_size", whole(1)}, {"update", momentum}});
  EXPECT_EQ(run({.seconds = {1.0}}, settings, 2).x[0], -0.3125f);
}

// Concurrency 1 of three clients. Who was drawn first vanishes at 0.5 s: somebody else begins at once.
TEST(FedBuff, ReplacesAClientThatVanishes) {
  const SettingValue::Table settings = federated("fedbuff", 1, {{"buffer_size", whole(1)}, {"concurrency", whole(1)}});
  const WorkerId first = run({.seconds = {1.0, 1.0, 1.0}}, settings, 1).arrivals[0].order.worker;
  const Away away(first, 0.5, 100.0);
  const auto outcomes = run({.seconds = {1.0, 1.0, 1.0}, .availability = &away}, settings, 3);
  EXPECT_THAT(times(outcomes), ElementsAre(0.5, 1.5, 2.5, 3.5));
  EXPECT_EQ(outcomes.arrivals[0].outcome, Outcome::lost);
  for (std::size_t k = 1; k < 4; ++k) EXPECT_NE(outcomes.arrivals[k].order.worker, first);
}

// n = M = 2, K = 1, the clients of 1 s and 2.5 s; D = x_{t-tau}/2.
//   t    D          a                             update
//   1    0.5        0.5
//   2    0.5        0.5 + 0.5 - 0.5 = 0.5         v = 0 + 0.25, x1 = 0.75; hbar = 0.25
//   2.5  0.5 (1)    0.5
//   3    0.375      0.5 + 0.375 - 0.5 = 0.375     v = 0.25 + 0.1875, x2 = 0.3125; hbar = (0.375 + 0.5)/2 = 0.4375
//   4    0.15625    0.15625 - 0.375 = -0.21875
//   5    0.375 (1)  a + 0.375 - 0.5 = -0.34375    v = 0.4375 - 0.171875 = 0.265625, x3 = 0.046875; hbar = 0.265625
//   5    0.15625    0
//   6    0.0234375  0.0234375 - 0.15625           v = 0.265625 - 0.06640625 = 0.19921875, x4 = x3 - v
TEST(HandTrace, Ca2fl) {
  const auto outcomes = run({.seconds = {1.0, 2.5}}, federated("ca2fl", 1, {{"buffer_size", whole(2)}}), 4);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2, 2.5, 3, 4, 5, 5, 6));
  EXPECT_EQ(outcomes.x[0], 0.046875f - 0.19921875f);
}

// M = 1, n = 2: the buffer counts fully, hbar moves by half of it.
//   t    D           v                                  hbar after
//   1    0.5         0.5:              x1 = 0.5         0.25
//   2    0.25        0.25 - 0.25:      x2 = 0.5         0.125
//   2.5  0.5 (1)     0.125 + 0.5:      x3 = -0.125      0.375
//   3    0.25        0.375 + 0:        x4 = -0.5        0.375
//   4    -0.25       0.375 - 0.5:      x5 = -0.375      0.125
//   5    -0.0625 (1) 0.125 - 0.5625:   x6 = 0.0625
TEST(HandTrace, Ca2flOfOne) {
  const SettingValue::Table settings = federated("ca2fl", 1, {{"buffer_size", whole(1)}});
  EXPECT_EQ(run({.seconds = {1.0, 2.5}}, settings, 5).x[0], -0.375f);
  EXPECT_EQ(run({.seconds = {1.0, 2.5}}, settings, 6).x[0], 0.0625f);
}

// As before until t = 3; client 1 is away from 3.25 to 4.75, then begins at x5 and brings -0.1875 at 7.25.
//   t  D          v                                                  hbar after
//   5  -0.1875    0.125 + 0.0625 = 0.1875:       x6 = -0.5625        0.15625
//   6  -0.28125   0.15625 - 0.09375 = 0.0625:    x7 = -0.625         0.109375
//   7  -0.3125    0.109375 - 0.03125:            x8 = -0.703125      0.09375
//   7.25          its h = 0.5 was kept: a = -0.6875, v = 0.09375 - 0.6875 = -0.59375, x9 = -0.109375
TEST(HandTrace, Ca2flRemembersWhoVanished) {
  const Away away(1, 3.25, 4.75);
  const SettingValue::Table settings = federated("ca2fl", 1, {{"buffer_size", whole(1)}});
  EXPECT_EQ(run({.seconds = {1.0, 2.5}, .availability = &away}, settings, 9).x[0], -0.109375f);
}

// What is remembered is what was applied. n = M = 1, where v = clip(D): c halves D = 1/2; x: 0.75, 0.5, 0.25, 0.125.
TEST(Ca2fl, RemembersWhatWasClipped) {
  const SettingValue::Table settings =
      federated("ca2fl", 1, {{"buffer_size", whole(1)}, {"clip_radius", num(std::sqrt(2.0) / 4)}});
  EXPECT_NEAR(run({.seconds = {1.0}}, settings, 2).x[0], 0.5, 1e-6);
  EXPECT_NEAR(run({.seconds = {1.0}}, settings, 4).x[0], 0.125, 1e-6);
}

// beta2 = 0: v = g^2, which falls; the largest stays 1, and with epsilon = 1 every step is m/2.
//   m: 0.5, 0.25 + 0.375 = 0.625, 0.3125 + 0.21875 = 0.53125;  x: 0.75, 0.4375, 0.171875
TEST(Update, AmsgradKeepsTheLargest) {
  const SettingValue rule =
      table({{"rule", word("amsgrad")}, {"beta1", num(0.5)}, {"beta2", num(0)}, {"epsilon", num(1)}});
  const SettingValue::Table settings = {{"name", word("vanilla-asgd")}, {"step_size", num(1)}, {"update", rule}};
  const float expected[] = {0.75f, 0.4375f, 0.171875f};
  for (std::uint64_t k = 1; k <= 3; ++k) EXPECT_EQ(run({.seconds = {1.0}}, settings, k).x[0], expected[k - 1]) << k;
}

// Clients of 1 s and 5.5 s, K = 1, M = 2, delay_threshold = 1, eta = 0.75. D = x_{t-tau}/2; in the third buffer lies a
// delay of 2: min(0.75, 1/2).
//   t=1, 2: x0, x0   t=3, 4: x1, x1   t=5: x2, t=5.5: client 1, x0   t=6: x2, t=7: x3   t=8, 9: x4, x4
TEST(HandTrace, Fadas) {
  const SettingValue rule = table({{"beta1", num(0.5)}, {"beta2", num(0.75)}, {"epsilon", num(0.0625)}});
  const SettingValue::Table settings =
      federated("fadas", 1,
                {{"buffer_size", whole(2)}, {"step_size", num(0.75)}, {"delay_threshold", whole(1)}, {"update", rule}});
  const auto outcomes = run({.seconds = {1.0, 5.5}}, settings, 5);
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.375, 0.375, 0.375, 0.375, 0.375, 0.25, 0.375, 0.375, 0.375, 0.375));
  const std::size_t points[5][2] = {{0, 0}, {1, 1}, {2, 0}, {2, 3}, {4, 4}};
  std::vector<double> x = {1.0};
  double m = 0.0, v = 0.0, largest = 0.0;
  for (std::size_t k = 0; k < 5; ++k) {
    const double mean = (x[points[k][0]] + x[points[k][1]]) / 4;
    m = 0.5 * m + 0.5 * mean;
    v = 0.75 * v + 0.25 * mean * mean;
    largest = std::max(largest, v);
    x.push_back(x.back() - (k == 2 ? 0.5 : 0.75) * m / (std::sqrt(largest) + 0.0625));
  }
  EXPECT_NEAR(x[1], 1 - 0.75 * 0.25 / (0.25 + 0.0625), 1e-15);
  EXPECT_NEAR(outcomes.x[0], x[5], 1e-6);  // five float32 steps of numbers below 1
}

// 1/tau = 1/2 is more than eta: nothing to shrink. The threshold is the concurrency unless it is given.
TEST(Fadas, ShrinksStepsOfStaleBuffersOnly) {
  SettingValue::Table settings = federated("fadas", 1, {{"buffer_size", whole(2)}, {"step_size", num(0.25)}});
  settings["delay_threshold"] = whole(1);
  EXPECT_EQ(run({.seconds = {1.0, 5.5}}, settings, 3).arrivals[5].coefficient, 0.125);
  settings["step_size"] = num(0.75);
  settings.erase("delay_threshold");
  EXPECT_EQ(run({.seconds = {1.0, 5.5}}, settings, 3).arrivals[5].coefficient, 0.375);
}

// Three clients with 1, 1 and 2 examples and centres 0, 1 and 2; K = 2: D = 3/4 (x - b). The weighted mean of the
// centres is 5/4: x <- x/4 + 15/16. Weighted alike it is 1, where x already is.
TEST(HandTrace, FedAvg) {
  const World world{.seconds = {1.0, 2.0, 4.0}, .centres = {0.0f, 1.0f, 2.0f}, .examples = {1, 1, 2}};
  const auto outcomes = run(world, federated("fedavg", 2), 2);
  EXPECT_THAT(times(outcomes), ElementsAre(2, 4, 8, 10, 12, 16));
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.25, 0.25, 0.5, 0.25, 0.25, 0.5));
  EXPECT_EQ(outcomes.result.counters.delay_max, 0u);
  EXPECT_EQ(outcomes.x[0], 1.1875f / 4 + 0.9375f);
  const auto alike = run(world, federated("fedavg", 2, {{"weighting", word("uniform")}}), 2);
  EXPECT_NEAR(alike.arrivals[0].coefficient, 1.0 / 3, 1e-15);
  EXPECT_NEAR(alike.x[0], 1.0, 1e-6);
}

// Client 2 is away from 1.5 to 3.5. K = 1: D = (x - b)/2.
//   round 1, until 2: clients 0 and 1: (0.5 + 0)/2: x1 = 0.75        round 2, until 4: (0.375 - 0.125)/2: x2 = 0.625
//   round 3, until 8, with client 2 again: (0.3125 - 0.1875 - 2 * 0.6875)/4: x3 = 0.9375
TEST(HandTrace, FedAvgShrinksARoundThatLosesSomebody) {
  const Away away(2, 1.5, 3.5);
  const World world{
      .seconds = {1.0, 2.0, 4.0}, .centres = {0.0f, 1.0f, 2.0f}, .examples = {1, 1, 2}, .availability = &away};
  const auto outcomes = run(world, federated("fedavg", 1), 3);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 1.5, 2, 3, 4, 5, 6, 8));
  EXPECT_EQ(outcomes.arrivals[1].outcome, Outcome::lost);
  EXPECT_EQ(outcomes.arrivals[0].coefficient, 0.25);  // what was to be expected then
  EXPECT_EQ(outcomes.arrivals[2].coefficient, 0.5);
  EXPECT_EQ(outcomes.x[0], 0.9375f);
}

// The one who was waited for vanishes at 2.5: the round ends there, and the next begins, of client 0 alone.
TEST(FedAvg, NobodyWaitsForTheDead) {
  const Away away(1, 2.5, 100.0);
  const auto outcomes = run({.seconds = {1.0, 4.0}, .availability = &away}, federated("fedavg", 1), 2);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 2.5, 3.5));
  EXPECT_EQ(outcomes.x[0], 0.25f);
}

// The only client is away from 1.5 to 3.5: its second round begins anew.
TEST(FedAvg, ARoundThatHasLostAllBeginsAnew) {
  const Away away(0, 1.5, 3.5);
  const auto outcomes = run({.seconds = {1.0}, .availability = &away}, federated("fedavg", 1), 2);
  EXPECT_THAT(times(outcomes), ElementsAre(1, 1.5, 4.5));
  EXPECT_EQ(outcomes.x[0], 0.25f);
}

// mu = 1/2, K = 3, but 2.5 s are enough for two steps of client 0 and, as one is always made, one of client 1 (3 s).
//   client 0: y1 = 0.5; u = 0.5 + 0.5 (0.5 - 1), y2 = 0.375: D = 0.625 x.    client 1: D = 0.5 x.
//   x <- x - 0.5625 x
TEST(HandTrace, FedProx) {
  const SettingValue::Table settings =
      federated("fedprox", 3, {{"proximal_weight", num(0.5)}, {"time_budget", num(2.5)}});
  const auto outcomes = run({.seconds = {1.0, 3.0}}, settings, 3);
  EXPECT_THAT(times(outcomes), ElementsAre(2, 3, 5, 6, 8, 9));
  EXPECT_EQ(outcomes.arrivals[0].order.steps_done, 2u);
  EXPECT_EQ(outcomes.arrivals[1].order.steps_done, 1u);
  EXPECT_EQ(outcomes.x[0], 0.4375f * 0.4375f * 0.4375f);
}

// As above with mu = 0, client 1 at b = 2, and FedNova: client 0 makes two steps, D = 3/4 x, client 1 one, D = (x -
// 2)/2. a = 2 and 1, tau = 3/2: x <- x - 3/2 (3/8 x + (x - 2)/2)/2 = x - 21/32 x + 3/4. Without: x - 5/8 x + 1/2.
TEST(HandTrace, FedNova) {
  SettingValue::Table settings = federated("fedprox", 3, {{"proximal_weight", num(0)}, {"time_budget", num(2.5)}});
  const World world{.seconds = {1.0, 3.0}, .centres = {0.0f, 2.0f}};
  EXPECT_EQ(run(world, settings, 1).x[0], 1 - 0.625f + 0.5f);
  settings["normalise"] = SettingValue{true};
  const auto outcomes = run(world, settings, 2);
  const float x1 = 1 - 21.0f / 32 + 0.75f;
  EXPECT_FLOAT_EQ(outcomes.x[0], x1 - 21.0f / 32 * x1 + 0.75f);
  // 3/2 / a / 2 of what they brought: 3/8 and 3/4. Of client 0's the end of the round is not known yet: tau = 2.
  EXPECT_THAT(coefficients(outcomes), ElementsAre(0.5, 0.75, 0.5, 0.75));
}

// mu = 1/2, eta = 1/2: a = (1 - (3/4)^2)/(1/4) = 7/4 and 1. D = 5/8 x and (x - 2)/2; tau = 11/8.
//   x <- x - 11/8 (5/14 x + (x - 2)/2)/2
TEST(HandTrace, FedNovaWithAPull) {
  SettingValue::Table settings = federated("fedprox", 3, {{"proximal_weight", num(0.5)}, {"time_budget", num(2.5)}});
  settings["normalise"] = SettingValue{true};
  const auto outcomes = run({.seconds = {1.0, 3.0}, .centres = {0.0f, 2.0f}}, settings, 1);
  EXPECT_NEAR(outcomes.x[0], 1 - 11.0 / 16 * (5.0 / 14 - 0.5), 1e-6);
}

// Equal clients at 0 and 1; one has the time for three local steps, the other for one. Where they come to rest: partial
// work stands with rho = 1 - (1 - eta)^K for b = 1, near 1/4 for small steps; normalised with rho/K, near 1/2.
TEST(FedNova, MakesUpForPartialWork) {
  const auto rest = [](bool normalise) {
    SettingValue::Table settings = federated("fedprox", 3, {{"proximal_weight", num(0)}, {"time_budget", num(3.5)}});
    settings["local_step_size"] = num(0.0625);
    settings["normalise"] = SettingValue{normalise};
    return run({.seconds = {1.0, 3.0}, .centres = {0.0f, 1.0f}}, settings, 400).x[0];
  };
  const double eta = 0.0625, three = 1 - std::pow(1 - eta, 3);
  EXPECT_NEAR(rest(false), eta / (eta + three), 1e-5);
  EXPECT_NEAR(rest(true), eta / (eta + three / 3), 1e-5);
  EXPECT_NEAR(rest(false), 0.25, 0.02);
  EXPECT_NEAR(rest(true), 0.5, 0.02);
}

// m = 2 of three asked; client 2, far away at 9, is always stopped. K = 1: the mean of x/2 and (x - 1)/2:
// x <- x/2 + 1/4: 0.75, 0.625, 0.5625 at 2, 4, 6 s.
TEST(HandTrace, PapayaSync) {
  SettingValue::Table settings = federated("papaya-sync", 1, {{"over_selection", num(1.5)}});
  const World world{.seconds = {1.0, 2.0, 4.0}, .centres = {0.0f, 1.0f, 9.0f}};
  const auto plain = run(world, and_also(settings, "update", table({{"rule", word("sgd")}})), 3);
  EXPECT_THAT(times(plain), ElementsAre(1, 2, 2, 3, 4, 4, 5, 6, 6));
  for (const std::size_t k : {2, 5, 8}) EXPECT_EQ(plain.arrivals[k].outcome, Outcome::cancelled);
  EXPECT_EQ(plain.x[0], 0.5625f);
  // Adam unless told otherwise: its first step has the length of the step size.
  settings["step_size"] = num(0.125);
  EXPECT_NEAR(run(world, settings, 1).x[0], 0.875, 1e-6);
}

// Of three asked two vanish: the first is no loss, as two are enough; with the second the round is one of one.
TEST(PapayaSync, OverSelectionMakesUpForLosses) {
  const SettingValue::Table settings = federated("papaya-sync", 1, {{"over_selection", num(1.5)}});
  const Away one(0, 0.5, 100.0);
  EXPECT_THAT(times(run({.seconds = {1.0, 2.0, 4.0}, .availability = &one}, settings, 1)), ElementsAre(0.5, 2, 4));
  const Away last(1, 1.5, 100.0);
  // Round 1 is made by clients 0 (at 1) and 2 (at 4); round 2, of those two, ends at 8.
  EXPECT_THAT(times(run({.seconds = {1.0, 2.0, 4.0}, .availability = &last}, settings, 2)),
              ElementsAre(1, 1.5, 4, 5, 8));
}

// One client, K = 2. Local clipping: ||g|| = sqrt 2 is halved: y1 = 0.75; by 2/3: y2 = 0.5. D = 0.5 is halved by the
// server: x1 = 0.75.
TEST(Federated, ClientAndServerClip) {
  const std::pair<const char*, SettingValue::Table> methods[] = {
      {"fedavg", {}},
      {"fedprox", {{"proximal_weight", num(0)}}},
      {"papaya-sync", {{"update", table({{"rule", word("sgd")}})}}},
      {"fedasync", {{"step_size", num(1)}}},
      {"fedbuff", {{"buffer_size", whole(1)}}},
      {"ca2fl", {{"buffer_size", whole(1)}}},
      {"fadas", {{"buffer_size", whole(1)}, {"step_size", num(1)}, {"update", table({{"rule", word("sgd")}})}}}};
  for (const auto& [name, more] : methods) {
    SettingValue::Table settings = federated(name, 2, more);
    settings["local_clip_radius"] = num(std::sqrt(0.5));
    EXPECT_NEAR(run({.seconds = {1.0}}, settings, 1).x[0], 0.5, 1e-6) << name;
    settings["clip_radius"] = num(std::sqrt(2.0) / 4);
    const auto outcomes = run({.seconds = {1.0}}, settings, 1);
    EXPECT_NEAR(outcomes.x[0], 0.75, 1e-6) << name;
    EXPECT_EQ(outcomes.result.counters.clipped, 1u) << name;
  }
}

TEST(FederatedSettings, EveryMistakeHasItsLine) {
  const auto fedasync = [&](SettingValue::Table more, std::int64_t steps = 2) {
    more.insert({"step_size", num(0.5)});
    return federated("fedasync", steps, std::move(more));
  };
  const auto fedbuff = [&](SettingValue::Table more) {
    more.insert({"buffer_size", whole(2)});
    return federated("fedbuff", 2, std::move(more));
  };
  const std::pair<SettingValue::Table, const char*> mistakes[] = {
      {{{"name", word("fedavg")}}, "method.local_step_size: is missing; it must be a number > 0"},
      {federated("fedavg", 0), "method.local_steps = 0: must be an integer in [1, 1000000]"},
      {federated("fedavg", 2, {{"local_clip_radius", num(0)}}), "method.local_clip_radius = 0.0: must be a number > 0"},
      {federated("fedavg", 2, {{"clients_per_round", whole(5)}}),
       "method.clients_per_round = 5: must be an integer in [1, 4]"},
      {federated("fedavg", 2, {{"weighting", word("example")}}),
       "method.weighting = \"example\": must be one of examples, examples-ratio, uniform; did you mean `examples`?"},
      {federated("fedavg", 2, {{"sampling", word("example")}}), "method.sampling = \"example\": must be one of"},
      {federated("fedavg", 2, {{"sampling", word("examples")}, {"weighting", word("examples")}}),
       "method.weighting = \"examples\": counts the examples twice with sampling = \"examples\""},
      {federated("fedprox", 2, {{"proximal_weight", num(0)}, {"normalise", SettingValue{true}}}),
       "method.normalise = true: has no effect: without a time_budget"},
      {federated("fedprox", 2,
                 {{"proximal_weight", num(2)}, {"time_budget", num(1)}, {"normalise", SettingValue{true}}}),
       "needs local_step_size * proximal_weight < 1"},
      {federated("fedavg", 2, {{"step_size", num(0)}}), "method.step_size = 0.0: must be a number > 0"},
      {federated("fedavg", 2, {{"proximal_weight", num(1)}}), "method.proximal_weight = 1.0: unknown key"},
      {federated("fedavg", 2, {{"over_selection", num(2)}}), "method.over_selection = 2.0: unknown key"},
      {federated("fedprox", 2), "method.proximal_weight: is missing; it must be a number >= 0"},
      {federated("fedprox", 2, {{"proximal_weight", num(-1)}}), "must be a number >= 0"},
      {federated("fedprox", 1, {{"proximal_weight", num(1)}}),
       "method.proximal_weight = 1.0: has no effect with local_steps = 1: that step starts at x"},
      {federated("fedprox", 1, {{"proximal_weight", num(0)}, {"time_budget", num(1)}}),
       "method.time_budget = 1.0: has no effect with local_steps = 1: one step is always made"},
      {federated("fedprox", 2, {{"proximal_weight", num(1)}, {"time_budget", num(0)}}), "must be a number > 0"},
      {federated("papaya-sync", 2, {{"over_selection", num(0.9)}}),
       "method.over_selection = 0.9: must be a number in [1, 4]"},
      {federated("papaya-sync", 2, {{"clients_per_round", whole(4)}}),
       "method.clients_per_round = 4: must be an integer in [1, 3]"},  // 5.2 of 4 cannot be asked
      {federated("fedasync", 2), "method.step_size: is missing; it must be a number in (0, 1]"},
      {federated("fedasync", 2, {{"step_size", num(1.5)}}), "method.step_size = 1.5: must be a number in (0, 1]"},
      {fedasync({{"staleness", word("hing")}}), "must be one of constant, polynomial, hinge; did you mean `hinge`?"},
      {fedasync({{"staleness", word("constant")}, {"a", num(1)}}), "method.a = 1.0: unknown key"},
      {fedasync({{"b", num(1)}}), "method.b = 1.0: unknown key"},  // polynomial has none
      {fedasync({{"a", num(0)}}), "method.a = 0.0: must be a number > 0"},
      {fedasync({{"staleness", word("hinge")}, {"b", num(-1)}}), "method.b = -1.0: must be a number >= 0"},
      {fedasync({{"proximal_weight", num(1)}}, 1), "has no effect with local_steps = 1"},
      {fedasync({{"max_staleness", whole(-1)}}), "method.max_staleness = -1: must be an integer"},
      {federated("fedbuff", 2), "method.buffer_size: is missing; it must be an integer"},
      {fedbuff({{"buffer_size", whole(0)}}), "method.buffer_size = 0: must be an integer"},
      {fedbuff({{"staleness_exponent", num(-1)}}), "method.staleness_exponent = -1.0: must be a number >= 0"},
      {fedbuff({{"concurrency", whole(5)}}), "method.concurrency = 5: must be an integer in [1, 4]"},
      {fedbuff({{"max_staleness", num(1.5)}}), "method.max_staleness = 1.5: must be an integer"},
      {federated("ca2fl", 2), "method.buffer_size: is missing"},
      {federated("ca2fl", 2, {{"buffer_size", whole(2)}, {"staleness_exponent", num(1)}}), "unknown key"},
      {federated("fadas", 2, {{"buffer_size", whole(2)}}), "method.step_size: is missing; it must be a number > 0"},
      {federated("fadas", 2, {{"buffer_size", whole(2)}, {"step_size", num(1)}, {"delay_threshold", whole(0)}}),
       "method.delay_threshold = 0: must be an integer >= 1"},
  };
  for (const auto& [settings, line] : mistakes) EXPECT_THAT(error_of(settings), HasSubstr(line));
  // Nothing is wrong with these.
  EXPECT_EQ(error_of(federated("fedprox", 1, {{"proximal_weight", num(0)}})), "no error");
  EXPECT_EQ(error_of(federated("papaya-sync", 2)), "no error");
  EXPECT_EQ(error_of(federated("papaya-sync", 2), 1), "no error");
}

// 1.3 * 10 clients are asked, and of 13 workers not one too many.
TEST(PapayaSync, AsksThirtyPercentMore) {
  const World world{.seconds = std::vector<double>(13, 1.0)};
  const auto outcomes = run(world, federated("papaya-sync", 1, {{"clients_per_round", whole(10)}}), 1);
  EXPECT_EQ(outcomes.result.counters.applied, 10u);
  EXPECT_EQ(outcomes.result.counters.cancelled, 3u);
}

}  // namespace
}  // namespace tardigrad
