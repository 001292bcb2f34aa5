// SPDX-License-Identifier: Apache-2.0
#include "problems/quadratic.hpp"

#include <algorithm>
#include <atomic>

#include "problems/chunks.hpp"
#include "problems/tridiagonal.hpp"
#include "problems_testing.hpp"

namespace tardigrad::problems {
namespace {

using namespace testing;  // NOLINT: helpers of these tests

Table spectrum(std::int64_t dimension, double mu, double smoothness) {
  return {{"dimension", integer(dimension)}, {"mu", {mu}}, {"smoothness", {smoothness}}};
}
Table with_shift(Table table, double shift) {
  table["heterogeneity"] = {Table{{"shift", {shift}}}};
  return table;
}
Table with_noise(Table table, const char* kind, double scale) {
  table["noise"] = {Table{{"kind", text(kind)}, {"scale", {scale}}}};
  return table;
}

TEST(Quadratic, HandNumbers) {
  const auto problem = make_from(make_quadratic, spectrum(3, 0.25, 4.0));  // a = 1/4, 1, 4
  std::vector<float> x(3);
  problem->initial_point(x);
  EXPECT_EQ(x, (std::vector<float>{1, 1, 1}));
  x = {4, 2, -1};
  EXPECT_EQ(gradient_of(*problem, x), (std::vector<float>{1, 2, -4}));
  EXPECT_EQ(metric_of(*problem, x, "loss"), 0.5 * (4 + 4 + 4));
  EXPECT_EQ(metric_of(*problem, x, "gradient_norm"), std::sqrt(1.0 + 4 + 16));
  std::vector<float> g(3);
  EXPECT_EQ(problem->make_replica()->gradient({}, x, g), 6.0);
  EXPECT_EQ(problem->optimal_value(), 0.0);
  EXPECT_EQ(problem->layout().dimension(), 3u);
  EXPECT_EQ(problem->metric_names(), (std::vector<std::string>{"loss", "gradient_norm"}));
}

TEST(Quadratic, Defaults) {
  const auto problem = make_from(make_quadratic, {});
  std::vector<float> x(10, 1.0f);
  const std::vector<float> g = gradient_of(*problem, x);
  EXPECT_EQ(g.front(), 0.1f);
  EXPECT_EQ(g.back(), 1.0f);
}

TEST(Quadratic, OneDimensionHasTheSmoothness) {
  const auto problem = make_from(make_quadratic, spectrum(1, 0.5, 3.0));
  EXPECT_EQ(gradient_of(*problem, std::vector<float>{2.0f}), (std::vector<float>{6.0f}));
}

TEST(Quadratic, GradientIsTheDerivative) {
  const auto problem = make_from(make_quadratic, spectrum(6, 0.01, 10.0));
  const std::vector<float> x = random_point(6);
  expect_gradient(
      [](const std::vector<double>& at) {
        double value = 0;
        for (std::size_t j = 0; j < 6; ++j)
          value += 0.5 * 0.01 * std::pow(1000.0, static_cast<double>(j) / 5) * at[j] * at[j];
        return value;
      },
      x, gradient_of(*problem, x));
}

TEST(Quadratic, LocalGradientsAverageToTheGradientOfF) {
  constexpr std::size_t kWorkers = 7, kDimension = 5;
  const ProblemContext context = seeded(3, kWorkers);
  const auto problem = make_from(make_quadratic, with_shift(spectrum(kDimension, 0.5, 2.0), 3.0), context);
  const auto plain = make_from(make_quadratic, spectrum(kDimension, 0.5, 2.0), context);
  const auto replica = problem->make_replica();
  const std::vector<float> x = random_point(kDimension);
  std::vector<double> mean(kDimension);
  double mean_loss = 0.0;
  std::vector<float> first;
  for (WorkerId i = 0; i < kWorkers; ++i) {
    std::vector<float> g(kDimension);
    mean_loss += replica->gradient({.worker = i}, x, g) / kWorkers;
    for (std::size_t j = 0; j < kDimension; ++j) mean[j] += static_cast<double>(g[j]) / kWorkers;
    if (i == 0)
      first = g;
    else
      EXPECT_NE(g, first) << "workers must differ";
  }
  const std::vector<float> expected = gradient_of(*plain, x);
  for (std::size_t j = 0; j < kDimension; ++j) EXPECT_NEAR(mean[j], expected[j], 1e-6 * 10);
  EXPECT_NEAR(mean_loss, metric_of(*plain, x, "loss"), 1e-12 * 100);
  EXPECT_EQ(metric_of(*problem, x, "loss"), metric_of(*plain, x, "loss"));
}

// s_ij - mean has variance (1 - 1/n) shift^2 exactly; the sample mean of its square over d coordinates has standard
// error sqrt(2 / d) of that.
TEST(Quadratic, ShiftsHaveTheirVariance) {
  constexpr std::size_t kDimension = 20'000, kWorkers = 4;
  const ProblemContext context = seeded(5, kWorkers);
  const auto problem = make_from(make_quadratic, with_shift(spectrum(kDimension, 1.0, 1.0), 0.5), context);
  const std::vector<float> g = gradient_of(*problem, std::vector<float>(kDimension, 0.0f), {.worker = 2});
  double squares = 0.0;
  for (const float s : g) squares += static_cast<double>(s) * s / kDimension;
  const double variance = 0.75 * 0.25;
  EXPECT_NEAR(squares, variance, 5 * std::sqrt(2.0 / kDimension) * variance);
}

TEST(Quadratic, ShiftsDoNotDependOnTheOrder) {
  const ProblemContext context = seeded(5, 3);
  const auto problem = make_from(make_quadratic, with_shift(spectrum(4, 1, 1), 0.5), context);
  const std::vector<float> x = random_point(4);
  EXPECT_EQ(gradient_of(*problem, x, {.worker = 1, .index = 0}), gradient_of(*problem, x, {.worker = 1, .index = 9}));
}

TEST(Quadratic, NoiseDependsOnSeedWorkerAndIndexOnly) {
  const Table table = with_noise(spectrum(4, 1, 1), "gaussian", 1.0);
  const auto a = make_from(make_quadratic, table, seeded(1));
  const auto again = make_from(make_quadratic, table, seeded(1));
  const auto other = make_from(make_quadratic, table, seeded(2));
  const std::vector<float> x = random_point(4);
  const Order order{.id = 5, .worker = 2, .index = 3, .version = 8};
  const std::vector<float> g = gradient_of(*a, x, order);
  EXPECT_EQ(g, gradient_of(*again, x, {.id = 77, .worker = 2, .index = 3, .version = 1}));
  EXPECT_NE(g, gradient_of(*other, x, order));
  EXPECT_NE(g, gradient_of(*a, x, {.worker = 1, .index = 3}));
  EXPECT_NE(g, gradient_of(*a, x, {.worker = 2, .index = 4}));
}

// Without noise, with its own minimum for every worker, with noise, and the tridiagonal one.
TEST(Quadratic, AGradientThatNobodyWantsEndsAfterAChunk) {
  constexpr std::size_t kDimension = 2 * kCoordinatesBetweenLooks;
  const Table plain = spectrum(kDimension, 0.5, 1.0);
  const std::unique_ptr<Problem> problems[] = {make_from(make_quadratic, plain),
                                               make_from(make_quadratic, with_shift(plain, 1.0)),
                                               make_from(make_quadratic, with_noise(plain, "gaussian", 1.0)),
                                               make_from(make_tridiagonal, {{"dimension", integer(kDimension)}})};
  const std::vector<float> x = random_point(kDimension);
  const std::atomic<OrderId> wanted_from{7};
  for (const auto& problem : problems) {
    const auto replica = problem->make_replica();
    std::vector<float> whole(kDimension, NAN), g(kDimension, NAN);
    replica->watch(StopSignal(wanted_from, 7));
    replica->gradient({.id = 7}, x, whole);
    EXPECT_EQ(std::ranges::count_if(whole, [](float slope) { return std::isnan(slope); }), 0);
    replica->watch(StopSignal(wanted_from, 6));
    replica->gradient({.id = 6}, x, g);
    EXPECT_FALSE(std::isnan(g[kCoordinatesBetweenLooks - 2]));
    EXPECT_TRUE(std::isnan(g[kCoordinatesBetweenLooks]));
  }
}

TEST(Quadratic, Messages) {
  EXPECT_EQ(error_of(make_quadratic, spectrum(3, 2.0, 1.0)),
            "run.toml: problem.mu = 2.0: must be at most the smoothness, 1.0");
  EXPECT_EQ(error_of(make_quadratic, {{"dimension", integer(0)}}),
            "run.toml: problem.dimension = 0: must be an integer in [1, 1000000000]");
  EXPECT_EQ(error_of(make_quadratic, {{"mu", {0.0}}}), "run.toml: problem.mu = 0.0: must be a number in (0, 1e+30]");
  EXPECT_EQ(error_of(make_quadratic, {{"smoothness", {-1.0}}}),
            "run.toml: problem.smoothness = -1.0: must be a number in (0, 1e+30]");
  EXPECT_EQ(error_of(make_quadratic, with_shift({}, -1.0)),
            "run.toml: problem.heterogeneity.shift = -1.0: must be a number in [0, 1000000000000000]");
  EXPECT_EQ(error_of(make_quadratic, {{"smothness", {1.0}}}),
            "run.toml: problem.smothness = 1.0: unknown key; did you mean `smoothness`? "
            "(known here: dimension, heterogeneity, mu, noise, smoothness)");
}

TEST(Tridiagonal, HandNumbers) {
  const auto problem = make_from(make_tridiagonal, {{"dimension", integer(4)}});
  std::vector<float> x(4);
  problem->initial_point(x);
  EXPECT_EQ(x, (std::vector<float>{2, 0, 0, 0}));
  const std::vector<float> g = gradient_of(*problem, x);  // Ax - b = (1, -1/2, 0, 0) + (1/4, 0, 0, 0)
  EXPECT_FLOAT_EQ(g[0], 1.25f);
  EXPECT_FLOAT_EQ(g[1], -0.5f);
  EXPECT_NEAR(g[2], 0.0, 1e-7);
  EXPECT_NEAR(g[3], 0.0, 1e-7);
  // f(x) = 1/2 * 2 * 1 + 2/4, less min f = -4 / (8 * 5)
  EXPECT_NEAR(metric_of(*problem, x, "loss"), 1.5 + 0.1, 1e-15);
  EXPECT_NEAR(metric_of(*problem, x, "gradient_norm"), std::sqrt(1.25 * 1.25 + 0.25), 1e-15);
}

// A x* = b for the stated minimiser, in doubles; and the problem's own gradient vanishes there, up to x* in floats.
TEST(Tridiagonal, TheMinimiserIsTheMinimiser) {
  for (const std::size_t d : {1ul, 2ul, 3ul, 1729ul}) {
    const auto minimiser = [d](std::size_t j) {  // numbered from 0 to d + 1, zero outside 1..d
      return j == 0 || j > d ? 0.0 : static_cast<double>(j) / static_cast<double>(d + 1) - 1.0;
    };
    for (std::size_t j = 1; j <= d; ++j)
      EXPECT_NEAR(0.25 * (2 * minimiser(j) - minimiser(j - 1) - minimiser(j + 1)), j == 1 ? -0.25 : 0.0, 1e-15);
    const auto problem = make_from(make_tridiagonal, {{"dimension", integer(static_cast<std::int64_t>(d))}});
    std::vector<float> x(d);
    for (std::size_t j = 0; j < d; ++j) x[j] = static_cast<float>(minimiser(j + 1));
    for (const float slope : gradient_of(*problem, x)) EXPECT_NEAR(slope, 0.0, 1e-7);
    EXPECT_NEAR(metric_of(*problem, x, "loss"), 0.0, 1e-11);
    // The loss is f - min f with min f = -d / (8 (d + 1)): at 0, where f = 0, it is -min f.
    EXPECT_NEAR(metric_of(*problem, std::vector<float>(d, 0.0f), "loss"),
                static_cast<double>(d) / (8.0 * static_cast<double>(d + 1)), 1e-14);
  }
}

TEST(Tridiagonal, GradientIsTheDerivative) {
  const auto problem = make_from(make_tridiagonal, {{"dimension", integer(6)}});
  const std::vector<float> x = random_point(6);
  expect_gradient(
      [](const std::vector<double>& at) {
        double value = at[0] / 4;  // -b'x
        for (std::size_t j = 0; j < 6; ++j) {
          value += 0.25 * at[j] * at[j];
          if (j > 0) value -= 0.25 * at[j] * at[j - 1];
        }
        return value;
      },
      x, gradient_of(*problem, x));
}

TEST(Tridiagonal, ChunksMeet) {
  const auto problem =
      make_from(make_tridiagonal, {{"dimension", integer(static_cast<std::int64_t>(kCoordinatesBetweenLooks + 9))}});
  const std::vector<float> x = random_point(kCoordinatesBetweenLooks + 9), g = gradient_of(*problem, x);
  for (std::size_t j = kCoordinatesBetweenLooks - 3; j < kCoordinatesBetweenLooks + 3; ++j)
    EXPECT_NEAR(g[j], (2.0 * x[j] - x[j - 1] - x[j + 1]) / 4, 1e-6) << j;
}

TEST(Tridiagonal, DefaultIsThePapersDimension) {
  EXPECT_EQ(make_from(make_tridiagonal, {})->layout().dimension(), 1729u);
  EXPECT_EQ(error_of(make_tridiagonal, {{"mu", {1.0}}}),
            "run.toml: problem.mu = 1.0: unknown key (known here: dimension, noise)");
}

TEST(Tridiagonal, TakesNoise) {
  const Table table = with_noise({{"dimension", integer(5)}}, "gaussian", 1.0);
  const auto problem = make_from(make_tridiagonal, table);
  const std::vector<float> x = random_point(5);
  EXPECT_NE(gradient_of(*problem, x, {.index = 0}), gradient_of(*problem, x, {.index = 1}));
  EXPECT_EQ(gradient_of(*problem, x, {.index = 1}), gradient_of(*problem, x, {.index = 1}));
}

}  // namespace
}  // namespace tardigrad::problems
