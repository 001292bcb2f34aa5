// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "tardigrad/rng.hpp"
#include "theory/complexity.hpp"

namespace tardigrad::theory {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// L = 2, Delta = 3, sigma = 4, eps = 0.5: L Delta/eps = 12, sigma^2/eps = 32, so sigma^2 L Delta/eps^2 = 384.
TEST(Demand, OfANonconvexProblem) {
  const Demand d = demand(Nonconvex{.smoothness = 2, .gap = 3, .noise = 4, .squared_target = 0.5});
  EXPECT_DOUBLE_EQ(d.iterations, 12);
  EXPECT_DOUBLE_EQ(d.noise_ratio, 32);
  EXPECT_DOUBLE_EQ(d.iterations * d.noise_ratio, 384);
}

// sqrt(L/eps) D = sqrt(8/0.5) * 3 = 12; sigma^2 D^2/eps^2 = (4 * 3/0.5)^2 = 576 = 12 * 48.
TEST(Demand, OfAConvexProblem) {
  const Demand d = demand(Convex{.smoothness = 8, .distance = 3, .noise = 4, .target = 0.5});
  EXPECT_DOUBLE_EQ(d.iterations, 12);
  EXPECT_DOUBLE_EQ(d.noise_ratio, 48);
}

TEST(Demand, ANormIsTheRootOfTheSquaredTarget) { EXPECT_EQ(squared_target(0.5), 0.25); }

// tau = (1, 2, 4), I = 10, S = 3. sum 1/tau = 1.75, sum tau = 7.
TEST(Complexity, ByHand) {
  const std::vector<double> tau = {1, 2, 4};
  const Demand d{.iterations = 10, .noise_ratio = 3};
  EXPECT_DOUBLE_EQ(time_per_gradient(tau), 4.0 / 7);
  EXPECT_DOUBLE_EQ(minibatch(tau, d), 4 * (10 + 10));  // tau_n (I + I S/3)
  EXPECT_DOUBLE_EQ(optimal_heterogeneous(tau, d), 4 * 10 + 7.0 / 3 * 10);
  EXPECT_DOUBLE_EQ(asynchronous(tau, d), 3 / 1.75 * 20);  // 34.28...
  // m-sync: m = 1: 1 * 40 = 40; m = 2: 2 * 25 = 50; m = 3: 4 * 20 = 80
  const Best sync = m_synchronous(tau, d);
  EXPECT_EQ(sync.workers, 1u);
  EXPECT_DOUBLE_EQ(sync.time, 40);
  // optimal: m = 1: 40; m = 2: (2/1.5) * 25 = 33.3; m = 3: (3/1.75) * 20 = 34.3
  const Best optimal = optimal_homogeneous(tau, d);
  EXPECT_EQ(optimal.workers, 2u);
  EXPECT_DOUBLE_EQ(optimal.time, 100.0 / 3);
  // clipped, sigma = 1, eps^2 = 0.25, eps = 0.5: 16 + 8 m + 4 m over the rate: 28/1, 40/1.5 = 26.7, 52/1.75 = 29.7
  const Best clipped = clipped_asynchronous(tau, 1.0, squared_target(0.5));
  EXPECT_EQ(clipped.workers, 2u);
  EXPECT_DOUBLE_EQ(clipped.time, 40 / 1.5);
}

// Without noise rounds of the fastest worker alone are best, and nobody is faster; with equal workers all agree.
TEST(Complexity, Limits) {
  const std::vector<double> unequal = {1, 2, 4}, equal(5, 2.0);
  const Demand exact{.iterations = 7}, noisy{.iterations = 7, .noise_ratio = 10};
  EXPECT_EQ(m_synchronous(unequal, exact).workers, 1u);
  EXPECT_EQ(m_synchronous(unequal, exact).time, 7.0);
  EXPECT_EQ(optimal_homogeneous(unequal, exact).time, 7.0);
  EXPECT_DOUBLE_EQ(minibatch(equal, noisy), 2 * 7 * 3.0);
  EXPECT_DOUBLE_EQ(asynchronous(equal, noisy), 42);
  EXPECT_DOUBLE_EQ(optimal_homogeneous(equal, noisy).time, 42);
  EXPECT_DOUBLE_EQ(optimal_heterogeneous(equal, noisy), 42);
  EXPECT_EQ(m_synchronous(equal, noisy).workers, 5u);
}

TEST(Complexity, WhoNeverDeliversIsLeftOut) {
  const std::vector<double> tau = {1, 1, kInfinity};
  const Demand d{.iterations = 1, .noise_ratio = 100};
  EXPECT_EQ(m_synchronous(tau, d).workers, 2u);
  EXPECT_EQ(optimal_homogeneous(tau, d).workers, 2u);
  EXPECT_DOUBLE_EQ(time_per_gradient(tau), 0.5);
  EXPECT_EQ(minibatch(tau, d), kInfinity);
  EXPECT_EQ(optimal_heterogeneous(tau, d), kInfinity);
}

TEST(ComplexityDeathTest, TimesAreAscendingAndPositive) {
  EXPECT_DEATH(time_per_gradient({}), "no compute times");
  EXPECT_DEATH(time_per_gradient(std::vector<double>{2, 1}), "must be positive and ascend");
  EXPECT_DEATH(time_per_gradient(std::vector<double>{0, 1}), "must be positive and ascend");
}

TEST(LargestStableStep, ByHand) {
  EXPECT_DOUBLE_EQ(largest_stable_step(0), 2.0);
  EXPECT_NEAR(largest_stable_step(1), 1.0, 1e-15);                         // 2 sin 30 degrees
  EXPECT_NEAR(largest_stable_step(2), (std::sqrt(5.0) - 1.0) / 2, 1e-15);  // 2 sin 18 degrees: the golden section
  EXPECT_NEAR(1000 * largest_stable_step(1000), std::numbers::pi / 2, 1e-3);
}

// The recursion itself, on either side of the bound.
TEST(LargestStableStep, IsWhereTheRecursionBeginsToGrow) {
  for (const std::size_t delay : {0, 1, 2, 5, 15}) {
    const auto size_after = [&](double step) {
      std::vector<double> x(delay + 1, 1.0);  // x_{t - delay}, ..., x_t
      for (int t = 0; t < 40000 && std::abs(x.back()) < 1e6; ++t) {
        x.push_back(x.back() - step * x.front());
        x.erase(x.begin());
      }
      return std::abs(*std::ranges::max_element(x, {}, [](double v) { return std::abs(v); }));
    };
    EXPECT_LT(size_after(0.99 * largest_stable_step(delay)), 1e-3) << delay;
    EXPECT_GT(size_after(1.01 * largest_stable_step(delay)), 1e3) << delay;
  }
}

// The one pass against the formulas as they are written, for random times.
TEST(Complexity, BruteForce) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Stream stream(seed, Purpose::test);
    std::vector<double> tau(1 + stream.below(30));
    for (double& t : tau) t = 0.1 + 10 * stream.uniform() * stream.uniform();
    std::ranges::sort(tau);
    const double I = 1 + 100 * stream.uniform(), S = 50 * stream.uniform(), sigma = 3 * stream.uniform();
    Best optimal{.time = kInfinity}, sync{.time = kInfinity}, clipped{.time = kInfinity};
    const auto keep = [](Best& best, std::size_t m, double time) {
      if (time < best.time) best = {.workers = m, .time = time};
    };
    for (std::size_t m = 1; m <= tau.size(); ++m) {
      const double rate = std::accumulate(tau.begin(), tau.begin() + static_cast<std::ptrdiff_t>(m), 0.0,
                                          [](double sum, double t) { return sum + 1 / t; });
      const auto d = static_cast<double>(m);
      keep(optimal, m, (I + I * S / d) / (rate / d));
      keep(sync, m, tau[m - 1] * (I + I * S / d));
      keep(clipped, m, (sigma * sigma / 0.0625 + sigma * d / 0.125 + d / 0.25) / rate);
    }
    const Demand d{.iterations = I, .noise_ratio = S};
    EXPECT_NEAR(optimal_homogeneous(tau, d).time, optimal.time, 1e-12 * optimal.time);
    EXPECT_NEAR(m_synchronous(tau, d).time, sync.time, 1e-12 * sync.time);
    EXPECT_NEAR(clipped_asynchronous(tau, sigma, 0.25).time, clipped.time, 1e-12 * clipped.time);
    EXPECT_EQ(m_synchronous(tau, d).workers, sync.workers);
    // What no method can beat is beaten by none; and rounds are behind it by a logarithm at most.
    EXPECT_LE(optimal.time, sync.time * (1 + 1e-12));
    EXPECT_LE(optimal.time, asynchronous(tau, d) * (1 + 1e-12));
    EXPECT_LE(sync.time, optimal.time * (1 + std::log(static_cast<double>(tau.size()))) * (1 + 1e-12));
  }
}

}  // namespace
}  // namespace tardigrad::theory
