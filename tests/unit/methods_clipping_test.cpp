// SPDX-License-Identifier: Apache-2.0
// The rules of clipping by hand numbers, and the two methods against heavy tails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "methods/frames/server_step.hpp"
#include "support/fake_world.hpp"
#include "support/settings.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using methods::Clipped;
using methods::Clipping;
using methods::PercentileRadius;
using methods::QuantileRadius;
using test::error_of;
using test::make;
using test::num;
using test::table;
using test::whole;
using test::word;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class Given final : public Gradient {
 public:
  explicit Given(std::vector<float> values) : values_(std::move(values)) {}
  double norm() const override {
    double sum = 0.0;
    for (const float v : values_) sum += static_cast<double>(v) * static_cast<double>(v);
    return std::sqrt(sum);
  }
  std::span<const float> values() const override { return values_; }
  std::span<const float> point() const override { return values_; }

 private:
  std::vector<float> values_;
};

// A server at x = 0 with two tensors of 1 and 3 coordinates, whose update is x <- x - clip(g).
class Server {
 public:
  explicit Server(SettingValue::Table settings, double noise_multiplier = 0.0) : buffers_(4) {
    layout_.add("bias", {1});
    layout_.add("weight", {3});
    Buffer x = buffers_.take();
    std::ranges::fill(x.view(), 0.0f);
    model_.emplace(buffers_, layout_, std::move(x));
    Settings read(std::move(settings), "method");
    clipping_.emplace(read, Clipping::Demand{.noise_multiplier = noise_multiplier, .seed = 1});
    read.finish();
  }
  ~Server() { model_.reset(); }

  bool apply(std::vector<float> values) {
    const Given gradient(std::move(values));
    VectorProgram program;
    const auto [u, clipped] = clipping_->clip({{}, gradient, *model_}, gradient.norm(), program);
    clipping_->observe(gradient.norm());
    program.scale(vec::kModel, -u.factor, u.vector);
    model_->run(program, &gradient);
    return clipped;
  }
  std::vector<float> moved() const {
    const auto x = model_->snapshot().view();
    std::vector<float> moved(x.begin(), x.end());
    for (float& each : moved) each = -each;
    return moved;
  }
  const Clipping& clipping() const { return *clipping_; }
  std::size_t vectors() const { return model_->vectors(); }

 private:
  BufferPool buffers_;
  Layout layout_;
  std::optional<ServerModel> model_;
  std::optional<Clipping> clipping_;
};

// quantile 0.75, rate 0.5, K = 2: from C = 1
//   norms 0.5, 3: one of two within: C = exp(-0.5 (0.5 - 0.75)) = e^0.125
//   norms 1.1, 1.2: e^0.125 = 1.133: one within: C = e^0.25
//   norms 1.2, 1.28: e^0.25 = 1.284: both within: C = e^(0.25 - 0.125)
TEST(QuantileRadius, MovesByTheShareWithin) {
  QuantileRadius radius({.initial = 1.0, .quantile = 0.75, .rate = 0.5, .every = 2});
  const auto observe = [&](double a, double b) {
    const double before = radius.now();
    radius.observe(a);
    EXPECT_EQ(radius.now(), before);  // half of a batch moves nothing
    radius.observe(b);
    return radius.now();
  };
  EXPECT_NEAR(observe(0.5, 3.0), std::exp(0.125), 1e-15);
  EXPECT_NEAR(observe(1.1, 1.2), std::exp(0.25), 1e-15);
  EXPECT_NEAR(observe(1.2, 1.28), std::exp(0.125), 1e-15);
}

TEST(QuantileRadius, StaysWithinItsBounds) {
  QuantileRadius radius({.initial = 1.0, .rate = 100.0, .every = 1});
  radius.observe(0.0);
  EXPECT_EQ(radius.now(), 1e-12);
  radius.observe(1.0);
  radius.observe(1e30);
  EXPECT_EQ(radius.now(), 1e12);
}

// Noise on the count: C after one norm within is exp(-(1 + s N - 1/2)).
TEST(QuantileRadius, NoiseOnTheCountIsThatOfItsStream) {
  QuantileRadius radius({.initial = 1.0, .rate = 1.0, .every = 1, .noise = 3.0, .seed = 7});
  radius.observe(0.5);
  EXPECT_NEAR(std::log(radius.now()), -(0.5 + 3.0 * Stream(7, Purpose::privacy, 1, 0).normal()), 1e-12);
}

