// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "compression/bf16.hpp"
#include "compression/error_feedback.hpp"
#include "compression/sparse.hpp"

namespace tardigrad::compression {
namespace {

using Vector = std::vector<float>;
using Bytes = std::vector<std::byte>;

constexpr float kLargest = std::numeric_limits<float>::max(), kSmallest = std::numeric_limits<float>::denorm_min();

Stream stream(std::uint64_t index = 0) { return {7, Purpose::compression, 3, index}; }

Vector some_vector(std::size_t dimension, std::uint64_t seed, double heavy = 4.0) {
  Stream random(seed, Purpose::test);
  Vector v(dimension);
  for (float& value : v) value = static_cast<float>(random.normal() * std::exp(heavy * random.normal()));
  return v;
}

double squares(std::span<const float> v) {
  double sum = 0.0;
  for (const float value : v) sum += double{value} * value;
  return sum;
}

Vector difference(const Vector& a, const Vector& b) {
  Vector d(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) d[i] = a[i] - b[i];
  return d;
}

bool same_bits(const Vector& a, const Vector& b) {
  return std::ranges::equal(a, b, {}, std::bit_cast<std::uint32_t, float>, std::bit_cast<std::uint32_t, float>);
}

struct Read {
  Vector values;
  std::string problem;
  bool complete = false;
};
/// In pieces of up to `most` bytes; every coordinate must come once, in order.
Read read(Decompressor& decompressor, std::span<const std::byte> bytes, std::size_t most) {
  Read read;
  Stream random(most, Purpose::test);
  while (!bytes.empty() && read.problem.empty()) {
    const std::size_t size = std::min<std::size_t>(1 + random.below(most), bytes.size());
    read.problem = decompressor.add(bytes.first(size), [&](std::size_t first, std::span<const float> values) {
      EXPECT_EQ(first, read.values.size());
      read.values.insert(read.values.end(), values.begin(), values.end());
    });
    bytes = bytes.subspan(size);
  }
  read.complete = decompressor.complete();
  return read;
}

struct Case {
  const char* name;
  std::unique_ptr<Compressor> (*make)();
};
std::unique_ptr<Compressor> make_top_tenth() { return make_top_k(0.1); }
const Case kCases[] = {{"bf16", make_bf16}, {"int8", make_int8}, {"top_k", make_top_tenth}, {"sign", make_sign}};

class EveryCompressor : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Compression, EveryCompressor, testing::ValuesIn(kCases),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_P(EveryCompressor, WhatIsReadIsWhatWasWrittenHoweverItIsCut) {
  const auto compressor = GetParam().make();
  for (const std::size_t dimension : {1, 2, 7, 8, 1023, 1024, 1025, 5000}) {
    for (const std::size_t most : {1, 5, 1000, 100000}) {
      Vector v = some_vector(dimension, dimension);
      Bytes bytes{std::byte{42}};  // what is there stays
      compressor->compress(v, stream(), &bytes);
      ASSERT_EQ(bytes.size(), 1 + compressor->size(dimension));
      const auto decompressor = compressor->decompressor(dimension);
      const Read got = read(*decompressor, std::span(bytes).subspan(1), most);
      EXPECT_EQ(got.problem, "");
      EXPECT_TRUE(got.complete);
      EXPECT_TRUE(same_bits(got.values, v)) << dimension << " in pieces of " << most;
      EXPECT_STREQ(decompressor->add(std::span(bytes).first(1), [](std::size_t, std::span<const float>) {}),
                   "more bytes than there should be");
    }
  }
}

TEST_P(EveryCompressor, DependsOnTheVectorAndTheStreamAlone) {
  const auto compressor = GetParam().make();
  Vector a = some_vector(3000, 1), b = a, c = a;
  Bytes bytes;
  compressor->compress(a, stream(), &bytes);
  compressor->compress(b, stream(), nullptr);
  compressor->compress(c, stream(1), nullptr);
  EXPECT_TRUE(same_bits(a, b));
  EXPECT_EQ(same_bits(a, c), GetParam().name != std::string("int8"));
}

TEST_P(EveryCompressor, TheEndsOfFloat32StayFinite) {
  const auto compressor = GetParam().make();
  for (const Vector& v : {Vector{kLargest, -kLargest, kLargest}, Vector{kSmallest, -kSmallest, 0.0f, -0.0f},
                          Vector{kLargest, kSmallest, -1.0f}, Vector(1500, 0.0f)}) {
    Vector sent = v;
    compressor->compress(sent, stream(), nullptr);
    for (std::size_t i = 0; i < v.size(); ++i) EXPECT_TRUE(std::isfinite(sent[i])) << v[i];
    EXPECT_LE(std::sqrt(squares(sent)), 1.01 * std::sqrt(squares(v)) * std::sqrt(3.0));
  }
}

TEST(Bf16, RoundsToTheNearest) {
  EXPECT_EQ(to_bf16(1.0f), 1.0f);
  EXPECT_EQ(to_bf16(1.0f + 0x1p-8f), 1.0f) << "a tie goes to the even one";
  EXPECT_EQ(to_bf16(1.0f + 3 * 0x1p-8f), 1.0f + 0x1p-6f) << "and here up";
  EXPECT_EQ(to_bf16(1.0f + 0x1.02p-8f), 1.0f + 0x1p-7f);
  EXPECT_EQ(to_bf16(-3.14159265f), -3.140625f);
  EXPECT_EQ(to_bf16(kLargest), 0x1.FEp127f) << "not infinity";
  EXPECT_EQ(to_bf16(-kLargest), -0x1.FEp127f);
  EXPECT_TRUE(std::signbit(to_bf16(-0.0f)));
  Stream random(1, Purpose::test);
  for (int i = 0; i < 100000; ++i) {
    const auto v = std::bit_cast<float>(random.bits32());
    if (!std::isfinite(v)) continue;
    const double error = std::abs(double{to_bf16(v)} - v);
    ASSERT_LE(error, std::max(0x1p-8 * std::abs(double{v}), 0x1p-134)) << v;
    ASSERT_EQ(to_bf16(to_bf16(v)), to_bf16(v));
  }
}

TEST(Int8, OfHandNumbers) {
  Vector v{127.0f, -1.0f, 0.0f, 126.0f};  // the scale is 1: nothing is drawn
  Bytes bytes;
  make_int8()->compress(v, stream(), &bytes);
  EXPECT_THAT(v, testing::ElementsAre(127.0f, -1.0f, 0.0f, 126.0f));
  const Bytes expected{std::byte{0},   std::byte{0},   std::byte{0x80}, std::byte{0x3f},
                       std::byte{127}, std::byte{255}, std::byte{0},    std::byte{126}};
  EXPECT_EQ(bytes, expected);
}

TEST(Int8, IsOneOfTheTwoLevelsAroundANumber) {
  for (const double heavy : {0.0, 1.0, 8.0}) {
    const Vector v = some_vector(4000, 5, heavy);
    Vector sent = v;
    make_int8()->compress(sent, stream(), nullptr);
    for (std::size_t block = 0; block < v.size(); block += kBlock) {
      const auto end = std::min(block + kBlock, v.size());
      double most = 0.0;
      for (std::size_t i = block; i < end; ++i) most = std::max(most, std::abs(double{v[i]}));
      for (std::size_t i = block; i < end; ++i)
        ASSERT_LE(std::abs(double{sent[i]} - v[i]), most / 127 * (1 + 0x1p-16)) << v[i] << " beside " << most;
    }
  }
}

// The mean over n draws has a deviation of at most s/2 / sqrt(n): with 6 of them one test in 10^9 would fail.
TEST(Int8, IsUnbiased) {
  constexpr int kDraws = 4000;
  const Vector v{1.0f, 0.3f, -0.3f, 0.001f, -0.0001f, 0.5f / 127, 126.5f / 127, 1e-30f};
  std::vector<double> sums(v.size());
  double error = 0.0;
  for (int draw = 0; draw < kDraws; ++draw) {
    Vector sent = v;
    make_int8()->compress(sent, stream(static_cast<std::uint64_t>(draw)), nullptr);
    for (std::size_t i = 0; i < v.size(); ++i) sums[i] += sent[i];
    error += squares(difference(sent, v));
  }
  const double scale = 1.0 / 127;
  for (std::size_t i = 0; i < v.size(); ++i)
    EXPECT_NEAR(sums[i] / kDraws, v[i], 6 * scale / 2 / std::sqrt(kDraws)) << v[i];
  EXPECT_LE(error / kDraws, static_cast<double>(v.size()) * scale * scale / 4);
  EXPECT_GT(error, 0.0);
}

TEST(TopK, KeepsTheLargest) {
  Vector v{1.0f, -5.0f, 3.0f, -3.0f, 0.0f, 2.0f, 3.0f, -0.5f, 0.25f, -1.0f};
  Bytes bytes;
  make_top_k(0.25)->compress(v, stream(), &bytes);  // three of ten; of the threes the first two
  EXPECT_THAT(v, testing::ElementsAre(0, -5.0f, 3.0f, -3.0f, 0, 0, 0, 0, 0, 0));
  Bytes expected;
  append_entry(expected, 1, -5.0f), append_entry(expected, 2, 3.0f), append_entry(expected, 3, -3.0f);
  EXPECT_EQ(bytes, expected);
  Vector all{1.0f, -2.0f};
  make_top_k(1.0)->compress(all, stream(), nullptr);
  EXPECT_THAT(all, testing::ElementsAre(1.0f, -2.0f));
  Vector one{1.0f, -2.0f, 0.5f};
  make_top_k(1e-9)->compress(one, stream(), nullptr);
  EXPECT_THAT(one, testing::ElementsAre(0, -2.0f, 0));
}

TEST(TopK, Contracts) {
  for (const double fraction : {0.001, 0.01, 0.3}) {
    for (const double heavy : {0.0, 1.0}) {
      const Vector v = some_vector(5000, 9, heavy);
      Vector sent = v;
      make_top_k(fraction)->compress(sent, stream(), nullptr);
      const double share = std::ceil(fraction * 5000) / 5000;
      EXPECT_LE(squares(difference(v, sent)), (1 - share) * squares(v));
      EXPECT_EQ(std::ranges::count_if(sent, [](float x) { return x != 0.0f; }), std::lround(share * 5000));
    }
  }
  Vector flat(1000, -2.0f);  // the worst: all alike
  make_top_k(0.01)->compress(flat, stream(), nullptr);
  EXPECT_EQ(squares(flat), 10 * 4.0);
}

TEST(Sign, IsTheMeanWithSigns) {
  Vector v{1.0f, -2.0f, 0.0f, -0.0f, 5.0f};
  Bytes bytes;
  make_sign()->compress(v, stream(), &bytes);
  EXPECT_THAT(v, testing::ElementsAre(1.6f, -1.6f, 1.6f, -1.6f, 1.6f));
  ASSERT_EQ(bytes.size(), 5u);
  EXPECT_EQ(bytes[4], std::byte{0b01010});
}

TEST(Sign, LosesWhatItsFormulaSays) {
  const Vector v = some_vector(3000, 11, 1.0);
  Vector sent = v;
  make_sign()->compress(sent, stream(), nullptr);
  double expected = 0.0;
  for (std::size_t block = 0; block < v.size(); block += kBlock) {
    const auto part = std::span(v).subspan(block, std::min(kBlock, v.size() - block));
    double sum = 0.0;
    for (const float value : part) sum += std::abs(double{value});
    expected += squares(part) - sum * sum / static_cast<double>(part.size());
  }
  EXPECT_NEAR(squares(difference(v, sent)), expected, 1e-5 * squares(v));
}

// Of small integers every sum is exact: what was sent and what is left make up what was to be sent.
TEST(ErrorFeedback, NothingIsLost) {
  const auto top_one = make_top_k(0.25);
  Vector left, total(4), sent_total(4);
  Stream random(2, Purpose::test);
  for (int t = 0; t < 50; ++t) {
    Vector g(4);
    for (float& value : g) value = static_cast<float>(random.below(17)) - 8.0f;
    for (std::size_t i = 0; i < 4; ++i) total[i] += g[i];
    Vector before = left;
    left.resize(4);
    ASSERT_TRUE(compress(*top_one, g, before, left, stream(), nullptr));
    EXPECT_EQ(std::ranges::count_if(g, [](float x) { return x != 0.0f; }), 1) << t;
    for (std::size_t i = 0; i < 4; ++i) sent_total[i] += g[i];
    for (std::size_t i = 0; i < 4; ++i) ASSERT_EQ(sent_total[i] + left[i], total[i]) << t;
  }
}

// Karimireddy et al. 2019, counterexample 2: f(x) = |x1 + x2| e + |x1 - x2| (e = 1/2); there signs alone stay on a
// line.
TEST(ErrorFeedback, SignsAloneDoNotConverge) {
  const auto sign = make_sign();
  const auto value = [](const Vector& x) { return 0.5 * std::abs(x[0] + x[1]) + std::abs(x[0] - x[1]); };
  const auto run = [&](bool feedback) {
    Vector x{1.0f, 1.0f}, left;
    for (int t = 1; t <= 2000; ++t) {
      const float a = x[0] + x[1] >= 0 ? 0.5f : -0.5f, b = x[0] - x[1] >= 0 ? 1.0f : -1.0f;
      Vector g{a + b, a - b};
      const Vector before = left;
      if (feedback) {
        left.resize(2);
        compress(*sign, g, before, left, stream(), nullptr);
      } else {
        sign->compress(g, stream(), nullptr);
      }
      const float step = 0.1f / std::sqrt(static_cast<float>(t));
      x[0] -= step * g[0], x[1] -= step * g[1];
    }
    return value(x);
  };
  EXPECT_GE(run(false), 1.0 - 2000 * 0x1p-23) << "it never leaves x1 + x2 = 2, but for rounding";
  EXPECT_LE(run(true), 0.05);
}

TEST(ErrorFeedback, WhatIsNotFiniteChangesNothing) {
  const auto top = make_top_k(0.5);
  Vector left{1.0f, 2.0f}, g{std::numeric_limits<float>::quiet_NaN(), 1.0f};
  Bytes bytes;
  EXPECT_FALSE(compress(*top, g, left, left, stream(), &bytes));
  EXPECT_THAT(left, testing::ElementsAre(1.0f, 2.0f));
  EXPECT_TRUE(bytes.empty());
  EXPECT_TRUE(std::isnan(g[0]));
  Vector large{kLargest, kLargest}, more{kLargest, 0.0f};
  EXPECT_FALSE(compress(*top, more, large, large, stream(), &bytes)) << "the sum is infinite";
  EXPECT_FALSE(compress(*make_bf16(), g, {}, {}, stream(), &bytes));
}

TEST(Differences, AreReadBackToTheLastBit) {
  const Vector base = some_vector(3000, 21);
  Vector x = base;
  for (const std::size_t i : {0, 1023, 1024, 1500, 2999}) x[i] += 1.0f;
  x[7] = -0.0f;
  const auto bytes = differences(x, base, 12000);
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(bytes->size(), 6 * kEntryBytes);
  for (const std::size_t most : {1, 11, 4096}) {
    const auto decompressor = sparse_decompressor(3000, 6, base);
    const Read got = read(*decompressor, *bytes, most);
    EXPECT_TRUE(got.complete);
    EXPECT_TRUE(same_bits(got.values, x)) << most;
  }
  const auto none = differences(base, base, 12000);
  ASSERT_TRUE(none.has_value());
  EXPECT_EQ(none->size(), kEntryBytes) << "there is always one";
  EXPECT_TRUE(same_bits(read(*sparse_decompressor(3000, 1, base), *none, 100).values, base));
  EXPECT_FALSE(differences(base, base, kEntryBytes - 1).has_value());
  EXPECT_FALSE(differences(x, base, 5 * kEntryBytes).has_value()) << "six do not fit";
  Vector other = base;
  for (float& value : other) value += 1.0f;
  EXPECT_FALSE(differences(other, base, 12000).has_value());
}

TEST(Differences, NoEntryIsBelieved) {
  const auto problem = [](std::initializer_list<std::uint32_t> coordinates, std::size_t entries) {
    Bytes bytes;
    for (const std::uint32_t c : coordinates) append_entry(bytes, c, 1.0f);
    return read(*sparse_decompressor(10, entries), bytes, 3).problem;
  };
  EXPECT_EQ(problem({0, 9}, 2), "");
  EXPECT_EQ(problem({3, 3}, 2), "entries that are not in their order");
  EXPECT_EQ(problem({3, 2}, 2), "entries that are not in their order");
  EXPECT_EQ(problem({10}, 1), "entries that are not in their order");
  EXPECT_EQ(problem({0xffffffffu}, 1), "entries that are not in their order");
  EXPECT_EQ(problem({1, 2}, 1), "more bytes than there should be");
  const auto half = sparse_decompressor(10, 1);
  EXPECT_FALSE(read(*half, Bytes(7), 7).complete);
}

}  // namespace
}  // namespace tardigrad::compression
