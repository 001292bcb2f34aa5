// SPDX-License-Identifier: Apache-2.0
#include "theory/complexity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "tardigrad/error.hpp"

namespace tardigrad::theory {
namespace {

void check(std::span<const double> times) {
  TG_CHECK(!times.empty(), "no compute times");
  TG_CHECK(times.front() > 0.0 && std::ranges::is_sorted(times), "compute times must be positive and ascend");
}

/// Steps that the mean of `batch` gradients takes.
double steps(const Demand& demand, std::size_t batch) {
  return demand.iterations * (1.0 + demand.noise_ratio / static_cast<double>(batch));
}

/// min_m time_of(m, tau_m, sum_{i<=m} 1/tau_i), in one pass.
template <class TimeOf>
Best minimum(std::span<const double> times, TimeOf time_of) {
  check(times);
  Best best{.workers = 0, .time = std::numeric_limits<double>::infinity()};
  double rate = 0.0;
  for (std::size_t m = 1; m <= times.size(); ++m) {
    rate += 1.0 / times[m - 1];
    const double time = time_of(m, times[m - 1], rate);
    if (m == 1 || time < best.time) best = {.workers = m, .time = time};
  }
  return best;
}

}  // namespace

Demand demand(const Nonconvex& problem) {
  return {.iterations = problem.smoothness * problem.gap / problem.squared_target,
          .noise_ratio = problem.noise * problem.noise / problem.squared_target};
}

Demand demand(const Convex& problem) {
  const double iterations = std::sqrt(problem.smoothness / problem.target) * problem.distance;
  const double gradients = std::pow(problem.noise * problem.distance / problem.target, 2);
  return {.iterations = iterations, .noise_ratio = gradients / iterations};
}

double largest_stable_step(std::size_t delay) {
  return 2.0 * std::sin(std::numbers::pi / (4.0 * static_cast<double>(delay) + 2.0));
}

double time_per_gradient(std::span<const double> times) {
  check(times);
  double rate = 0.0;
  for (const double time : times) rate += 1.0 / time;
  return 1.0 / rate;
}

Best optimal_homogeneous(std::span<const double> times, const Demand& demand) {
  return minimum(times,
                 [&](std::size_t m, double, double rate) { return static_cast<double>(m) / rate * steps(demand, m); });
}

double optimal_heterogeneous(std::span<const double> times, const Demand& demand) {
  check(times);
  const auto workers = static_cast<double>(times.size());
  double sum = 0.0;
  for (const double time : times) sum += time;
  return demand.iterations * (times.back() + sum / workers * demand.noise_ratio / workers);
}

double minibatch(std::span<const double> times, const Demand& demand) {
  check(times);
  return times.back() * steps(demand, times.size());
}

double asynchronous(std::span<const double> times, const Demand& demand) {
  return time_per_gradient(times) * static_cast<double>(times.size()) * steps(demand, times.size());
}

Best m_synchronous(std::span<const double> times, const Demand& demand) {
  return minimum(times, [&](std::size_t m, double slowest, double) { return slowest * steps(demand, m); });
}

Best clipped_asynchronous(std::span<const double> times, double noise, double squared_target) {
  const double eps = std::sqrt(squared_target);
  return minimum(times, [&](std::size_t m, double, double rate) {
    const auto workers = static_cast<double>(m);
    return (noise * noise / std::pow(eps, 4) + noise * workers / std::pow(eps, 3) + workers / (eps * eps)) / rate;
  });
}

}  // namespace tardigrad::theory
