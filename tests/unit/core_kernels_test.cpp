// SPDX-License-Identifier: Apache-2.0
#include "core/kernels.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "support/on_target.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::kernels {
namespace {

// Lengths around a register (4, 8, 16 floats), a block (65,536), the parallel threshold and the streaming threshold.
const std::vector<std::size_t> kSizes = {0,  1,  2,  3,   4,    5,     7,     8,     9,      15,     16,
                                         17, 31, 33, 100, 1000, 65535, 65536, 65537, 131075, 262147, 1048579};

std::vector<float> random_vector(std::size_t size, std::uint64_t index) {
  Stream stream(7, Purpose::test, 0, index);
  std::vector<float> v(size);
  for (float& x : v) x = static_cast<float>(stream.normal());
  return v;
}

// The fixed order of the sums, as plainly as it can be written.
template <class Term>
double sum_in_fixed_order(std::size_t size, const Term& term) {
  double total = 0.0;
  for (std::size_t begin = 0; begin < size; begin += 65536) {
    const std::size_t end = std::min(size, begin + 65536);
    double lanes[16] = {};
    for (std::size_t j = begin; j < end; ++j) lanes[j % 16] += term(j);
    for (std::size_t half = 8; half > 0; half /= 2)
      for (std::size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
    total += lanes[0];
  }
  return total;
}

using test::same_bits;

class OnTarget : public test::OnTarget {};

TEST_P(OnTarget, SubtractScaledIsTheScalarLoop) {
  for (const std::size_t size : kSizes)
    for (const Threads threads : {Threads::one, Threads::all}) {
      const std::vector<float> x = random_vector(size, 1), g = random_vector(size, 2);
      std::vector<float> expected(size), out(size, -1.0f);
      for (std::size_t j = 0; j < size; ++j) expected[j] = x[j] - 0.37f * g[j];
      subtract_scaled(out, x, 0.37f, g, threads);
      EXPECT_TRUE(same_bits(out, expected)) << size;
      std::vector<float> in_place = x;
      subtract_scaled(in_place, in_place, 0.37f, g, threads);
      EXPECT_TRUE(same_bits(in_place, expected)) << size << " in place";
    }
}

TEST_P(OnTarget, AddScaledIsTheScalarLoop) {
  for (const std::size_t size : kSizes)
    for (const Threads threads : {Threads::one, Threads::all}) {
      const std::vector<float> g = random_vector(size, 2);
      std::vector<float> v = random_vector(size, 1), expected = v;
      for (std::size_t j = 0; j < size; ++j) expected[j] = expected[j] + -1.7f * g[j];
      add_scaled(v, -1.7f, g, threads);
      EXPECT_TRUE(same_bits(v, expected)) << size;
    }
}

TEST_P(OnTarget, ScaleIsTheScalarLoop) {
  for (const std::size_t size : kSizes)
    for (const Threads threads : {Threads::one, Threads::all}) {
      std::vector<float> x = random_vector(size, 1), expected(size), out(size, -1.0f);
      for (std::size_t j = 0; j < size; ++j) expected[j] = 0.37f * x[j];
      scale(out, 0.37f, x, threads);
      EXPECT_TRUE(same_bits(out, expected)) << size;
      scale(x, 0.37f, x, threads);
      EXPECT_TRUE(same_bits(x, expected)) << size << " in place";
    }
}

TEST_P(OnTarget, SumsFollowTheFixedOrder) {
  for (const std::size_t size : kSizes)
    for (const Threads threads : {Threads::one, Threads::all}) {
      const std::vector<float> x = random_vector(size, 1), y = random_vector(size, 2);
      const double norm = sum_in_fixed_order(size, [&](std::size_t j) { return double{x[j]} * double{x[j]}; });
      const double distance = sum_in_fixed_order(size, [&](std::size_t j) {
        const double difference = double{x[j]} - double{y[j]};
        return difference * difference;
      });
      EXPECT_EQ(std::bit_cast<std::uint64_t>(squared_norm(x, threads)), std::bit_cast<std::uint64_t>(norm)) << size;
      EXPECT_EQ(std::bit_cast<std::uint64_t>(squared_distance(x, y, threads)), std::bit_cast<std::uint64_t>(distance))
          << size;
    }
}

TEST_P(OnTarget, UnalignedSpansGiveTheSame) {
  for (const std::size_t size : {13ul, 64ul, 1000ul, 1048600ul})
    for (std::size_t shift = 1; shift < 16; shift += 3) {
      const std::vector<float> x = random_vector(size + 16, 1), g = random_vector(size + 16, 2);
      std::vector<float> out(size + 32, 7.0f), expected = out;
      for (std::size_t j = 0; j < size; ++j) expected[shift + j] = x[shift + j] - 0.25f * g[j + 2];
      subtract_scaled(std::span(out).subspan(shift, size), std::span(x).subspan(shift, size), 0.25f,
                      std::span(g).subspan(2, size));
      EXPECT_TRUE(same_bits(out, expected)) << size << " shifted by " << shift;  // and nothing written outside
      const std::span<const float> part = std::span(x).subspan(shift, size);
      EXPECT_EQ(squared_norm(part), squared_norm(std::vector<float>(part.begin(), part.end())));
    }
}

TEST_P(OnTarget, NothingFiniteComesOutOfNanOrInfinity) {
  for (const std::size_t size : {1ul, 10ul, 100ul, 70000ul})
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
      std::vector<float> x = random_vector(size, 1), zero(size, 0.0f), out(size);
      x[at] = std::numeric_limits<float>::infinity();
      EXPECT_EQ(squared_norm(x), std::numeric_limits<double>::infinity());
      EXPECT_EQ(squared_distance(x, zero), std::numeric_limits<double>::infinity());
      subtract_scaled(out, zero, 2.0f, x);
      EXPECT_EQ(out[at], -std::numeric_limits<float>::infinity());
      x[at] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(std::isnan(squared_norm(x)));
      EXPECT_TRUE(std::isnan(squared_distance(zero, x)));
      subtract_scaled(out, zero, 2.0f, x);
      EXPECT_TRUE(std::isnan(out[at]));
      add_scaled(out, 0.0f, zero);
      EXPECT_TRUE(std::isnan(out[at]));
    }
}

INSTANTIATE_TEST_SUITE_P(Kernels, OnTarget, testing::ValuesIn(test::attainable_targets()), test::name_of_target);

TEST(Kernels, HandNumbers) {
  const std::vector<float> x = {1, 2, 3}, g = {10, 20, 30};
  std::vector<float> out(3);
  subtract_scaled(out, x, 0.5f, g);
  EXPECT_EQ(out, (std::vector<float>{-4, -8, -12}));
  add_scaled(out, 1.0f, g);
  EXPECT_EQ(out, (std::vector<float>{6, 12, 18}));
  EXPECT_EQ(squared_norm(x), 14.0);
  EXPECT_EQ(squared_distance(x, g), 81.0 + 324.0 + 729.0);
  clear(out);
  EXPECT_EQ(out, (std::vector<float>{0, 0, 0}));
  clear({});
}

// Large and small squares: in float the sum would overflow at 3.4e38.
TEST(Kernels, SumsAreInDoublePrecision) {
  const std::vector<float> x = {1e30f, 1.0f};
  EXPECT_EQ(squared_norm(x), double{1e30f} * double{1e30f} + 1.0);
}

TEST(KernelsDeathTest, SizesMustAgree) {
  std::vector<float> two(2), three(3);
  EXPECT_DEATH(subtract_scaled(two, two, 1.0f, three), "sizes 2, 2, 3");
  EXPECT_DEATH(add_scaled(two, 1.0f, three), "sizes 2, 3");
  EXPECT_DEATH(scale(two, 1.0f, three), "sizes 2, 3");
  EXPECT_DEATH(squared_distance(two, three), "sizes 2, 3");
}

}  // namespace
}  // namespace tardigrad::kernels