// As numpy's percentile: between neighbours, linear.
TEST(PercentileRadius, InterpolatesBetweenNeighbours) {
  PercentileRadius radius({.percentile = 10.0, .window = 100, .initial = 5.0});
  EXPECT_EQ(radius.now(), 5.0);
  const std::array<double, 5> expected = {4.0, 1.3, 1.2, 1.3, 1.4};  // of {4}, {1,4}, {1,2,4}, {1,2,3,4}, {1,2,3,4,9}
  const std::array<double, 5> norms = {4.0, 1.0, 2.0, 3.0, 9.0};
  for (std::size_t i = 0; i < 5; ++i) {
    radius.observe(norms[i]);
    EXPECT_NEAR(radius.now(), expected[i], 1e-15) << i;
  }
}

TEST(PercentileRadius, ForgetsWhatIsOlderThanItsWindow) {
  PercentileRadius median({.percentile = 50.0, .window = 3});
  EXPECT_EQ(median.now(), kInfinity);
  std::vector<double> seen;
  for (const double norm : {5.0, 5.0, 1.0, 2.0, 9.0, 9.0, 0.0}) {
    median.observe(norm);
    seen.push_back(median.now());
  }
  EXPECT_THAT(seen, ElementsAre(5.0, 5.0, 5.0, 2.0, 2.0, 9.0, 9.0));
}

// Against sorting, for windows that go round many times and hold equal norms.
TEST(PercentileRadius, IsThePercentileOfItsWindow) {
  Stream stream(1, Purpose::test);
  PercentileRadius radius({.percentile = 25.0, .window = 17});
  std::vector<double> all;
  for (int i = 0; i < 500; ++i) {
    all.push_back(std::floor(20 * stream.uniform()));
    radius.observe(all.back());
    std::vector<double> last(all.end() - std::min<std::ptrdiff_t>(17, std::ssize(all)), all.end());
    std::ranges::sort(last);
    const double place = 0.25 * static_cast<double>(last.size() - 1), low = std::floor(place);
    const double expected =
        last[static_cast<std::size_t>(low)] +
        (place - low) * (last[static_cast<std::size_t>(std::ceil(place))] - last[static_cast<std::size_t>(low)]);
    ASSERT_NEAR(radius.now(), expected, 1e-12) << i;
  }
}

// c = 2 over d = 1 + 3: c_bias = 2 sqrt(1/4) = 1, c_weight = 2 sqrt(3/4) = sqrt 3; equal: sqrt 2 each.
TEST(ClipBlocks, EveryTensorHasItsShare) {
  Server by_size({{"clip_radius", num(2)}, {"clipping", table({{"rule", word("block")}})}});
  EXPECT_FALSE(by_size.apply({0.5f, 0.5f, 0.5f, 0.5f}));  // norm 1, within the smallest share: nothing is measured
  EXPECT_EQ(by_size.vectors(), 0u);
  EXPECT_FALSE(by_size.apply({0.0f, 1.0f, 0.5f, 0.0f}));  // norm 1.1, but no tensor is too long
  EXPECT_EQ(by_size.vectors(), 0u);
  EXPECT_TRUE(by_size.apply({4.0f, 0.0f, 3.0f, 4.0f}));
  const float part = static_cast<float>(std::sqrt(3.0) / 5.0);
  EXPECT_THAT(by_size.moved(), ElementsAre(1.0f, 0.0f, part * 3.0f, part * 4.0f));
  EXPECT_TRUE(by_size.apply({4.0f, 0.25f, 0.5f, 0.25f}));  // the other tensor comes through as it is
  EXPECT_THAT(by_size.moved(), ElementsAre(1.0f, 0.25f, 0.5f, 0.25f));
  EXPECT_EQ(by_size.vectors(), 1u);

  Server equal({{"clip_radius", num(2)}, {"clipping", table({{"rule", word("block")}, {"shares", word("equal")}})}});
  EXPECT_TRUE(equal.apply({-4.0f, 0.0f, 0.0f, 0.5f}));
  EXPECT_THAT(equal.moved(), ElementsAre(testing::FloatEq(static_cast<float>(-std::sqrt(2.0))), 0.0f, 0.0f, 0.5f));
}

