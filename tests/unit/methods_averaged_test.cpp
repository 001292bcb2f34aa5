// SPDX-License-Identifier: Apache-2.0
// Methods with an average on the server and steps of a fixed size: traces and geometries by hand, mistakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "methods/policies/admission/agnostic.hpp"
#include "methods/policies/step/delay_adaptive.hpp"
#include "methods/policies/update/update.hpp"
#include "support/fake_world.hpp"
#include "support/settings.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad {
namespace {

using std::numbers::sqrt2;
using test::coefficients;
using test::delays;
using test::error_of;
using test::num;
using test::table;
using test::whole;
using test::word;
using testing::ElementsAre;
using testing::HasSubstr;

// Two workers of 1 s and 2.5 s on f = ||x||^2/2, x0 = (1, 1), so that g is the x that the order came with, and both
// coordinates go the same way; beta = 1/2. Without a limit the arrivals are
//   t       1    2    2.5  3    4    5    5
//   worker  0    0    1    0    0    1    0
//   g       x0   x1   x0   x2   x4   x3   x5
//   delay   0    0    2    1    0    2    1
test::Outcomes run(SettingValue::Table settings, std::uint64_t updates, double slow = 2.5) {
  const test::Bowl bowl({});
  const test::FixedTimes times({1.0, slow});
  const auto method = test::make(std::move(settings), 2);
  test::Outcomes outcomes =
      test::simulate(bowl, times, *method, {.workers = 2, .run = test::stop_after_updates(updates)});
  EXPECT_EQ(outcomes.x[0], outcomes.x[1]);
  return outcomes;
}
SettingValue::Table method(const char* name, double step, SettingValue::Table update) {
  update["momentum"] = num(0.5);
  return {{"name", word(name)}, {"step_size", num(step)}, {"update", table(std::move(update))}};
}
void expect_trace(const SettingValue::Table& settings, const std::vector<double>& x, double margin) {
  for (std::size_t k = 0; k < x.size(); ++k)
    EXPECT_NEAR(static_cast<double>(run(settings, k + 1).x[0]), x[k], margin) << "x" << k + 1;
}
constexpr double kExact = 0.0;

// Each step has the length sqrt(2)/4, a quarter in each coordinate, against the sign of m:
//   m: 0.5, 0.625, 0.8125, 0.65625, 0.328125, 0.2890625, 0.01953125, then 0.009765625 - 0.25 < 0
TEST(HandTrace, AsyncNsgdMomentum) {
  const SettingValue::Table settings = method("async-nsgd-momentum", sqrt2 / 4, {});
  expect_trace(settings, {0.75, 0.5, 0.25, 0.0, -0.25, -0.5, -0.75}, 1e-6);
  const auto outcomes = run(settings, 7);
  EXPECT_THAT(delays(outcomes), ElementsAre(0, 0, 2, 1, 0, 2, 1));
  EXPECT_THAT(coefficients(outcomes), testing::Each(sqrt2 / 4));
}

// R = 2: the delay of 2 at t = 2.5 and that of 2 at t = 5 are not used, and touch neither m nor x.
//   m: 0.5, 0.625, (no), 0.5625, 0.40625, (no), 0.203125
TEST(HandTrace, AsyncNsgdMomentumWithALimit) {
  SettingValue::Table settings = method("async-nsgd-momentum", sqrt2 / 4, {});
  settings["delay_limit"] = whole(2);
  expect_trace(settings, {0.75, 0.5, 0.25, 0.0, -0.25}, 1e-6);
  const auto outcomes = run(settings, 5);
  EXPECT_EQ(outcomes.result.counters.discarded, 2u);
  EXPECT_THAT(delays(outcomes), ElementsAre(0, 0, 2, 0, 0, 2, 0));
}

// A vector steps along z = m/2 + g/2 itself, gamma = 1/2:
//   m  0.5   0.5625    0.78125     0.5546875       0.1083984375
//   z  0.75  0.59375   0.890625    0.44140625     -0.11474609375
TEST(HandTrace, AsyncMuonOfAVector) {
  expect_trace(method("async-muon", 0.5, {}), {0.625, 0.328125, -0.1171875, -0.337890625, -0.280517578125}, kExact);
}

// The ball of radius 1/2 in the largest entry, gamma = 1/4: x <- 3/4 x - sign(m)/8. m > 0 throughout.
TEST(HandTrace, AsyncScionConstrained) {
  expect_trace(
      method("async-scion", 0.25, {{"form", word("constrained")}, {"radius", num(0.5)}, {"vectors", word("sign")}}),
      {0.625, 0.34375, 0.1328125, -0.025390625, -0.14404296875}, kExact);
}

// Euclidean, gamma = 1/2: x <- x - min(r/sqrt 2, |m|)/2 in each coordinate, r = 0.625 sqrt 2, so that m is clipped
// to 0.625:  m  0.5, 0.625, 0.8125 (clipped), 0.625, 0.21875, 0.171875
TEST(HandTrace, AsyncScionClipped) {
  expect_trace(
      method("async-scion", 0.5, {{"form", word("clipped")}, {"scales", word("muon")}, {"radius", num(0.625 * sqrt2)}}),
      {0.75, 0.4375, 0.125, -0.1875, -0.296875, -0.3828125}, 1e-6);
}

// The scales of Scion by hand, on the tensors of MinimiseLinear's tests and more: what O is multiplied by.
TEST(ScionScales, ByLayerKind) {
  Layout layout;
  layout.add("in", {8, 2});
  layout.add("in bias", {8});
  layout.add("hidden", {2, 8});
  layout.add("wide", {8, 2});
  layout.add("convolution", {4, 2, 3, 3});
  layout.add("out", {4, 16});
  layout.add("out bias", {4});
  const auto scales = [&](SettingValue::Table update) {
    update["rule"] = word("lmo");
    Settings settings(SettingValue::Table{{"update", table(update)}}, "method");
    methods::Update rule(settings, {});
    settings.finish();
    return rule.scales(layout);
  };
  const auto near = [](std::vector<double> values) { return testing::Pointwise(testing::DoubleEq(), values); };
  EXPECT_THAT(scales({}), testing::IsEmpty());
  // sign: 1 at the input, 1/d_in at the output. sqrt d for vectors. spectral: sqrt(rows/columns), of which
  // sqrt(max(1, .)) is in O already: 1/2 for 2 x 8, 1 for 8 x 2; 4 channels from 2 through 3 x 3: sqrt 2/9.
  EXPECT_THAT(scales({{"scales", word("scion")}}), near({1, std::sqrt(8.0), 0.5, 1, sqrt2 / 9, 1.0 / 16, 2}));
  // max(1, sqrt(8/2)) at the input is in O; sqrt(4/16) at the output.
  EXPECT_THAT(scales({{"scales", word("scion")}, {"ends", word("spectral")}, {"vectors", word("sign")}}),
              near({1, 1, 0.5, 1, sqrt2 / 9, 0.5, 1}));
  EXPECT_THAT(
      scales({{"radius", num(2)}, {"input_radius", num(1)}, {"output_radius", num(6)}, {"vector_radius", num(4)}}),
      near({0.5, 2, 1, 1, 1, 3, 2}));
  EXPECT_THAT(scales({{"scales", word("scion")}, {"radius", num(50)}, {"output_radius", num(3000)}}),
              near({1, std::sqrt(8.0), 0.5, 1, sqrt2 / 9, 60.0 / 16, 2}));
}

// A vector of d = 2 steps by sqrt 2 v/||v||: every entry of gradients that are alike by gamma r.
TEST(ScionScales, AreWhatAsyncScionSteps) {
  expect_trace(method("async-scion", 0.25, {}), {0.75, 0.5, 0.25, 0.0, -0.25}, 1e-6);
  expect_trace(method("async-scion", 0.25, {{"scales", word("muon")}}), {1 - sqrt2 / 8, 1 - sqrt2 / 4}, 1e-6);
  expect_trace(method("async-scion", 0.25, {{"vector_radius", num(0.5)}}), {0.875, 0.75}, 1e-6);
  // Clipped by the dual norm in the same scale, sqrt 2 ||m|| = 2 |m_j|: x <- x - min(5/4, 2 m)/2, m = 0.5, 0.5, 0.75.
  expect_trace(method("async-scion", 0.5, {{"form", word("clipped")}, {"radius", num(1.25)}}), {0.5, 0.0, -0.625},
               1e-6);
}

// As normalised momentum with R = 2, but for the geometry.
TEST(HandTrace, AsyncLmo) {
  SettingValue::Table settings = method("async-lmo", 0.25, {{"vectors", word("sign")}});
  settings["delay_limit"] = whole(2);
  expect_trace(settings, {0.75, 0.5, 0.25, 0.0, -0.25}, kExact);
  EXPECT_EQ(run(settings, 5).result.counters.discarded, 2u);
}

// Agnostic, gamma = 1: a_0 = 1, R = 1 up to version 3. Worker 1's first gradient has a delay of 2 and is dropped.
//   x1 = 1 - 1;  x2 = 0 - 0 (m = (1 - 1/sqrt 2) 1 + 0 > 0, step 2^(-3/4))
TEST(HandTrace, AgnosticParameters) {
  SettingValue::Table settings = {{"name", word("async-lmo")},
                                  {"step_size", num(1.0)},
                                  {"parameters", word("agnostic")},
                                  {"update", table({{"vectors", word("sign")}})}};
  const auto outcomes = run(settings, 4);
  ASSERT_GE(outcomes.arrivals.size(), 5u);
  EXPECT_EQ(outcomes.arrivals[2].outcome, Outcome::discarded);
  std::vector<double> steps;
  for (const ArrivalRecord& a : outcomes.arrivals)
    if (a.outcome == Outcome::applied) steps.push_back(a.coefficient);
  ASSERT_EQ(steps.size(), 4u);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(steps[k], std::pow(static_cast<double>(k + 1), -0.75), 1e-15);
  // m by hand: 1; 0.2929 + 0.7071 * 0 = 0.2929; then g = x2 = -0.5946: 0.4226 * 0.2929 + 0.5774 * (-0.5946) < 0: back.
  expect_trace(settings, {0.0, -std::pow(2.0, -0.75), -std::pow(2.0, -0.75) + std::pow(3.0, -0.75)}, 1e-6);
}

// gamma n/max(n, delta) with n = 2: the slow worker's gradient comes after four others.
TEST(AsyncMuon, DelayAdaptiveStep) {
  SettingValue::Table settings = method("async-muon", 0.5, {});
  settings["step_rule"] = word("delay-adaptive");
  EXPECT_THAT(coefficients(run(settings, 5, 4.5)), ElementsAre(0.5, 0.5, 0.5, 0.5, 0.25));
}

// ---- geometries

struct Tensors {
  Tensors() {
    layout.add("in", {2, 2});
    layout.add("bias", {2});
    layout.add("hidden", {2, 2});
    layout.add("convolution", {2, 1, 2, 1});
    layout.add("out", {2, 2});
  }
  // x0 = p is all that an update of one step needs: v is the work vector, g the gradient is p.
  std::vector<float> minimise(std::vector<Geometry> geometries, const std::vector<float>& p, double* dual = nullptr,
                              kernels::Threads threads = kernels::Threads::one) const {
    BufferPool pool(layout.dimension());
    std::vector<float> result;
    {
      Buffer x = pool.take();
      std::copy(p.begin(), p.end(), x.view().begin());
      ServerModel model(pool, layout, std::move(x), threads);
      const Vec in = model.make_vector(), out = model.make_vector();
      VectorProgram program;
      program.scale(in, 1.0, vec::kModel);
      model.run(program, nullptr);
      const double product = model.steepest_ascent(out, geometries, in);
      if (dual) *dual = product;
      VectorProgram back;
      back.scale(vec::kModel, 1.0, out);
      model.run(back, nullptr);
      result.assign(model.snapshot().view().begin(), model.snapshot().view().end());
    }
    return result;
  }
  Layout layout;
};

double iterated(double s) {
  for (int k = 0; k < 5; ++k) s = 3.4445 * s - 4.7750 * s * s * s + 2.0315 * s * s * s * s * s;
  return s;
}

// sign of (3 -4; 0 0); (3, 4)/5; diag(6, 8) -> diag(p(0.6), p(0.8)); the same for a convolution; v itself.
// Dual norms: 7, 5, 6 p(0.6) + 8 p(0.8), that again, and 1 for the last.
TEST(MinimiseLinear, EachGeometryByHand) {
  const Tensors tensors;
  double dual = 0.0;
  const double p6 = iterated(0.6), p8 = iterated(0.8);
  const auto out = tensors.minimise(
      {Geometry::sign, Geometry::euclidean, Geometry::spectral, Geometry::spectral, Geometry::identity},
      {3, -4, 0, 0, 3, 4, 6, 0, 0, 8, 6, 0, 0, 8, 1, 0, 0, 0}, &dual);
  const std::vector<double> expected = {1, -1, 0, 0, 0.6, 0.8, p6, 0, 0, p8, p6, 0, 0, p8, 1, 0, 0, 0};
  ASSERT_EQ(out.size(), expected.size());
  for (std::size_t j = 0; j < out.size(); ++j) EXPECT_NEAR(static_cast<double>(out[j]), expected[j], 1e-5) << j;
  EXPECT_NEAR(dual, 7 + 5 + 2 * (6 * p6 + 8 * p8) + 1, 1e-4);
}

TEST(MinimiseLinear, ZeroGivesZero) {
  const Tensors tensors;
  for (const Geometry g : {Geometry::sign, Geometry::euclidean, Geometry::spectral, Geometry::identity})
    EXPECT_EQ(tensors.minimise(std::vector<Geometry>(5, g == Geometry::spectral ? Geometry::euclidean : g),
                               std::vector<float>(18, 0.0f)),
              std::vector<float>(18, 0.0f));
  EXPECT_EQ(
      tensors.minimise({Geometry::spectral, Geometry::sign, Geometry::spectral, Geometry::spectral, Geometry::spectral},
                       std::vector<float>(18, 0.0f)),
      std::vector<float>(18, 0.0f));
}

TEST(MinimiseLinear, IsTheSameForAnyNumberOfThreads) {
  const Tensors tensors;
  std::vector<float> p(18);
  Stream stream(1, Purpose::gradient_noise, 0, 0);
  for (float& value : p) value = static_cast<float>(stream.normal());
  const std::vector<Geometry> geometries = {Geometry::spectral, Geometry::sign, Geometry::spectral, Geometry::spectral,
                                            Geometry::spectral};
  double one = 0.0, all = 0.0;
  EXPECT_EQ(tensors.minimise(geometries, p, &one, kernels::Threads::one),
            tensors.minimise(geometries, p, &all, kernels::Threads::all));
  EXPECT_EQ(one, all);
}

// f = ||x||^2/2 over a net's tensors, x0 = 1: one step shows which tensor has which geometry.
class Net final : public Problem {
 public:
  const Layout& layout() const override { return tensors_.layout; }
  void initial_point(std::span<float> x) const override { std::fill(x.begin(), x.end(), 1.0f); }
  std::vector<std::string> metric_names() const override { return {"loss"}; }
  std::vector<Metric> metrics(std::span<const double> sums) const override { return {{"loss", sums[0]}}; }
  std::unique_ptr<Replica> make_replica() const override {
    class Worker final : public Replica {
      double gradient(const Order&, std::span<const float> x, std::span<float> g) override {
        std::copy(x.begin(), x.end(), g.begin());
        return 0.0;
      }
      std::vector<double> evaluate(std::span<const float>, std::size_t, const void*) override { return {0.0}; }
    };
    return std::make_unique<Worker>();
  }

