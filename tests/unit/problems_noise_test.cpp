// SPDX-License-Identifier: Apache-2.0
#include "problems/noise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tardigrad/error.hpp"

namespace tardigrad::problems {
namespace {

using Table = SettingValue::Table;

GradientNoise read(Table noise) {
  Settings settings({{"noise", {std::move(noise)}}}, "problem");
  GradientNoise result = GradientNoise::read(settings);
  settings.finish();
  return result;
}
GradientNoise gaussian(double scale) { return read({{"kind", {std::string("gaussian")}}, {"scale", {scale}}}); }
GradientNoise sub_weibull(double scale, double tail) {
  return read({{"kind", {std::string("sub-weibull")}}, {"scale", {scale}}, {"tail", {tail}}});
}

std::vector<float> draw(const GradientNoise& noise, std::size_t dimension, std::uint64_t index) {
  std::vector<float> xi(dimension, 0.0f), scratch(dimension);
  noise.add_to(xi, Stream(17, Purpose::test, 0, index), scratch);
  return xi;
}
double squared_norm(const std::vector<float>& xi) {
  double sum = 0.0;
  for (const float x : xi) sum += static_cast<double>(x) * x;
  return sum;
}

// Three chunks; nobody waits after the second.
TEST(GradientNoise, IsGivenUpBetweenChunks) {
  constexpr std::size_t kDimension = 3 * kCoordinatesBetweenLooks;
  for (const GradientNoise& noise : {gaussian(1.0), sub_weibull(1.0, 0.5)}) {
    std::vector<float> xi(kDimension, 0.0f), scratch(kDimension, 0.0f);
    int looks = 0;
    noise.add_to(xi, Stream(17, Purpose::test), scratch, [&] { return ++looks == 2; });
    EXPECT_EQ(looks, 2);
    const bool gaussian = scratch[0] == 0.0f;
    const std::vector<float>& drawn = gaussian ? xi : scratch;
    EXPECT_NE(drawn[2 * kCoordinatesBetweenLooks - 1], 0.0f);
    EXPECT_EQ(drawn[2 * kCoordinatesBetweenLooks], 0.0f);
    EXPECT_TRUE(gaussian || xi == std::vector<float>(kDimension, 0.0f));
  }
}

constexpr int kDraws = 40'000;

TEST(GradientNoise, NoneAddsNothing) {
  Settings empty({}, "problem");
  const GradientNoise noise = GradientNoise::read(empty);
  EXPECT_TRUE(noise.is_none());
  EXPECT_EQ(noise.mean_square(), 0.0);
  EXPECT_EQ(draw(noise, 3, 0), (std::vector<float>{0, 0, 0}));
}

// ||xi||^2 = scale^2 / d chi^2_d: mean scale^2, variance 2 scale^4 / d.
TEST(GradientNoise, GaussianHasItsMeanSquare) {
  constexpr std::size_t d = 6;
  const GradientNoise noise = gaussian(3.0);
  EXPECT_EQ(noise.mean_square(), 9.0);
  double mean = 0.0, mean_first = 0.0;
  for (int i = 0; i < kDraws; ++i) {
    const std::vector<float> xi = draw(noise, d, static_cast<std::uint64_t>(i));
    mean += squared_norm(xi) / kDraws;
    mean_first += xi[0] / double{kDraws};
  }
  EXPECT_NEAR(mean, 9.0, 5 * std::sqrt(2 * 81.0 / d / kDraws));
  EXPECT_NEAR(mean_first, 0.0, 5 * std::sqrt(9.0 / d / kDraws));
}

// ||xi||^2 = s^2 E^(2 theta) with s = sigma / 2^theta: mean s^2 Gamma(2 theta + 1), second moment s^4 Gamma(4 theta +
// 1).
TEST(GradientNoise, SubWeibullHasItsMeanSquare) {
  for (const double theta : {0.5, 1.0}) {
    const GradientNoise noise = sub_weibull(3.0, theta);
    const double s = 3.0 / std::pow(2.0, theta), expected = s * s * std::tgamma(2 * theta + 1);
    EXPECT_DOUBLE_EQ(noise.mean_square(), expected);
    const double variance = std::pow(s, 4) * std::tgamma(4 * theta + 1) - expected * expected;
    double mean = 0.0;
    for (int i = 0; i < kDraws; ++i) mean += squared_norm(draw(noise, 4, static_cast<std::uint64_t>(i))) / kDraws;
    EXPECT_NEAR(mean, expected, 5 * std::sqrt(variance / kDraws)) << theta;
  }
}

// The law of the norm itself, whatever the dimension: P(||xi|| > t sigma) = exp(-2 t^(1/theta)).
TEST(GradientNoise, SubWeibullNormHasItsTail) {
  for (const double theta : {0.5, 1.0, 2.71})
    for (const std::size_t d : {std::size_t{1}, std::size_t{7}})
      for (const double t : {0.05, 0.5, 1.0}) {
        const GradientNoise noise = sub_weibull(2.0, theta);
        int beyond = 0;
        for (int i = 0; i < kDraws / 4; ++i)
          if (std::sqrt(squared_norm(draw(noise, d, static_cast<std::uint64_t>(i)))) > 2.0 * t) ++beyond;
        const double p = std::exp(-2 * std::pow(t, 1 / theta)), n = kDraws / 4.0;
        EXPECT_NEAR(beyond / n, p, 5 * std::sqrt(p * (1 - p) / n)) << theta << ' ' << d << ' ' << t;
      }
}

// u uniform on the sphere of R^d: E u_j = 0, E u_j^2 = 1/d, and u_j^2 has variance 2 (d - 1) / (d^2 (d + 2)).
TEST(GradientNoise, SubWeibullDirectionIsUniform) {
  constexpr double d = 5;
  std::vector<double> mean(5), square(5);
  for (int i = 0; i < kDraws; ++i) {
    const std::vector<float> xi = draw(sub_weibull(1.0, 2.0), 5, static_cast<std::uint64_t>(i));
    const double norm = std::sqrt(squared_norm(xi));
    for (std::size_t j = 0; j < 5; ++j) {
      const double u = xi[j] / norm;
      mean[j] += u / kDraws;
      square[j] += u * u / kDraws;
    }
  }
  for (std::size_t j = 0; j < 5; ++j) {
    EXPECT_NEAR(mean[j], 0.0, 5 * std::sqrt(1 / d / kDraws));
    EXPECT_NEAR(square[j], 1 / d, 5 * std::sqrt(2 * (d - 1) / (d * d * (d + 2)) / kDraws));
  }
}

std::string error_of(Table noise) {
  try {
    read(std::move(noise));
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

TEST(GradientNoise, Messages) {
  EXPECT_EQ(error_of({{"kind", {std::string("gausian")}}}),
            "problem.noise.kind = \"gausian\": must be one of none, gaussian, sub-weibull; did you mean `gaussian`?");
  EXPECT_EQ(error_of({{"kind", {std::string("gaussian")}}}),
            "problem.noise.scale: is missing; it must be a number in (0, 1e+30]");
  EXPECT_EQ(error_of({{"kind", {std::string("gaussian")}}, {"scale", {0.0}}}),
            "problem.noise.scale = 0.0: must be a number in (0, 1e+30]");
  EXPECT_EQ(error_of({{"kind", {std::string("gaussian")}}, {"scale", {1.0}}, {"tail", {1.0}}}),
            "problem.noise.tail = 1.0: unknown key (known here: kind, scale)");
  EXPECT_EQ(error_of({{"kind", {std::string("sub-weibull")}}, {"scale", {1.0}}, {"tail", {21.0}}}),
            "problem.noise.tail = 21.0: must be a number in (0, 20]");
  EXPECT_EQ(error_of({{"scale", {1.0}}}), "problem.noise.scale = 1.0: unknown key (known here: kind)");
}

}  // namespace
}  // namespace tardigrad::problems