TEST(ClipCoordinates, FromBothSides) {
  Server server({{"clip_radius", num(2)}, {"clipping", table({{"rule", word("coordinate")}, {"low", num(0.5)}})}});
  EXPECT_TRUE(server.apply({3.0f, -0.25f, 0.0f, -1.0f}));
  EXPECT_THAT(server.moved(), ElementsAre(2.0f, -0.5f, 0.0f, -1.0f));
}

// Sure is only: a root mean square above the bound means that a coordinate is.
TEST(ClipCoordinates, CountsWhatItIsSureOf) {
  Server server({{"clip_radius", num(2)}, {"clipping", table({{"rule", word("coordinate")}})}});
  EXPECT_FALSE(server.apply({3.0f, 0.0f, 0.0f, 0.0f}));
  EXPECT_THAT(server.moved(), ElementsAre(2.0f, 0.0f, 0.0f, 0.0f));
  EXPECT_TRUE(server.apply({3.0f, 3.0f, 0.0f, 0.0f}));
}

// The radius that a gradient is clipped by knows nothing of that gradient.
TEST(Clipping, TheRadiusIsSettledBeforeTheGradientIsSeen) {
  const std::vector<SettingValue::Table> tables = {
      {{"clip_radius", word("auto")}},
      {{"clipping", table({{"rule", word("autoclip")}, {"percentile", num(50)}})}},
      {{"clip_radius", num(3)}, {"clipping", table({{"rule", word("quantile")}, {"every", whole(1)}})}}};
  for (const SettingValue::Table& settings : tables) {
    Server calm(settings), wild(settings);
    for (const float g : {3.0f, 2.0f, 4.0f}) {
      calm.apply({g, 0, 0, 0});
      wild.apply({g, 0, 0, 0});
    }
    const auto before = static_cast<float>(calm.clipping().radius());
    calm.apply({100.0f, 0, 0, 0});
    wild.apply({1e6f, 0, 0, 0});
    EXPECT_THAT(calm.moved(), ElementsAre(testing::FloatEq(before), 0, 0, 0));
    EXPECT_THAT(wild.moved(), ElementsAre(testing::FloatEq(before), 0, 0, 0));
  }
}

TEST(Clipping, FiguresTellRadiusAndShare) {
  Server server({{"clip_radius", num(2)}});
  server.apply({1, 0, 0, 0});
  server.apply({3, 0, 0, 0});
  const std::vector<Metric> figures = server.clipping().figures();
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0].name, "clip_radius");
  EXPECT_EQ(figures[0].value, 2.0);
  EXPECT_EQ(figures[1].name, "clip_fraction");
  EXPECT_EQ(figures[1].value, 0.5);
  EXPECT_TRUE(Server({}).clipping().figures().empty());
}

std::string clipping_error(SettingValue::Table settings) {
  settings["name"] = word("vanilla-asgd");
  settings["step_size"] = num(1);
  return error_of(std::move(settings));
}

