// SPDX-License-Identifier: Apache-2.0
// Update rules and schedules by hand numbers: one worker, f = ||x||^2/2, x0 = (1, 1), so that g = x and both
// coordinates go the same way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "methods/policies/step/schedule.hpp"
#include "support/fake_world.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using methods::Schedule;
using test::make;
using test::num;
using test::whole;
using test::word;
using testing::HasSubstr;

SettingValue table(SettingValue::Table entries) { return {std::move(entries)}; }

SettingValue::Table serial(double step, SettingValue update) {
  return {{"name", word("vanilla-asgd")}, {"step_size", num(step)}, {"update", std::move(update)}};
}

float after(std::uint64_t updates, SettingValue::Table settings) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0});
  const auto method = make(std::move(settings), 1);
  const auto run = test::simulate(bowl, times, *method, {.workers = 1, .run = test::stop_after_updates(updates)});
  EXPECT_EQ(run.x[0], run.x[1]);
  return run.x[0];
}

// m: 1, 0.5 + 0.5 = 1, 0.5 + 0 = 0.5, 0.25 - 0.25 = 0, -0.25;  x: 0.5, 0, -0.25, -0.25, -0.125
TEST(Update, Momentum) {
  const SettingValue rule = table({{"rule", word("momentum")}, {"momentum", num(0.5)}});
  const float expected[] = {0.5f, 0.0f, -0.25f, -0.25f, -0.125f};
  for (std::uint64_t k = 1; k <= 5; ++k) EXPECT_EQ(after(k, serial(0.5, rule)), expected[k - 1]) << k;
}

// m: 1, 0.75, 0.3125;  x: 1 - 0.5 (1 + 0.5), 0.25 - 0.5 (0.25 + 0.375), -0.0625 - 0.5 (-0.0625 + 0.15625)
TEST(Update, Nesterov) {
  const SettingValue rule = table({{"rule", word("nesterov")}, {"momentum", num(0.5)}});
  const float expected[] = {0.25f, -0.0625f, -0.109375f};
  for (std::uint64_t k = 1; k <= 3; ++k) EXPECT_EQ(after(k, serial(0.5, rule)), expected[k - 1]) << k;
}

// First step: m^ = g, v^ = g^2, so x1 = 1 - 0.25 = 0.75 whatever the scale of g. Second: m = 0.25 + 0.375 = 0.625,
// v = 0.25 + 0.28125 = 0.53125, both over 0.75: x2 = 0.75 - 0.25 (0.625/0.75) / sqrt(0.53125/0.75).
TEST(Update, Adam) {
  const SettingValue rule =
      table({{"rule", word("adam")}, {"beta1", num(0.5)}, {"beta2", num(0.5)}, {"epsilon", num(1e-30)}});
  EXPECT_EQ(after(1, serial(0.25, rule)), 0.75f);
  EXPECT_NEAR(after(2, serial(0.25, rule)), 0.75 - 0.25 * (0.625 / 0.75) / std::sqrt(0.53125 / 0.75), 4e-7);
}

// Decoupled: x1 = (1 - 0.25 * 0.5) * 1 - 0.25. Coupled, in Adam: u = 1 + 0.5, and its scale does not matter.
TEST(Update, WeightDecayOfAdamAndAdamW) {
  SettingValue::Table rule = {
      {"beta1", num(0.5)}, {"beta2", num(0.5)}, {"epsilon", num(1e-30)}, {"weight_decay", num(0.5)}};
  rule["rule"] = word("adamw");
  EXPECT_EQ(after(1, serial(0.25, table(rule))), 0.625f);
  rule["rule"] = word("adam");
  EXPECT_EQ(after(1, serial(0.25, table(rule))), 0.75f);
}

// u = clip(g) + 0.5 x: with ||g|| = sqrt 2 and c = sqrt(2)/2 that is 0.5 + 0.5, and x1 = 1 - 0.5; decay is not clipped.
TEST(Update, WeightDecayComesAfterClipping) {
  SettingValue::Table settings = serial(0.5, table({{"weight_decay", num(0.5)}}));
  EXPECT_EQ(after(1, settings), 0.25f);  // unclipped: 1 - 0.5 (1 + 0.5)
  settings["clip_radius"] = num(std::sqrt(0.5));
  EXPECT_NEAR(after(1, settings), 0.5, 1e-7);
}

