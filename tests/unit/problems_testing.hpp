// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "tardigrad/error.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::problems::testing {

using Table = SettingValue::Table;
using Make = decltype(ProblemRow::make);

inline ProblemContext seeded(std::uint64_t seed, std::size_t workers = 1) {
  return {.workers = workers, .seed = seed, .data_root = {}};
}

inline std::unique_ptr<Problem> make_from(const Make& make, Table table, const ProblemContext& context = {}) {
  Settings settings(std::move(table), "problem", "run.toml");
  auto problem = make(settings, context);
  settings.finish();
  return problem;
}

/// The message that making the problem ends with.
inline std::string error_of(const Make& make, Table table, const ProblemContext& context = {}) {
  try {
    make_from(make, std::move(table), context);
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

inline SettingValue text(const char* value) { return {std::string(value)}; }
inline SettingValue integer(std::int64_t value) { return {value}; }

inline std::vector<float> gradient_of(const Problem& problem, std::span<const float> x, Order order = {}) {
  std::vector<float> g(x.size(), NAN);
  problem.make_replica()->gradient(order, x, g);
  return g;
}

inline double metric_of(const Problem& problem, std::span<const float> x, const std::string& name) {
  const auto replica = problem.make_replica();
  std::vector<double> sums;
  for (std::size_t part = 0; part < problem.evaluation_parts(); ++part) {
    const std::vector<double> more = replica->evaluate(x, part, nullptr);
    sums.resize(more.size());
    for (std::size_t k = 0; k < more.size(); ++k) sums[k] += more[k];
  }
  for (const Metric& metric : problem.metrics(sums))
    if (metric.name == name) return metric.value;
  ADD_FAILURE() << "no metric " << name;
  return NAN;
}

inline std::vector<float> random_point(std::size_t dimension, std::uint64_t index = 0) {
  Stream stream(11, Purpose::test, 0, index);
  std::vector<float> x(dimension);
  for (float& coordinate : x) coordinate = static_cast<float>(stream.normal());
  return x;
}

/// g against central differences of a float64 f. Errors of the differences: h^2 f''' and 1e-16 |f| / h with h = 1e-5,
/// both below 1e-9 for the f of these tests; of g: the rounding to float, 6e-8 |g_j|, a few times over.
inline void expect_gradient(const std::function<double(const std::vector<double>&)>& f, std::span<const float> at,
                            std::span<const float> g) {
  std::vector<double> x(at.begin(), at.end());
  for (std::size_t j = 0; j < x.size(); ++j) {
    constexpr double h = 1e-5;
    const double here = x[j];
    x[j] = here + h;
    const double above = f(x);
    x[j] = here - h;
    const double below = f(x);
    x[j] = here;
    const double expected = (above - below) / (2 * h);
    EXPECT_NEAR(g[j], expected, 1e-6 * (1 + std::abs(expected))) << "coordinate " << j;
  }
}

}  // namespace tardigrad::problems::testing