TEST(ClippingSettings, EveryMistakeHasItsLine) {
  const auto rule = [](const char* name) { return table({{"rule", word(name)}}); };
  EXPECT_THAT(clipping_error({{"clip_radius", word("atuo")}}),
              HasSubstr("method.clip_radius = \"atuo\": must be a number > 0, or \"auto\""));
  EXPECT_THAT(clipping_error({{"clip_radius", num(-1)}}), HasSubstr("must be a number > 0"));
  EXPECT_THAT(clipping_error({{"clipping", rule("blocks")}}), HasSubstr("did you mean `block`?"));
  for (const char* name : {"quantile", "autoclip", "block", "coordinate"})
    EXPECT_THAT(clipping_error({{"clip_radius", word("auto")}, {"clipping", rule(name)}}),
                HasSubstr("method.clip_radius = \"auto\": goes with rule = \"norm\" alone; give a number > 0"));
  for (const char* name : {"block", "coordinate"})
    EXPECT_THAT(clipping_error({{"clipping", rule(name)}}), HasSubstr("method.clip_radius: is missing"));
  EXPECT_THAT(clipping_error({{"clipping", table({{"low", num(1)}})}}),
              HasSubstr("method.clipping.low = 1.0: unknown key"));
  EXPECT_THAT(
      clipping_error({{"clip_radius", num(1)}, {"clipping", table({{"rule", word("coordinate")}, {"low", num(2)}})}}),
      HasSubstr("method.clipping.low = 2.0: must not be above clip_radius"));
  EXPECT_THAT(clipping_error({{"clipping", table({{"rule", word("quantile")}, {"quantile", num(1)}})}}),
              HasSubstr("method.clipping.quantile = 1.0: must be a number in (0, 1)"));
  EXPECT_THAT(clipping_error({{"clipping", table({{"rule", word("quantile")}, {"every", whole(0)}})}}),
              HasSubstr("method.clipping.every = 0: must be an integer >= 1"));
  EXPECT_THAT(clipping_error({{"clipping", table({{"rule", word("quantile")}, {"rate", num(0)}})}}),
              HasSubstr("method.clipping.rate = 0.0: must be a number > 0"));
  EXPECT_THAT(clipping_error({{"clipping", table({{"rule", word("quantile")}, {"noise", num(1)}})}}),
              HasSubstr("method.clipping.noise = 1.0: is for the radius of a private run; there is no privacy table"));
  EXPECT_THAT(clipping_error({{"clip_radius", num(kInfinity)}, {"clipping", rule("quantile")}}),
              HasSubstr("method.clip_radius = inf: must be finite"));
  EXPECT_THAT(clipping_error({{"clipping", table({{"rule", word("autoclip")}, {"percentile", num(101)}})}}),
              HasSubstr("method.clipping.percentile = 101.0: must be a number in [0, 100]"));
  EXPECT_THAT(clipping_error({{"clipping", table({{"rule", word("autoclip")}, {"window", whole(0)}})}}),
              HasSubstr("method.clipping.window = 0: must be an integer in [1, 1"));
  EXPECT_THAT(clipping_error(
                  {{"clip_radius", num(1)}, {"clipping", table({{"rule", word("block")}, {"shares", word("even")}})}}),
              HasSubstr("must be one of size, equal"));
}

TEST(HeavyTailSettings, EveryMistakeHasItsLine) {
  const auto error = [](const char* name, SettingValue::Table settings) {
    settings["name"] = word(name);
    settings["step_size"] = num(1);
    return error_of(std::move(settings));
  };
  for (const char* name : {"ht-delay-lr", "ht-delay-comp"}) {
    EXPECT_THAT(error(name, {}), HasSubstr("method.clip_radius: is missing; it must be a number > 0, or \"auto\""));
    EXPECT_THAT(error(name, {{"clip_radius", num(1)}, {"scheme", word("buffer")}}),
                HasSubstr("must be one of arrival, buffered; did you mean `buffered`?"));
    EXPECT_THAT(error(name, {{"clip_radius", num(1)}, {"scheme", word("buffered")}}),
                HasSubstr("method.buffer_size: is missing"));
    EXPECT_THAT(error(name, {{"clip_radius", num(1)}, {"buffer_size", whole(2)}}), HasSubstr("unknown key"));
    EXPECT_THAT(error(name, {{"clip_radius", num(1)}, {"delay_exponent", num(-1)}}),
                HasSubstr("must be a number >= 0"));
  }
  EXPECT_THAT(error("ht-delay-comp", {{"clip_radius", num(1)}, {"compensation", num(-1)}}),
              HasSubstr("method.compensation = -1.0: must be a number >= 0"));
  EXPECT_THAT(error("ht-delay-lr", {{"clip_radius", num(1)}, {"compensation", num(1)}}), HasSubstr("unknown key"));
}

std::vector<float> first_coordinates(SettingValue::Table method, std::uint64_t updates) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, 2.5});
  std::vector<float> x;
  for (std::uint64_t t = 1; t <= updates; ++t) {
    const auto made = make(method, 2);
    const auto run = test::simulate(bowl, times, *made, {.workers = 2, .run = test::stop_after_updates(t)});
    EXPECT_EQ(run.x[0], run.x[1]);
    x.push_back(run.x[0]);
  }
  return x;
}

