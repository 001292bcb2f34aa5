// SPDX-License-Identifier: Apache-2.0
// The noise of passes: its distribution, and that a coordinate's does not depend on its neighbours.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/vector_program.hpp"
#include "support/on_target.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::kernels {
namespace {

using test::same_bits;
using vec::kModel;

class NoiseOnTarget : public test::OnTarget {};

std::vector<float> noise(std::size_t size, std::uint64_t seed, std::uint64_t index, Threads threads = Threads::one) {
  std::vector<float> zero(size, 0.0f), out(size);
  VectorProgram program;
  program.noise(kModel, kModel, 1.0, seed, index);
  execute(
      program, size, [&](Vec) -> Operand { return {.read = zero, .write = out}; }, threads);
  return out;
}

TEST_P(NoiseOnTarget, NoiseIsThatOfItsCoordinateHoweverManyThereAre) {
  const std::vector<float> all = noise(300000, 5, 6, Threads::all);
  for (const std::size_t size : {1ul, 63ul, 64ul, 1000ul, 1025ul, 70001ul, 299999ul})
    EXPECT_TRUE(same_bits(noise(size, 5, 6), std::span(all).first(size))) << size;
}

INSTANTIATE_TEST_SUITE_P(Noise, NoiseOnTarget, testing::ValuesIn(test::attainable_targets()), test::name_of_target);

// Box and Muller in double precision from the same bits.
double exact_noise_at(std::size_t j, std::uint64_t seed, std::uint64_t index) {
  const auto key = Stream(seed, Purpose::privacy, 0, index).key();
  const auto words = philox4x32({static_cast<std::uint32_t>(j / 64 * 16 + j % 16), 0, static_cast<std::uint32_t>(index),
                                 static_cast<std::uint32_t>(index >> 32)},
                                key);
  const std::size_t part = j % 64 / 16;
  const std::uint32_t first = words[part / 2 * 2], second = words[part / 2 * 2 + 1];
  const double u = (static_cast<double>(first >> 1) + 0.5) * 0x1p-31;
  double angle = std::numbers::pi / 2 * static_cast<double>(static_cast<std::int32_t>(second << 2)) * 0x1p-32;
  if (second & 0x40000000u) angle = std::numbers::pi / 2 - angle;
  if (second & 0x80000000u) angle += std::numbers::pi;
  return std::sqrt(-2.0 * std::log(u)) * (part % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

// u is rounded to float32, a relative error of 2^-24 at worst near 1, where the radius sqrt(-2 ln u) is steepest:
// d(radius) = d(u)/(u radius). The rest is a handful of roundings of numbers below 7.
TEST(PassNoise, IsBoxAndMullersToTheRoundingsOfFloat32) {
  constexpr std::size_t kSize = 200000;
  const std::vector<float> values = noise(kSize, 11, 12);
  for (std::size_t j = 0; j < kSize; ++j) {
    const double exact = exact_noise_at(j, 11, 12);
    const std::size_t partner = j % 32 < 16 ? j + 16 : j - 16;
    const double radius = std::hypot(exact, exact_noise_at(partner, 11, 12));
    ASSERT_NEAR(values[j], exact, 0x1p-24 * (1.0 / radius + 8.0 * radius)) << j;
  }
}

// The mean of n normals has the deviation 1/sqrt(n); mean square sqrt(2/n); mean cube sqrt(15/n); mean fourth power
// sqrt(96/n). Five deviations: one run in 1.7 million would fail by chance, and this one is always the same.
TEST(PassNoise, MomentsAreThoseOfTheNormal) {
  constexpr std::size_t kSize = 4'000'000;
  const std::vector<float> values = noise(kSize, 1, 2, Threads::all);
  double sums[5] = {};
  for (const float value : values) {
    double power = 1.0;
    for (double& sum : sums) {
      sum += power;
      power *= static_cast<double>(value);
    }
  }
  const double n = static_cast<double>(kSize);
  EXPECT_NEAR(sums[1] / n, 0.0, 5 / std::sqrt(n));
  EXPECT_NEAR(sums[2] / n, 1.0, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(sums[3] / n, 0.0, 5 * std::sqrt(15 / n));
  EXPECT_NEAR(sums[4] / n, 3.0, 5 * std::sqrt(96 / n));
}

double kolmogorov_smirnov(std::vector<float> values) {
  std::ranges::sort(values);
  const double n = static_cast<double>(values.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double cdf = 0.5 * std::erfc(-static_cast<double>(values[i]) / std::numbers::sqrt2);
    largest = std::max({largest, cdf - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - cdf});
  }
  return largest;
}

// P(sqrt(n) D > k) -> 2 exp(-2 k^2): 1e-6 at k = 2.69.
TEST(PassNoise, TheDistributionIsNormal) {
  constexpr std::size_t kSize = 1'000'000;
  EXPECT_LT(kolmogorov_smirnov(noise(kSize, 3, 4)), 2.69 / std::sqrt(static_cast<double>(kSize)));
}

// The correlation of independent normals has the deviation 1/sqrt(n): neighbours, the two of a pair, the two pairs of
// a block, neighbouring groups; other indices, other seeds.
TEST(PassNoise, CoordinatesStreamsAndSeedsAreIndependent) {
  constexpr std::size_t kSize = 1'000'000;
  const std::vector<float> values = noise(kSize, 3, 4);
  const auto correlation = [&](std::span<const float> v, std::span<const float> w) {
    double sum = 0.0;
    for (std::size_t j = 0; j < w.size(); ++j) sum += static_cast<double>(v[j]) * static_cast<double>(w[j]);
    return sum / static_cast<double>(w.size());
  };
  const double bound = 5 / std::sqrt(static_cast<double>(kSize - 64));
  for (const std::size_t lag : {1ul, 4ul, 8ul, 16ul, 32ul, 48ul, 64ul})
    EXPECT_NEAR(correlation(values, std::span(values).subspan(lag)), 0.0, bound) << lag;
  EXPECT_NEAR(correlation(values, noise(kSize, 3, 5)), 0.0, bound);
  EXPECT_NEAR(correlation(values, noise(kSize, 4, 4)), 0.0, bound);
}

}  // namespace
}  // namespace tardigrad::kernels
