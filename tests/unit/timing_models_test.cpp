// SPDX-License-Identifier: Apache-2.0
#include "timing/models.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "tardigrad/error.hpp"

namespace tardigrad::timing {
namespace {

using Table = SettingValue::Table;

std::unique_ptr<ComputeTime> make(SettingValue value, std::uint64_t seed = 1) {
  Settings settings({{"compute_time", std::move(value)}}, "workers");
  auto model = make_compute_time(settings, "compute_time", seed);
  settings.finish();
  return model;
}
SettingValue table(const char* kind, Table keys) {
  keys["kind"] = {std::string(kind)};
  return {std::move(keys)};
}

constexpr int kDraws = 40'000;

// The share of draws up to each quantile q(p) must be p, within five standard errors of a binomial share. The quantiles
// are closed forms, so that this holds where moments do not exist.
void expect_quantiles(const ComputeTime& model, const std::function<double(double)>& quantile) {
  for (const double p : {0.01, 0.1, 0.5, 0.9, 0.99}) {
    const Time bound = from_seconds(quantile(p));
    int below = 0;
    for (std::uint64_t i = 0; i < kDraws; ++i)
      if (model.sample(static_cast<WorkerId>(i % 7), i) <= bound) ++below;
    EXPECT_NEAR(below / double{kDraws}, p, 5 * std::sqrt(p * (1 - p) / kDraws)) << p;
  }
}

void expect_mean(const ComputeTime& model, double mean, double variance) {
  double sum = 0.0;
  for (std::uint64_t i = 0; i < kDraws; ++i) sum += to_seconds(model.sample(3, i));
  EXPECT_NEAR(sum / kDraws, mean, 5 * std::sqrt(variance / kDraws));
}

// Phi^-1, by bisection of the error function.
double normal_quantile(double p) {
  double low = -10, high = 10;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return low;
}

TEST(ComputeTime, ConstantsAreExact) {
  EXPECT_EQ(make({1.0})->sample(0, 0), Time{1'000'000'000});
  EXPECT_EQ(make({std::int64_t{2}})->sample(9, 9), Time{2'000'000'000});
  EXPECT_EQ(make({0.001})->sample(0, 0), Time{1'000'000});
  EXPECT_EQ(make(table("constant", {{"value", {2.5}}}))->sample(0, 5), Time{2'500'000'000});
  EXPECT_EQ(make_constant(0.25)->sample(1, 1), Time{250'000'000});
}

TEST(ComputeTime, IsBetweenOneNanosecondAndTheCap) {
  EXPECT_EQ(to_compute_time(0.0), Time{1});
  EXPECT_EQ(to_compute_time(1e-12), Time{1});
  EXPECT_EQ(to_compute_time(2.4e-9), Time{2});
  EXPECT_EQ(to_compute_time(2.6e-9), Time{3});
  EXPECT_EQ(to_compute_time(1e8), Time{100'000'000'000'000'000});
  EXPECT_EQ(to_compute_time(1e300), to_compute_time(1e8));
  EXPECT_EQ(to_compute_time(INFINITY), to_compute_time(1e8));
  // Half of all draws are beyond the cap: (1/U)^(1/0.01) is above 1e8 once U < 10^-0.08 = 0.83.
  const auto model = make(table("pareto", {{"shape", {0.01}}, {"scale", {1.0}}}));
  int capped = 0;
  for (std::uint64_t i = 0; i < 1000; ++i)
    if (model->sample(0, i) == to_compute_time(kLongestSeconds)) ++capped;
  const double p = std::pow(10.0, -0.08);
  EXPECT_NEAR(capped / 1000.0, p, 5 * std::sqrt(p * (1 - p) / 1000));
}

TEST(ComputeTime, Uniform) {
  const auto model = make(table("uniform", {{"low", {1.0}}, {"high", {3.0}}}));
  expect_quantiles(*model, [](double p) { return 1 + 2 * p; });
  expect_mean(*model, 2.0, 4.0 / 12);
}
TEST(ComputeTime, Exponential) {
  const auto model = make(table("exponential", {{"mean", {2.0}}}));
  expect_quantiles(*model, [](double p) { return -2 * std::log(1 - p); });
  expect_mean(*model, 2.0, 4.0);
}
TEST(ComputeTime, HalfNormal) {
  const auto model = make(table("half-normal", {{"base", {1.0}}, {"scale", {2.0}}}));
  expect_quantiles(*model, [](double p) { return 1 + 2 * normal_quantile((1 + p) / 2); });
  expect_mean(*model, 1 + 2 * std::sqrt(2 / M_PI), 4 * (1 - 2 / M_PI));
}
TEST(ComputeTime, LogNormal) {
  const auto model = make(table("log-normal", {{"median", {2.0}}, {"sigma", {0.5}}}));
  expect_quantiles(*model, [](double p) { return 2 * std::exp(0.5 * normal_quantile(p)); });
  expect_mean(*model, 2 * std::exp(0.125), 4 * (std::exp(0.25) - 1) * std::exp(0.25));
}
TEST(ComputeTime, Pareto) {
  const auto model = make(table("pareto", {{"shape", {1.5}}, {"scale", {2.0}}}));
  expect_quantiles(*model, [](double p) { return 2 * std::pow(1 - p, -1 / 1.5); });
  const auto light = make(table("pareto", {{"shape", {4.0}}, {"scale", {3.0}}}));
  expect_mean(*light, 4.0, 9.0 * 4 / (9 * 2));  // scale^2 a / ((a - 1)^2 (a - 2))
}
TEST(ComputeTime, Weibull) {
  const auto model = make(table("weibull", {{"shape", {0.7}}, {"scale", {2.0}}}));
  expect_quantiles(*model, [](double p) { return 2 * std::pow(-std::log(1 - p), 1 / 0.7); });
  const double first = std::tgamma(1 + 1 / 0.7), second = std::tgamma(1 + 2 / 0.7);
  expect_mean(*model, 2 * first, 4 * (second - first * first));
}

TEST(ComputeTime, DrawsDependOnSeedWorkerAndIndexOnly) {
  const SettingValue spec = table("exponential", {{"mean", {1.0}}});
  const auto model = make(spec, 1), again = make(spec, 1), other = make(spec, 2);
  EXPECT_EQ(model->sample(3, 5), again->sample(3, 5));
  EXPECT_EQ(model->sample(3, 5), model->sample(3, 5));
  EXPECT_NE(model->sample(3, 5), model->sample(3, 6));
  EXPECT_NE(model->sample(3, 5), model->sample(4, 5));
  EXPECT_NE(model->sample(3, 5), other->sample(3, 5));
}

TEST(ComputeTime, DegenerateLawsAreConstants) {
  EXPECT_EQ(make(table("uniform", {{"low", {2.0}}, {"high", {2.0}}}))->sample(1, 2), from_seconds(2));
  EXPECT_EQ(make(table("log-normal", {{"median", {2.0}}, {"sigma", {0.0}}}))->sample(1, 2), from_seconds(2));
}

// Every row of the catalogue can be made from the keys that it lists, and from no others.
TEST(ComputeTime, CatalogueListsTheKeys) {
  EXPECT_EQ(models().size(), 7u);
  for (const ModelRow& row : models()) {
    Table keys;
    for (const SettingRow& setting : row.law.rows) keys[setting.key] = {1.0};
    EXPECT_GE(make(table(row.law.name, keys))->sample(0, 0), Time{1}) << row.law.name;
    EXPECT_STRNE(row.law.meaning, "");
  }
}

std::string error_of(SettingValue value) {
  try {
    make(std::move(value));
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

TEST(ComputeTime, Messages) {
  const std::string at = "workers.compute_time";
  EXPECT_EQ(error_of({std::string("fast")}),
            at + " = \"fast\": must be a number of seconds or a table { kind = \"...\", ... }");
  EXPECT_EQ(error_of({-1.0}), at + " = -1.0: must be a number in (0, 100000000]");
  EXPECT_EQ(error_of({INFINITY}), at + " = inf: must be a number in (0, 100000000]");
  EXPECT_EQ(error_of(table("exponental", {})),
            at + ".kind = \"exponental\": must be one of constant, uniform, exponential, half-normal, log-normal, "
                 "pareto, weibull; did you mean `exponential`?");
  EXPECT_EQ(error_of({Table{}}), at + ".kind: is missing; it must be one of constant, uniform, exponential, "
                                      "half-normal, log-normal, pareto, weibull");
  EXPECT_EQ(error_of(table("exponential", {})), at + ".mean: is missing; it must be a number in (0, 100000000]");
  EXPECT_EQ(error_of(table("exponential", {{"mean", {1.0}}, {"scale", {1.0}}})),
            at + ".scale = 1.0: unknown key (known here: kind, mean)");
  EXPECT_EQ(error_of(table("uniform", {{"low", {3.0}}, {"high", {1.0}}})),
            at + ".low = 3.0: must be at most high, 1.0");
  EXPECT_EQ(error_of(table("uniform", {{"low", {-1.0}}, {"high", {1.0}}})),
            at + ".low = -1.0: must be a number in [0, 100000000]");
  EXPECT_EQ(error_of(table("pareto", {{"shape", {0.001}}, {"scale", {1.0}}})),
            at + ".shape = 0.001: must be a number in [0.01, 1000]");
  EXPECT_EQ(error_of(table("log-normal", {{"median", {1.0}}, {"sigma", {11.0}}})),
            at + ".sigma = 11.0: must be a number in [0, 10]");
  Settings empty({}, "workers");
  EXPECT_THROW(make_compute_time(empty, "compute_time", 1), Error);
}

}  // namespace
}  // namespace tardigrad::timing