 private:
  Tensors tensors_;
};
std::vector<float> first_step(SettingValue::Table settings) {
  const Net net;
  const test::FixedTimes times({1.0});
  const auto method = test::make(std::move(settings), 1);
  return test::simulate(net, times, *method, {.workers = 1, .run = test::stop_after_updates(1)}).x;
}

// Ones of [2, 2]: one singular value 2, all of the norm; O = p(1)/2 in each entry, so that x = 1 - gamma p(1)/2.
TEST(Geometries, WhichTensorHasWhich) {
  const float hidden = static_cast<float>(1.0 - 0.5 * iterated(1.0) / 2.0);
  SettingValue::Table settings = {
      {"name", word("async-muon")}, {"step_size", num(0.5)}, {"update", table({{"momentum", num(0.0)}})}};
  std::vector<float> expected(18, 0.5f);  // the ends and the bias: x - gamma g
  for (const std::size_t j : {6, 7, 8, 9, 10, 11, 12, 13}) expected[j] = hidden;
  std::vector<float> x = first_step(settings);
  for (std::size_t j = 0; j < 18; ++j) EXPECT_NEAR(x[j], expected[j], 1e-5) << j;

  settings["update"] = table({{"momentum", num(0.0)}, {"ends", word("spectral")}, {"vectors", word("euclidean")}});
  for (const std::size_t j : {0, 1, 2, 3, 14, 15, 16, 17}) expected[j] = hidden;
  expected[4] = expected[5] = static_cast<float>(1.0 - 0.5 / sqrt2);
  x = first_step(settings);
  for (std::size_t j = 0; j < 18; ++j) EXPECT_NEAR(x[j], expected[j], 1e-5) << j;
}

// ---- laws

// Every step has the length gamma (float32: one rounding of each of five coordinates below 4, half an ulp), so that a
// gradient of delay tau was computed within tau gamma of where it is used.
TEST(NormalisedSteps, DisplacementIsBounded) {
  constexpr double kStep = 0.25, kMargin = 5 * 2.4e-7;
  std::vector<std::vector<float>> versions;
  std::vector<ArrivalRecord> arrivals;
  for (std::uint64_t k = 0; k <= 60; ++k) {
    const test::Bowl bowl({.dimension = 5, .noise = 3.0});
    const test::RandomTimes times(3);
    const auto made =
        test::make({{"name", word("async-nsgd-momentum")}, {"step_size", num(kStep)}, {"delay_limit", whole(9)}}, 6);
    auto outcomes = test::simulate(bowl, times, *made, {.workers = 6, .run = test::stop_after_updates(k)});
    versions.push_back(outcomes.x);
    arrivals = std::move(outcomes.arrivals);
  }
  const auto distance = [&](std::size_t a, std::size_t b) {
    double square = 0.0;
    for (std::size_t j = 0; j < 5; ++j) square += std::pow(versions[a][j] - versions[b][j], 2);
    return std::sqrt(square);
  };
  std::size_t version = 0;
  for (const ArrivalRecord& a : arrivals) {
    if (a.outcome != Outcome::applied) continue;
    EXPECT_NEAR(distance(version, version + 1), kStep, kMargin);
    EXPECT_LE(distance(version, version - a.delay), kStep * static_cast<double>(a.delay) + kMargin * 9);
    ++version;
  }
  EXPECT_EQ(version, 60u);
}

// Alone and without momentum on f = ||x||^2/2 the distance d to the minimiser becomes |d - gamma|: it falls until it is
// at most gamma, and stays there. Clipped to a ball it becomes d - gamma min(r, d) instead, and goes to 0: from sqrt 2
// with r = 1/4 and gamma = 1/2 by 1/8 as long as d > 1/4, then halves, 50 times and more.
TEST(NormalisedSteps, WhereTheyComeToRest) {
  const auto distance = [](SettingValue::Table settings, std::uint64_t updates) {
    settings["update"] = table([&] {
      SettingValue::Table update =
          settings.contains("update") ? std::get<SettingValue::Table>(settings["update"].value) : SettingValue::Table{};
      update["momentum"] = num(0.0);
      return update;
    }());
    const test::Bowl bowl({});
    const test::FixedTimes times({1.0});
    const auto made = test::make(std::move(settings), 1);
    const auto x = test::simulate(bowl, times, *made, {.workers = 1, .run = test::stop_after_updates(updates)}).x;
    return std::hypot(static_cast<double>(x[0]), static_cast<double>(x[1]));
  };
  const SettingValue::Table normalised = {{"name", word("async-nsgd-momentum")}, {"step_size", num(0.3)}};
  double expected = sqrt2;
  for (std::uint64_t k = 1; k <= 20; ++k) {
    expected = std::abs(expected - 0.3);
    EXPECT_NEAR(distance(normalised, k), expected, 1e-5) << k;
    EXPECT_TRUE(k < 5 || expected <= 0.3) << k;
  }
  const SettingValue::Table clipped = {
      {"name", word("async-scion")},
      {"step_size", num(0.5)},
      {"update", table({{"form", word("clipped")}, {"scales", word("muon")}, {"radius", num(0.25)}})}};
  EXPECT_NEAR(distance(clipped, 10), sqrt2 - 1.25, 1e-5);
  EXPECT_NEAR(distance(clipped, 13), (sqrt2 - 1.25) / 8, 1e-5);
  EXPECT_LE(distance(clipped, 70), 1e-12);  // where the direction of v is no longer asked for
}

// Whatever the gradients' size, the steps are the same: f scaled by 2^20, momentum and all.
TEST(NormalisedSteps, DoNotDependOnTheScaleOfTheLoss) {
  for (const char* name : {"async-nsgd-momentum", "async-scion"}) {
    std::vector<std::vector<float>> ends;
    for (const float scale : {1.0f, 1048576.0f}) {
      const test::Bowl bowl({.curvatures = {scale, scale}, .centres = {0.0f, 0.0f}});
      const test::FixedTimes times({1.0, 2.5});
      const auto made = test::make(method(name, 0.0625, {}), 2);
      ends.push_back(test::simulate(bowl, times, *made, {.workers = 2, .run = test::stop_after_updates(12)}).x);
    }
    EXPECT_EQ(ends[0], ends[1]) << name;
  }
}

TEST(AgnosticParameters, ByHand) {
  methods::AdmitAgnostic admit;
  EXPECT_EQ(admit.oldest_useful(0), 0u);
  EXPECT_EQ(admit.oldest_useful(3), 3u);    // R = 1
  EXPECT_EQ(admit.oldest_useful(4), 3u);    // R = 2
  EXPECT_EQ(admit.oldest_useful(15), 13u);  // R = 3
  EXPECT_EQ(admit.oldest_useful(16), 13u);  // R = 4
}

TEST(AveragedMethods, EveryMistakeHasItsLine) {
  const SettingValue::Table lmo = {{"name", word("async-lmo")}, {"step_size", num(0.1)}};
  EXPECT_THAT(error_of(lmo), HasSubstr("method.delay_limit"));
  SettingValue::Table agnostic = lmo;
  agnostic["parameters"] = word("agnostic");
  EXPECT_EQ(error_of(agnostic), "no error");
  agnostic["delay_limit"] = whole(4);
  EXPECT_THAT(error_of(agnostic), HasSubstr("method.delay_limit"));
  SettingValue::Table scion = method("async-scion", 0.1, {{"form", word("clippd")}});
  EXPECT_THAT(error_of(scion), HasSubstr("method.update.form = \"clippd\": must be one of"));
  EXPECT_THAT(error_of(method("async-scion", 0.1, {{"ends", word("identity")}})),
              HasSubstr("method.update.ends = \"identity\": must be one of"));
  EXPECT_THAT(error_of(method("async-muon", 0.1, {{"radius", num(2.0)}})),
              HasSubstr("method.update.radius = 2.0: unknown key"));
  EXPECT_THAT(error_of(method("async-nsgd-momentum", 0.1, {{"averaging", word("inverse-sqrt")}})),
              HasSubstr("method.update.momentum = 0.5: unknown key"));
  EXPECT_THAT(error_of({{"name", word("async-muon")}, {"step_size", num(0.1)}, {"parameters", word("agnostc")}}),
              HasSubstr("did you mean `agnostic`?"));
}

}  // namespace
}  // namespace tardigrad
