// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "problems/torch/image_encoder.hpp"

namespace tardigrad::problems::torch {
namespace {

TEST(ImageEncoder, StandardScalesEachChannelOverTheTrainingSet) {
  data::ImageSet set{.channels = 2, .height = 1, .width = 2, .pixels = {0, 2, 5, 5, 4, 2, 5, 5}, .labels = {0, 1}};
  const ImageEncoder encoder(set, Scaling::standard, MemoryFormat::channels_last);
  std::vector<float> out(4);
  encoder.encode(set.image(0), {}, out.data());
  const float low = static_cast<float>(-2 / std::sqrt(2.0));  // channel 0: bytes 0, 2, 4, 2: mean 2, variance 2
  EXPECT_EQ(out, (std::vector<float>{low, 0.0f, 0.0f, 0.0f}));
}

TEST(ImageEncoder, CropsPadWithBlackAndMirror) {
  data::ImageSet set{.channels = 1, .height = 2, .width = 3, .pixels = {51, 102, 153, 204, 255, 51}, .labels = {0}};
  const ImageEncoder encoder(set, Scaling::unit, MemoryFormat::contiguous);
  std::vector<float> out(6);
  encoder.encode(set.image(0), {}, out.data());
  EXPECT_EQ(out, (std::vector<float>{0.2f, 0.4f, 0.6f, 0.8f, 1.0f, 0.2f}));
  encoder.encode(set.image(0), {.down = 1, .right = -1}, out.data());
  EXPECT_EQ(out, (std::vector<float>{0.0f, 0.8f, 1.0f, 0.0f, 0.0f, 0.0f}));
  encoder.encode(set.image(0), {.down = 1, .right = -1, .mirrored = true}, out.data());
  EXPECT_EQ(out, (std::vector<float>{1.0f, 0.8f, 0.0f, 0.0f, 0.0f, 0.0f}));
}

TEST(ImageEncoder, RandomCropsCoverAllPlacesEvenly) {
  Stream stream(1, Purpose::test);
  std::map<std::int64_t, int> down, right;
  int mirrored = 0;
  constexpr int kDraws = 9000;
  for (int i = 0; i < kDraws; ++i) {
    const Crop crop = Crop::random(stream);
    ++down[crop.down];
    ++right[crop.right];
    mirrored += crop.mirrored;
  }
  EXPECT_EQ(down.begin()->first, -4);
  EXPECT_EQ(down.rbegin()->first, 4);
  // Five standard deviations: sqrt(9000 * 1/9 * 8/9) = 29.8; sqrt(9000 / 4) = 47.4.
  for (const auto& counts : {down, right}) {
    EXPECT_EQ(counts.size(), 9u);
    for (const auto& [place, count] : counts) EXPECT_NEAR(count, kDraws / 9, 150) << place;
  }
  EXPECT_NEAR(mirrored, kDraws / 2, 238);
}

}  // namespace
}  // namespace tardigrad::problems::torch
