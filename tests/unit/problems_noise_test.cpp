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

GradientNoise skewed(double scale, double tail, double growth = 0.0) {
  return read({{"kind", {std::string("skewed")}}, {"scale", {scale}}, {"tail", {tail}}, {"growth", {growth}}});
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

// z = E - 1 with E ~ Exp(1): E z = 0, E z^2 = 1 (standard error of its mean sqrt(8 / n)), E z^3 = 2 (sqrt(261 / n): the
// sixth moment about the mean is 265). All of it along (1, ..., 1).
TEST(GradientNoise, SkewedHasItsMoments) {
  const GradientNoise noise = skewed(3.0, 1.0);
  EXPECT_EQ(noise.mean_square(), 9.0);
  double first = 0.0, second = 0.0, third = 0.0;
  for (int k = 0; k < kDraws; ++k) {
    const std::vector<float> xi = draw(noise, 4, static_cast<std::uint64_t>(k));
    for (const float x : xi) EXPECT_EQ(x, xi[0]);
    const double z = xi[0] * 2.0 / 3.0;  // sqrt(4) / scale
    first += z / kDraws;
    second += z * z / kDraws;
    third += z * z * z / kDraws;
  }
  EXPECT_NEAR(first, 0.0, 5 * std::sqrt(1.0 / kDraws));
  EXPECT_NEAR(second, 1.0, 5 * std::sqrt(8.0 / kDraws));
  EXPECT_NEAR(third, 2.0, 5 * std::sqrt(261.0 / kDraws));
}

// Clipped to a radius far below the noise a gradient is a sign: at the minimum it is + with probability P(E > 1) = 1/e,
// so that the mean is (2/e - 1) c and not 0; it is 0 where half the noise lies on either side, at
// grad f = scale (1 - ln 2). Without clipping the minimum is the rest.
TEST(GradientNoise, SkewedNoiseBiasesSmallRadii) {
  const GradientNoise noise = skewed(1.0, 1.0);
  const auto mean_sign = [&](float slope) {
    double mean = 0.0;
    for (int k = 0; k < kDraws; ++k) {
      std::vector<float> g = {slope}, scratch(1);
      noise.add_to(g, Stream(17, Purpose::test, 0, static_cast<std::uint64_t>(k)), scratch);
      mean += (g[0] > 0 ? 1.0 : -1.0) / kDraws;
    }
    return mean;
  };
  const double error = 5 * std::sqrt(1.0 / kDraws);
  EXPECT_NEAR(mean_sign(0.0f), 2 * std::exp(-1.0) - 1, error);
  EXPECT_NEAR(mean_sign(static_cast<float>(1 - std::log(2.0))), 0.0, error);
}

// The same draw, sqrt(1 + 2^2 ||g||^2) times as long: g = (3, 4).
TEST(GradientNoise, GrowsWithTheGradient) {
  for (const char* kind : {"gaussian", "sub-weibull", "skewed"}) {
    Table plain = {{"kind", {std::string(kind)}}, {"scale", {1.5}}};
    if (std::string(kind) != "gaussian") plain["tail"] = {0.5};
    Table growing = plain;
    growing["growth"] = {2.0};
    std::vector<float> alone = {3, 4}, grown = {3, 4}, scratch(2);
    read(plain).add_to(alone, Stream(17, Purpose::test), scratch);
    read(growing).add_to(grown, Stream(17, Purpose::test), scratch);
    EXPECT_NEAR(grown[0] - 3, std::sqrt(101.0) * (alone[0] - 3), 1e-4) << kind;
    EXPECT_NEAR(grown[1] - 4, std::sqrt(101.0) * (alone[1] - 4), 1e-4) << kind;
    EXPECT_EQ(read(growing).mean_square(), read(plain).mean_square());
  }
}

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
  EXPECT_EQ(
      error_of({{"kind", {std::string("gausian")}}}),
      "problem.noise.kind = \"gausian\": must be one of none, gaussian, sub-weibull, skewed; did you mean `gaussian`?");
  EXPECT_EQ(error_of({{"kind", {std::string("gaussian")}}}),
            "problem.noise.scale: is missing; it must be a number in (0, 1e+30]");
  EXPECT_EQ(error_of({{"kind", {std::string("gaussian")}}, {"scale", {0.0}}}),
            "problem.noise.scale = 0.0: must be a number in (0, 1e+30]");
  EXPECT_EQ(error_of({{"kind", {std::string("gaussian")}}, {"scale", {1.0}}, {"tail", {1.0}}}),
            "problem.noise.tail = 1.0: unknown key (known here: growth, kind, scale)");
  EXPECT_EQ(error_of({{"kind", {std::string("sub-weibull")}}, {"scale", {1.0}}, {"tail", {21.0}}}),
            "problem.noise.tail = 21.0: must be a number in (0, 20]");
  EXPECT_EQ(error_of({{"scale", {1.0}}}), "problem.noise.scale = 1.0: unknown key (known here: kind)");
}

}  // namespace
}  // namespace tardigrad::problems
