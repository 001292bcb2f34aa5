// SPDX-License-Identifier: Apache-2.0
#include "core/hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace tardigrad {
namespace {

// What the scalar code of xxHash 0.8.1 says of `size` bytes of `text()`.
const struct {
  std::size_t size;
  std::uint64_t hash64;
  std::string hash128;
} kKnown[] = {
    {0, 0x2d06800538d394c2u, "99aa06d3014798d86001c324468d497f"},
    {1, 0xde315c887190e2fau, "463a746d201db965de315c887190e2fa"},
    {8, 0x7915b7925cfcabafu, "ab855d9849b8e3f9be40d764d2b9be4f"},
    {16, 0x6a4df0c4d7b55d6bu, "8dc5016eccd6f6fb7aa895169a68b23f"},
    {100, 0x273bd574644c9672u, "fa77ec66ec9aef868bdbd002e080abaf"},
    {128, 0xbf0b5be1b10f38b0u, "a3ff8f13f0a191e28b73c98d025c5ef1"},
    {200, 0x77c6c367ce35568eu, "1b235ae7932babd1625640522dd1702c"},
    {240, 0x57284b3bdc67d3a7u, "99a30a5eacd58a1fad50af5f64471dbe"},
    {241, 0x7902edae9e6af310u, "4fd563ea28640ab87902edae9e6af310"},
    {1024, 0x31f78191652bc4bcu, "6bbd0d8940689b4531f78191652bc4bc"},
    {1025, 0x98c659cbdf19c481u, "fe941694ff841ada98c659cbdf19c481"},
    {4000, 0x72e8f8a42b91fc87u, "4d9ddbd40a9f531272e8f8a42b91fc87"},
    {4097, 0x27cb31b30c419228u, "4100143ac839f1d927cb31b30c419228"},
    {100000, 0xa403aa9369b2944bu, "9ff0b41fef418807a403aa9369b2944b"},
    {1000003, 0xd9565abc519ff076u, "28988283f1324e17d9565abc519ff076"},
};

std::vector<std::byte> text() {
  std::vector<std::byte> bytes(1'000'006);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>((i * i + i / 256) % 251);
  bytes.erase(bytes.begin(), bytes.begin() + 3);
  return bytes;
}

// Recordings, checkpoints and digests are read by other machines than those that wrote them.
TEST(Hash, IsTheSameOnEveryMachine) {
  const std::vector<std::byte> bytes = text();
  for (const auto& known : kKnown) {
    EXPECT_EQ(hash64(std::span(bytes).first(known.size)), known.hash64) << known.size;
    Hasher hasher;
    hasher.add(std::span(bytes).first(known.size));
    EXPECT_EQ(hasher.hex(), known.hash128) << known.size;
  }
}

TEST(Hash, DoesNotDependOnWhereTheBytesAre) {
  const std::vector<std::byte> bytes = text();
  for (const auto& known : kKnown) {
    for (const std::size_t shift : {1, 31, 63}) {
      std::vector<std::byte> moved(shift + known.size);
      std::copy_n(bytes.begin(), known.size, moved.begin() + static_cast<std::ptrdiff_t>(shift));
      EXPECT_EQ(hash64(std::span(moved).subspan(shift)), known.hash64) << known.size << " at " << shift;
    }
  }
}

TEST(Hash, DoesNotDependOnThePieces) {
  const std::vector<std::byte> bytes = text();
  for (const std::size_t piece : {std::size_t{1}, std::size_t{100}, std::size_t{5'000}, std::size_t{300'000}}) {
    Hasher hasher;
    for (std::size_t begin = 0; begin < bytes.size(); begin += piece)
      hasher.add(std::span(bytes).subspan(begin, std::min(piece, bytes.size() - begin)));
    EXPECT_EQ(hasher.hex(), std::end(kKnown)[-1].hash128) << piece;
  }
}

}  // namespace
}  // namespace tardigrad