// gamma = 1/2, a = 1, both coordinates alike, c = sqrt(2)/2: a coordinate v counts as min(v, 1/2).
//   t=1    worker 0, 1 -> 1/2, delay 0:                 x1 = 1 - 1/4 = 3/4
//   t=2    worker 0, 3/4 -> 1/2, delay 0:               x2 = 1/2
//   t=2.5  worker 1, 1 -> 1/2, delay 2, weight 1/3:     x3 = 1/2 - 1/12 = 5/12
//   t=3    worker 0, of x2 = 1/2, delay 1, weight 1/2:  x4 = 5/12 - 1/8 = 7/24
//   t=4    worker 0, 7/24, delay 0:                     x5 = 7/48
TEST(HandTrace, HtDelayLr) {
  const auto x = first_coordinates({{"name", word("ht-delay-lr")},
                                    {"step_size", num(0.5)},
                                    {"clip_radius", num(std::sqrt(2.0) / 2)},
                                    {"delay_exponent", num(1)}},
                                   5);
  const std::vector<double> expected = {0.75, 0.5, 5.0 / 12, 7.0 / 24, 7.0 / 48};
  for (std::size_t t = 0; t < 5; ++t) EXPECT_NEAR(x[t], expected[t], 1e-7) << t;
}

// The same, as means of two: the arrivals of t = 1 and 2 at x0, of 2.5 (x0) and 3 (x1), of 4 (x2) and 5 (worker 1, x1).
//   x1 = 1 - 1/4 (1/2 + 1/2) = 3/4
//   x1 is version 1: delay 1 at t = 2.5, weight 1/2; t = 3, of x1 = 3/4, delay 0: x2 = 3/4 - 1/4 (1/4 + 1/2) = 9/16
//   t = 4, of x2 = 9/16 -> 1/2, delay 0; t = 5, worker 1, of x1 = 3/4 -> 1/2, delay 1: x3 = 9/16 - 1/4 (1/2 + 1/4) =
//   3/8
TEST(HandTrace, HtDelayLrBuffered) {
  const auto x = first_coordinates({{"name", word("ht-delay-lr")},
                                    {"step_size", num(0.5)},
                                    {"clip_radius", num(std::sqrt(2.0) / 2)},
                                    {"delay_exponent", num(1)},
                                    {"scheme", word("buffered")},
                                    {"buffer_size", whole(2)}},
                                   3);
  const std::vector<double> expected = {0.75, 9.0 / 16, 3.0 / 8};
  for (std::size_t t = 0; t < 3; ++t) EXPECT_NEAR(x[t], expected[t], 1e-7) << t;
}

// gamma = 1/2, lambda = 1/2, c = 0.8 sqrt 2: a coordinate is cut at 0.8, after v + v^2 (x - p)/2.
//   t=1    worker 0, 1, delay 0 -> 0.8:                       x1 = 0.6
//   t=2    worker 0, 0.6:                                     x2 = 0.3
//   t=2.5  worker 1, v = p = 1, x = 0.3: 1 - 0.35 = 0.65, not cut, though v would have been:  x3 = -0.025
//   t=3    worker 0, v = p = 0.3: 0.3 - 0.045 * 0.325 = 0.285375:                             x4 = -0.1676875
//   t=4    worker 0, v = p = x: -0.1676875:                                                   x5 = -0.08384375
TEST(HandTrace, HtDelayComp) {
  const auto x = first_coordinates({{"name", word("ht-delay-comp")},
                                    {"step_size", num(0.5)},
                                    {"clip_radius", num(0.8 * std::sqrt(2.0))},
                                    {"compensation", num(0.5)}},
                                   5);
  const std::vector<double> expected = {0.6, 0.3, -0.025, -0.1676875, -0.08384375};
  for (std::size_t t = 0; t < 5; ++t) EXPECT_NEAR(x[t], expected[t], 1e-7) << t;
}

// Gradients that are finite, with a correction that is not: x must not become NaN.
TEST(HtDelayComp, ACorrectionThatOverflowsIsNotApplied) {
  const test::Bowl bowl({.noise = 1e20});
  const test::FixedTimes times({1.0, 2.5});
  const auto method = make(
      {{"name", word("ht-delay-comp")}, {"step_size", num(0.5)}, {"clip_radius", num(1e19)}, {"compensation", num(1)}},
      2);
  const auto run = test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(50)});
  EXPECT_GE(run.result.counters.not_finite, 1u);
  for (const float x : run.x) EXPECT_TRUE(std::isfinite(x));
}

}  // namespace
}  // namespace tardigrad
