// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engines/wire/assembly.hpp"
#include "support/wire_examples.hpp"

namespace tardigrad::wire {
namespace {

constexpr HeldOrder kOrder{7, 0};

Assembly assembly(std::size_t dimension) {
  return Assembly(kOrder, 4 * dimension, std::make_unique<VectorSink>(dimension));
}
std::vector<Chunk> cut(const std::vector<float>& values, std::size_t most) {
  std::vector<Chunk> chunks;
  for (Cutter cutter(kOrder, test::floats(values)); !cutter.done();) chunks.push_back(cutter.next(most));
  return chunks;
}

TEST(WireAssembly, ChunksOfAnySizeGiveTheVectorAndItsNorm) {
  const std::vector<float> values{3.0f, 0.0f, 4.0f, 0.0f, 12.0f};
  for (const std::size_t most : {4u, 6u, 8u, 12u, 100u}) {
    Assembly whole = assembly(values.size());
    for (const Chunk& chunk : cut(values, most)) {
      EXPECT_FALSE(whole.complete());
      EXPECT_EQ(chunk.bytes.size() % 4, 0u);
      ASSERT_EQ(whole.add(chunk), std::nullopt);
    }
    EXPECT_TRUE(whole.complete());
    EXPECT_EQ(whole.norm(), 13.0);
    EXPECT_EQ(whole.finish(13.0), std::nullopt);
    EXPECT_THAT(whole.take()->values(), testing::ElementsAreArray(values));
  }
}

TEST(WireAssembly, UnalignedBytesAreTheSame) {
  std::vector<Chunk> chunks = cut({1.0f, 2.0f, 3.0f}, 100);
  std::vector<std::byte> shifted(1);
  shifted.insert(shifted.end(), chunks[0].bytes.view().begin(), chunks[0].bytes.view().end());
  const Payload all(std::move(shifted));
  chunks[0].bytes = all.part(1, 12);
  Assembly whole = assembly(3);
  ASSERT_EQ(whole.add(chunks[0]), std::nullopt);
  EXPECT_THAT(whole.take()->values(), testing::ElementsAre(1.0f, 2.0f, 3.0f));
}

TEST(WireAssembly, WhatIsNotTheNextChunkIsRefused) {
  const std::vector<Chunk> chunks = cut({1.0f, 2.0f, 3.0f, 4.0f}, 8);
  EXPECT_EQ(assembly(4).add(chunks[1]), Refusal::offset) << "the first is missing";
  Assembly twice = assembly(4);
  ASSERT_EQ(twice.add(chunks[0]), std::nullopt);
  EXPECT_EQ(twice.add(chunks[0]), Refusal::offset) << "again";
  Chunk overlap = chunks[1];
  overlap.offset = 4;
  EXPECT_EQ(twice.add(overlap), Refusal::offset);
  Chunk far = chunks[1];
  far.offset = std::numeric_limits<std::uint64_t>::max() - 3;
  EXPECT_EQ(twice.add(far), Refusal::offset);
}

TEST(WireAssembly, AnotherLengthIsRefused) {
  EXPECT_EQ(assembly(3).add(cut({1.0f, 2.0f, 3.0f, 4.0f}, 100)[0]), Refusal::length) << "too many";
  Chunk chunk = cut({1.0f, 2.0f}, 100)[0];
  chunk.bytes = chunk.bytes.part(0, 7);
  EXPECT_EQ(assembly(2).add(chunk), Refusal::length) << "no whole numbers";
  chunk.bytes = {};
  EXPECT_EQ(assembly(2).add(chunk), Refusal::length) << "nothing at all";
  Assembly few = assembly(4);
  ASSERT_EQ(few.add(cut({1.0f, 2.0f}, 100)[0]), std::nullopt);
  EXPECT_EQ(few.finish(2.236), Refusal::length);
}

TEST(WireAssembly, EveryBitIsUnderTheChecksum) {
  for (std::size_t bit = 0; bit < 8 * 8; ++bit) {
    std::vector<Chunk> chunks = cut({1.0f, 2.0f, 3.0f, 4.0f}, 8);
    std::vector<std::byte> bytes(chunks[1].bytes.view().begin(), chunks[1].bytes.view().end());
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    chunks[1].bytes = Payload(std::move(bytes));
    Assembly whole = assembly(4);
    ASSERT_EQ(whole.add(chunks[0]), std::nullopt);
    EXPECT_EQ(whole.add(chunks[1]), Refusal::checksum) << bit;
  }
}

TEST(WireAssembly, ChunksOfAnotherOrderHaveAnotherChecksum) {
  Cutter other({8, 0}, test::floats({1.0f}));
  EXPECT_EQ(assembly(1).add(other.next(4)), Refusal::checksum);
}

TEST(WireAssembly, InfinityNaNAndALiedNormAreRefused) {
  EXPECT_EQ(assembly(1).add(cut({std::numeric_limits<float>::infinity()}, 4)[0]), Refusal::not_finite);
  EXPECT_EQ(assembly(1).add(cut({std::numeric_limits<float>::quiet_NaN()}, 4)[0]), Refusal::not_finite);
  Assembly whole = assembly(2);
  ASSERT_EQ(whole.add(cut({3.0f, 4.0f}, 8)[0]), std::nullopt);
  EXPECT_EQ(whole.finish(5.0), std::nullopt);
  EXPECT_EQ(whole.finish(5.0 * (1 + 1e-7)), std::nullopt) << "summed in another order";
  EXPECT_EQ(whole.finish(4.9), Refusal::norm);
  EXPECT_EQ(whole.finish(-5.0), Refusal::norm);
  EXPECT_EQ(whole.finish(std::numeric_limits<double>::quiet_NaN()), Refusal::norm);
  Assembly zero = assembly(1);
  ASSERT_EQ(zero.add(cut({0.0f}, 4)[0]), std::nullopt);
  EXPECT_EQ(zero.finish(0.0), std::nullopt);
}

}  // namespace
}  // namespace tardigrad::wire
