// SPDX-License-Identifier: Apache-2.0
#include "tardigrad/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <vector>

namespace tardigrad {
namespace {

using Block = std::array<std::uint32_t, 4>;

// Known answers of the authors' Random123 library for philox4x32-10.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// mix64(0), mix64(its increment): the first two outputs of SplitMix64 seeded with 0.
TEST(Mix64, IsTheFinaliserOfSplitMix64) {
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdafu);
  EXPECT_EQ(mix64(0x9E3779B97F4A7C15u), 0x6e789e6aa1b965f4u);
}

TEST(Stream, EqualCoordinatesRepeat) {
  Stream a(5, Purpose::minibatch, 3, 9), b(5, Purpose::minibatch, 3, 9);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.bits64(), b.bits64());
}

TEST(Stream, EveryCoordinateMatters) {
  std::set<std::uint64_t> firsts;
  const auto note = [&](Stream stream) { firsts.insert(stream.bits64()); };
  note(Stream(5, Purpose::minibatch, 3, 9));
  note(Stream(6, Purpose::minibatch, 3, 9));
  note(Stream(5, Purpose::compute_time, 3, 9));
  note(Stream(5, Purpose::minibatch, 4, 9));
  note(Stream(5, Purpose::minibatch, 3, 10));
  note(Stream(5, Purpose::minibatch, 3, 9 + (std::uint64_t{1} << 32)));
  EXPECT_EQ(firsts.size(), 6u);
}

// The counter is (block, worker, low index, high index) under the mixed key: stored, because digests depend on it.
TEST(Stream, BlocksAreCountedUnderTheMixedKey) {
  const std::uint64_t key = mix64(mix64(5) ^ (std::uint64_t{2} << 32));
  const std::uint64_t index = (std::uint64_t{11} << 32) | 9;
  Stream stream(5, Purpose::minibatch, 3, index);
  for (std::uint32_t block = 0; block < 3; ++block) {
    const Block expected =
        philox4x32({block, 3, 9, 11}, {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)});
    for (const std::uint32_t word : expected) EXPECT_EQ(stream.bits32(), word);
  }
}

// Sample mean and variance of n draws against the exact moments, within five standard errors: the mean's is
// sqrt(variance / n), the variance's sqrt((fourth central moment - variance^2) / n).
template <class Draw>
void expect_moments(const Draw& draw, double mean, double variance, double fourth_central) {
  constexpr int kDraws = 200'000;
  double sum = 0.0, squares = 0.0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = draw() - mean;
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0.0, 5 * std::sqrt(variance / kDraws));
  EXPECT_NEAR(squares / kDraws, variance, 5 * std::sqrt((fourth_central - variance * variance) / kDraws));
}

TEST(Stream, UniformMoments) {
  Stream stream(1, Purpose::test);
  expect_moments([&] { return stream.uniform(); }, 0.5, 1.0 / 12, 1.0 / 80);
}
TEST(Stream, NormalMoments) {
  Stream stream(2, Purpose::test);
  expect_moments([&] { return stream.normal(); }, 0.0, 1.0, 3.0);
}
TEST(Stream, ExponentialMoments) {
  Stream stream(3, Purpose::test);
  expect_moments([&] { return stream.exponential(); }, 1.0, 1.0, 9.0);
}
TEST(Stream, GammaMoments) {
  for (const double shape : {0.1, 0.5, 1.0, 2.5, 40.0}) {
    SCOPED_TRACE(shape);
    Stream stream(4, Purpose::test);
    expect_moments([&] { return stream.gamma(shape); }, shape, shape, 3 * shape * shape + 6 * shape);
  }
}
TEST(Stream, BelowMoments) {
  constexpr double n = 7;
  Stream stream(5, Purpose::test);
  const double fourth = (n * n - 1) * (3 * n * n - 7) / 240;  // of the uniform law on n consecutive integers
  expect_moments([&] { return static_cast<double>(stream.below(7)); }, (n - 1) / 2, (n * n - 1) / 12, fourth);
}

TEST(Stream, BelowIsUniform) {
  constexpr int kSides = 6, kDraws = 60'000;
  std::vector<int> counts(kSides);
  Stream stream(6, Purpose::test);
  for (int i = 0; i < kDraws; ++i) ++counts[stream.below(kSides)];
  const double margin = 5 * std::sqrt(kDraws * (1.0 / kSides) * (1 - 1.0 / kSides));
  for (const int count : counts) EXPECT_NEAR(count, kDraws / kSides, margin);
}

TEST(Stream, BelowStaysBelow) {
  Stream stream(7, Purpose::test);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(stream.below(1), 0u);
  for (const std::uint64_t n : {std::uint64_t{3}, (std::uint64_t{1} << 63) + 1, ~std::uint64_t{0}})
    for (int i = 0; i < 1000; ++i) EXPECT_LT(stream.below(n), n);
}

TEST(Stream, UniformsStayInTheirIntervals) {
  Stream stream(8, Purpose::test);
  for (int i = 0; i < 100'000; ++i) {
    const double u = stream.uniform(), p = stream.uniform_positive();
    ASSERT_TRUE(0 <= u && u < 1);
    ASSERT_TRUE(0 < p && p <= 1);
  }
}

TEST(Shuffle, IsAPermutationAndRepeats) {
  std::vector<int> a(50), b(50);
  std::iota(a.begin(), a.end(), 0);
  b = a;
  const std::vector<int> sorted = a;
  Stream first(9, Purpose::test), second(9, Purpose::test);
  shuffle(a, first);
  shuffle(b, second);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, sorted);
  std::ranges::sort(a);
  EXPECT_EQ(a, sorted);
}

TEST(Shuffle, EveryOrderIsEquallyLikely) {
  constexpr int kRounds = 12'000;
  std::map<std::vector<int>, int> counts;
  Stream stream(10, Purpose::test);
  for (int i = 0; i < kRounds; ++i) {
    std::vector<int> v = {0, 1, 2};
    shuffle(v, stream);
    ++counts[v];
  }
  EXPECT_EQ(counts.size(), 6u);
  const double margin = 5 * std::sqrt(kRounds * (1.0 / 6) * (5.0 / 6));
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, kRounds / 6, margin);
}

}  // namespace
}  // namespace tardigrad
