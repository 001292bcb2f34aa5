// SPDX-License-Identifier: Apache-2.0
// The automatic clip radius, by hand numbers and by what it promises of any norms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/state.hpp"
#include "methods/policies/clipping/auto_radius.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad {
namespace {

using methods::AutoRadius;
using testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> radii(const std::vector<double>& norms) {
  AutoRadius radius;
  std::vector<double> all = {radius.now()};
  for (const double norm : norms) {
    radius.observe(norm);
    all.push_back(radius.now());
  }
  return all;
}

// c_0 = 0; until the eighth norm the smallest so far; then the smallest of all seventh-smallest of eight:
//   of 6 9 4 5 7 8 3 90:  9     of 9 4 5 7 8 3 90 2:  9     of 4 5 7 8 3 90 2 2:  8     of 5 7 8 3 90 2 2 1:  8
//   of 7 8 3 90 2 2 1 1:  8     of 8 3 90 2 2 1 1 1:  8     of 3 90 2 2 1 1 1 1:  3     of 90 2 2 1 1 1 1 70: 70
TEST(AutoRadius, ByHand) {
  EXPECT_THAT(radii({6, 9, 4, 5, 7, 8, 3, 90, 2, 2, 1, 1, 1, 1, 70}),
              ElementsAre(0, 6, 6, 4, 4, 4, 4, 3, 9, 9, 8, 8, 8, 8, 3, 3));
}

// M falls below the median of independent norms of one law when as many of W as its rank do, each with chance 1/2:
// exactly, from Pascal's triangle.
TEST(AutoRadius, TheRankIsTheUpperEndOfAConfidenceInterval) {
  std::vector<double> chance = {1.0};  // of 0 ... W norms below the median
  for (std::size_t window = 1; window <= AutoRadius::kWindow; ++window) {
    chance.push_back(0.0);
    for (std::size_t k = window; k > 0; --k) chance[k] = (chance[k] + chance[k - 1]) / 2;
    chance[0] /= 2;
    if (window < AutoRadius::kFirst) continue;
    const std::size_t rank = AutoRadius::upper_rank(window);
    ASSERT_LE(rank, window);
    double below = 0.0;
    for (std::size_t k = rank; k <= window; ++k) below += chance[k];
    EXPECT_LE(below, 0.04) << window;
    EXPECT_GE(below, 0.01) << window;  // and no higher than it must be
  }
  EXPECT_EQ(AutoRadius::upper_rank(8), 7u);
  EXPECT_EQ(AutoRadius::upper_rank(16), 12u);
  EXPECT_EQ(AutoRadius::upper_rank(256), 144u);
}

// The window is an eighth of what was seen: 8 until 71 norms, 9 with the 72nd, and 256 in the end.
TEST(AutoRadius, TheWindowGrowsToAnEighth) {
  AutoRadius radius;
  for (int i = 0; i < 2048; ++i) radius.observe(10.0);
  // 144 of 256 must be small before the radius is; not one fewer. None of them is clipped.
  for (int i = 0; i < 143; ++i) radius.observe(1.0);
  EXPECT_EQ(radius.now(), 10.0);
  radius.observe(1.0);
  EXPECT_EQ(radius.now(), 1.0);

  AutoRadius young;
  for (int i = 0; i < 64; ++i) young.observe(10.0);
  for (int i = 0; i < 6; ++i) young.observe(1.0);
  EXPECT_EQ(young.now(), 10.0);
  young.observe(1.0);  // the 71st: 7 of 8
  EXPECT_EQ(young.now(), 1.0);
}

// Blocks of 64 after the eighth: 58 clipped ones count, 57 do not. A norm of 4 is clipped, one of 1 is not.
TEST(AutoRadius, ShrinksWhereNearlyAllIsClipped) {
  for (const int clipped : {57, 58, 64}) {
    AutoRadius radius;
    for (int i = 0; i < 8; ++i) radius.observe(2.0);
    for (int block = 1; block <= 3; ++block) {
      const double before = radius.now();
      for (int i = 0; i < 64; ++i) {
        EXPECT_EQ(radius.now(), before);
        radius.observe(i % 8 == 7 && i < 8 * (64 - clipped) ? 1e-9 : 4.0);
      }
      EXPECT_EQ(radius.now(), clipped < 58 ? 2.0 : 2.0 / std::sqrt(1.0 + block)) << clipped;
    }
  }
}

// Whatever comes: from the eighth on it never grows, it is above 0, and no more than the seventh smallest of the first
// eight: one wild norm among them is without effect, and so is everything that explodes later.
TEST(AutoRadius, NeverGrows) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Stream stream(seed, Purpose::test);
    AutoRadius radius;
    std::vector<double> first;
    double before = kInfinity;
    for (int i = 0; i < 3000; ++i) {
      const double e = stream.exponential();
      double norm = std::pow(e, 3.0);                                    // heavy tails,
      if (seed % 4 == 1) norm *= std::pow(1.1, i);                       // exploding up to 1e124,
      if (seed % 4 == 2) norm *= stream.uniform() < 0.3 ? 1e30 : 1e-30;  // on two scales,
      if (seed % 4 == 3) norm = i % 700 < 350 ? 1.0 + e : 1e6;           // or in turns
      if (first.size() < 8) first.push_back(norm);
      radius.observe(norm);
      ASSERT_GT(radius.now(), 0.0);
      if (i < 7) continue;
      ASSERT_LE(radius.now(), before) << seed << ' ' << i;
      before = radius.now();
      if (i == 7) {
        std::ranges::sort(first);
        ASSERT_EQ(radius.now(), first[6]);
      }
    }
  }
}

