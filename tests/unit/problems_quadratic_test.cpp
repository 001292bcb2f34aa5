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

Table with_curvature(Table table, double shift, double curvature) {
  table["heterogeneity"] = {Table{{"shift", {shift}}, {"curvature", {curvature}}}};
  return table;
}

// Own curvatures and minima, read off two gradients: the mean of all f_i stays f, to the rounding of float.
TEST(Quadratic, CurvaturesAverageToTheSpectrum) {
  constexpr std::size_t kDimension = 6, kWorkers = 5;
  const auto problem =
      make_from(make_quadratic, with_curvature(spectrum(kDimension, 0.25, 4.0), 0.7, 0.8), seeded(5, kWorkers));
  const auto plain = make_from(make_quadratic, spectrum(kDimension, 0.25, 4.0));
  EXPECT_TRUE(problem->has_own_losses());
  EXPECT_FALSE(plain->has_own_losses());
  const std::vector<float> zero(kDimension, 0.0f), one(kDimension, 1.0f), x = random_point(kDimension);
  const std::vector<float> a = gradient_of(*plain, one), expected = gradient_of(*plain, x);
  const auto replica = problem->make_replica();
  std::vector<double> curvature(kDimension), mean(kDimension);
  double loss = 0.0, apart = 0.0;
  for (WorkerId worker = 0; worker < kWorkers; ++worker) {
    const std::vector<float> at_zero = gradient_of(*problem, zero, {.worker = worker}),
                             at_one = gradient_of(*problem, one, {.worker = worker}),
                             here = gradient_of(*problem, x, {.worker = worker});
    for (std::size_t j = 0; j < kDimension; ++j) {
      const double h = static_cast<double>(at_one[j]) - at_zero[j];
      EXPECT_GT(h, a[j] * 0.2 / 1.8 - 1e-6);
      EXPECT_LT(h, a[j] * 1.8 / 0.2 + 1e-6);
      apart = std::max(apart, std::abs(h / a[j] - 1));
      curvature[j] += h / kWorkers;
      mean[j] += static_cast<double>(here[j]) / kWorkers;
    }
    loss += replica->score(x, worker, nullptr).loss / kWorkers;
  }
  EXPECT_GT(apart, 0.2);
  for (std::size_t j = 0; j < kDimension; ++j) {
    EXPECT_NEAR(curvature[j], a[j], 1e-5 * a[j]);
    EXPECT_NEAR(mean[j], expected[j], 1e-5);
  }
  EXPECT_NEAR(loss, metric_of(*problem, x, "loss"), 1e-12 * 100);
  EXPECT_EQ(metric_of(*problem, x, "loss"), metric_of(*plain, x, "loss"));
}

// FedAvg with K = 20 local steps: the mean of x - y_K rests at sum rho_i s_i / sum rho_i, rho_i = 1 - (1 - eta h_i)^K,
// beside the minimiser 0 of the mean; with one curvature for all it rests at 0.
TEST(Quadratic, LocalStepsDriftWhereCurvaturesDiffer) {
  constexpr int kWorkers = 4, kSteps = 20;
  constexpr double kEta = 0.1;
  const auto rest = [&](double curvature, double* closed_form) {
    const auto problem =
        make_from(make_quadratic, with_curvature(spectrum(1, 1.0, 1.0), 1.0, curvature), seeded(2, kWorkers));
    double up = 0.0, down = 0.0;
    for (WorkerId worker = 0; worker < kWorkers; ++worker) {
      const double at_zero = gradient_of(*problem, std::vector<float>{0.0f}, {.worker = worker})[0];
      const double h = gradient_of(*problem, std::vector<float>{1.0f}, {.worker = worker})[0] - at_zero;
      const double rho = 1 - std::pow(1 - kEta * h, kSteps);
      up += rho * (-at_zero / h);
      down += rho;
    }
    *closed_form = up / down;
    float x = 1.0f;
    for (int round = 0; round < 60; ++round) {
      double sum = 0.0;
      for (WorkerId worker = 0; worker < kWorkers; ++worker) {
        float y = x;
        for (int k = 0; k < kSteps; ++k)
          y -= static_cast<float>(kEta) * gradient_of(*problem, std::vector<float>{y}, {.worker = worker})[0];
        sum += y;
      }
      x = static_cast<float>(sum / kWorkers);
    }
    return static_cast<double>(x);
  };
  double expected = 0.0;
  const double drifted = rest(0.9, &expected);
  EXPECT_NEAR(drifted, expected, 1e-5);
  EXPECT_GT(std::abs(expected), 0.01);
  EXPECT_NEAR(rest(0.0, &expected), 0.0, 1e-5);
  EXPECT_NEAR(expected, 0.0, 1e-5);
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
    replica->watch(CancellationToken(wanted_from, 7));
    replica->gradient({.id = 7}, x, whole);
    EXPECT_EQ(std::ranges::count_if(whole, [](float slope) { return std::isnan(slope); }), 0);
    replica->watch(CancellationToken(wanted_from, 6));
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