// x1 = 1 - 0.5 = 0.5, then: soft(0.5, 0.5 * 0.5) = 0.25;  0.5/(1 + 0.5);  both: 0.25/1.5
TEST(Update, ProximalStep) {
  EXPECT_EQ(after(1, serial(0.5, table({{"l1", num(0.5)}}))), 0.25f);
  EXPECT_FLOAT_EQ(after(1, serial(0.5, table({{"l2", num(1.0)}}))), 0.5f / 1.5f);
  EXPECT_FLOAT_EQ(after(1, serial(0.5, table({{"l1", num(0.5)}, {"l2", num(1.0)}}))), 0.25f / 1.5f);
  EXPECT_EQ(after(1, serial(0.5, table({{"l1", num(2.0)}}))), 0.0f);  // the threshold swallows x
}

TEST(Update, SgdWithoutExtrasIsThePlainStep) {
  EXPECT_EQ(after(7, serial(0.3, table({{"rule", word("sgd")}}))),
            after(7, {{"name", word("vanilla-asgd")}, {"step_size", num(0.3)}}));
  // beta = 0: momentum is SGD, bitwise.
  EXPECT_EQ(after(7, serial(0.3, table({{"rule", word("momentum")}, {"momentum", num(0.0)}}))),
            after(7, {{"name", word("vanilla-asgd")}, {"step_size", num(0.3)}}));
}

// Rounds hand their mean to the rule: both workers bring g = x, so that the means are the serial gradients.
TEST(Update, MomentumUnderRounds) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.0});
  const auto method = make({{"name", word("minibatch-sgd")},
                            {"step_size", num(0.5)},
                            {"update", table({{"rule", word("momentum")}, {"momentum", num(0.5)}})}},
                           2);
  const auto run = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(5)});
  EXPECT_EQ(run.x[0], -0.125f);
}

TEST(Update, EveryMistakeHasItsLine) {
  const auto complaint = [](SettingValue update) -> std::string {
    try {
      make(serial(0.1, std::move(update)), 1);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(complaint(table({{"rule", word("adm")}})), HasSubstr("method.update.rule = \"adm\": must be one of"));
  EXPECT_THAT(complaint(table({{"momentum", num(0.9)}})), HasSubstr("method.update.momentum = 0.9: unknown key"));
  EXPECT_THAT(complaint(table({{"rule", word("momentum")}, {"momentum", num(1.0)}})), HasSubstr("must be a number"));
  EXPECT_THAT(complaint(table({{"l1", num(-1.0)}})), HasSubstr("must be a number >= 0"));
  EXPECT_THAT(complaint(table({{"rule", word("adam")}, {"epsilon", num(0.0)}})), HasSubstr("must be a number > 0"));
}

TEST(Schedule, Multipliers) {
  EXPECT_EQ(Schedule{}.at(1000), 1.0);
  EXPECT_TRUE(Schedule{}.is_constant());
  const Schedule warm{.warm_up = 4};
  EXPECT_FALSE(warm.is_constant());
  for (const auto& [t, factor] : {std::pair{0, 0.25}, {1, 0.5}, {3, 1.0}, {9, 1.0}})
    EXPECT_EQ(warm.at(static_cast<Version>(t)), factor) << t;
  const Schedule cosine{.kind = Schedule::Kind::cosine, .updates = 10, .final = 0.1};
  EXPECT_EQ(cosine.at(0), 1.0);
  EXPECT_NEAR(cosine.at(5), 0.55, 1e-15);
  EXPECT_NEAR(cosine.at(10), 0.1, 1e-15);
  EXPECT_EQ(cosine.at(10), cosine.at(1000));
  const Schedule root{.kind = Schedule::Kind::inverse_square_root, .updates = 2};
  EXPECT_EQ(root.at(0), 1.0);
  EXPECT_EQ(root.at(6), 0.5);
}

// gamma_t = 0.5 * (0.5, 1, 1): x = 0.75, 0.375, 0.1875
TEST(Schedule, FollowsTheVersions) {
  const SettingValue::Table settings = {
      {"name", word("vanilla-asgd")}, {"step_size", num(0.5)}, {"schedule", table({{"warm_up", whole(2)}})}};
  EXPECT_EQ(after(3, settings), 0.1875f);
}

TEST(Schedule, EveryMistakeHasItsLine) {
  const auto complaint = [](SettingValue schedule) -> std::string {
    try {
      make({{"name", word("vanilla-asgd")}, {"step_size", num(1)}, {"schedule", std::move(schedule)}}, 1);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(complaint(table({{"kind", word("cosin")}})), HasSubstr("did you mean `cosine`?"));
  EXPECT_THAT(complaint(table({{"kind", word("cosine")}})), HasSubstr("method.schedule.updates: is missing"));
  EXPECT_THAT(complaint(table({{"updates", whole(5)}})), HasSubstr("unknown key"));
}

}  // namespace
}  // namespace tardigrad
