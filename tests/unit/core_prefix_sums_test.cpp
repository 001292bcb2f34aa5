// SPDX-License-Identifier: Apache-2.0
#include "core/prefix_sums.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "tardigrad/rng.hpp"

namespace tardigrad {
namespace {

TEST(PrefixSums, ByHand) {
  PrefixSums sums;
  EXPECT_EQ(sums.total(), 0u);
  sums.add(2, 3);
  EXPECT_EQ(sums.holder_of(0), 2u);
  EXPECT_EQ(sums.holder_of(2), 2u);
  sums.add(0, 1);
  sums.add(7, 2);
  const std::size_t holders[] = {0, 2, 2, 2, 7, 7};
  EXPECT_EQ(sums.total(), 6u);
  for (std::size_t unit = 0; unit < 6; ++unit) EXPECT_EQ(sums.holder_of(unit), holders[unit]) << unit;
  sums.add(2, -3);
  EXPECT_EQ(sums.total(), 3u);
  EXPECT_EQ(sums.holder_of(1), 7u);
  sums.clear();
  EXPECT_EQ(sums.total(), 0u);
}

// Against a plain list, while numbers come in any order and the range grows.
TEST(PrefixSums, FindsWhatAPlainListFinds) {
  Stream stream(1, Purpose::test);
  std::vector<std::uint64_t> plain(100, 0);
  PrefixSums sums;
  for (int change = 0; change < 500; ++change) {
    const std::size_t number = stream.below(std::min(100, 1 + change / 2));
    const std::uint64_t weight = stream.below(3) == 0 ? 0 : stream.below(5);
    sums.add(number, static_cast<std::int64_t>(weight) - static_cast<std::int64_t>(plain[number]));
    plain[number] = weight;
    ASSERT_EQ(sums.total(), std::accumulate(plain.begin(), plain.end(), std::uint64_t{0}));
    std::uint64_t unit = 0;
    for (std::size_t holder = 0; holder < plain.size(); ++holder)
      for (std::uint64_t k = 0; k < plain[holder]; ++k) ASSERT_EQ(sums.holder_of(unit++), holder) << change;
  }
}

}  // namespace
}  // namespace tardigrad