// f multiplied by a number: so is every norm and, to the last bit where the number is a power of two, the radius.
TEST(AutoRadius, ScalesWithTheObjective) {
  for (const double factor : {0x1p-40, 0x1p60, 3.7}) {
    Stream stream(5, Purpose::test);
    AutoRadius radius, scaled;
    for (int i = 0; i < 2000; ++i) {
      const double norm = std::pow(stream.exponential(), 2.0) * (1.0 + i % 500);
      radius.observe(norm);
      scaled.observe(factor * norm);
      ASSERT_NEAR(scaled.now() / (factor * radius.now()), 1.0, factor == 3.7 ? 1e-15 : 0.0) << i;
    }
  }
}

// Gradients that vanish say nothing of a scale: a radius of 0 would freeze the run for ever.
TEST(AutoRadius, CountsNoZeros) {
  AutoRadius radius;
  for (int i = 0; i < 300; ++i) radius.observe(0.0);
  EXPECT_EQ(radius.now(), 0.0);
  for (int i = 0; i < 20; ++i) {
    radius.observe(3.0);
    for (int zero = 0; zero < 40; ++zero) radius.observe(0.0);
  }
  EXPECT_EQ(radius.now(), 3.0);
}

// One of nine brings what it likes: huge norms, tiny ones, both in turns; the radius stays among those of the others.
TEST(AutoRadius, OneHostileWorkerOfNineMovesItLittle) {
  for (int kind = 0; kind < 3; ++kind) {
    Stream stream(7, Purpose::test);
    AutoRadius radius;
    for (int i = 0; i < 9 * 3000; ++i) {
      const bool huge = kind == 0 || (kind == 2 && i % 2 == 0);
      radius.observe(i % 9 == 0 ? (huge ? 1e30 : 1e-30) : 1.0 + stream.uniform());
      if (i < 7) continue;
      ASSERT_GE(radius.now(), 1.0) << kind << ' ' << i;
      ASSERT_LE(radius.now(), 2.0) << kind << ' ' << i;
    }
  }
}

TEST(AutoRadius, GoesOnFromItsState) {
  for (const int at : {3, 8, 70, 1500}) {
    Stream stream(9, Purpose::test);
    std::vector<double> norms;
    for (int i = 0; i < 3000; ++i) norms.push_back(stream.exponential() * (i > 1000 ? 5.0 : 1.0));
    AutoRadius radius, loaded;
    for (int i = 0; i < at; ++i) radius.observe(norms[static_cast<std::size_t>(i)]);
    StateWriter writer;
    radius.serialize(writer);
    const SavedState state = writer.take();
    StateReader reader(state);
    loaded.serialize(reader);
    for (std::size_t i = static_cast<std::size_t>(at); i < norms.size(); ++i) {
      ASSERT_EQ(loaded.now(), radius.now()) << at << ' ' << i;
      radius.observe(norms[i]);
      loaded.observe(norms[i]);
    }
  }
}

}  // namespace
}  // namespace tardigrad
