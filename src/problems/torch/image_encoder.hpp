// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "data/images.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::problems::torch {

enum class MemoryFormat : std::uint8_t { channels_last, contiguous };

/// standard: (byte - mean) / deviation per channel, over the training set; unit: byte / 255.
enum class Scaling : std::uint8_t { standard, unit };

/// What part of the padded image is seen: moved by (down, right) pixels, then mirrored or not.
struct Crop {
  std::int64_t down = 0, right = 0;
  bool mirrored = false;
  /// Random crop of the image padded by 4 black pixels, and a flip with probability 1/2.
  static Crop random(Stream& stream);
};

/// Bytes to the float32 pixels that a model sees. One table look-up a pixel: converting a batch costs less than 1 % of
/// a gradient, and so nothing is held in memory but the bytes.
class ImageEncoder {
 public:
  ImageEncoder(const data::ImageSet& train, Scaling scaling, MemoryFormat format);
  /// Shapes  image: [channels, height, width] -> out: [channels, height, width], laid out in memory as `format` says.
  void encode(std::span<const std::uint8_t> image, const Crop& crop, float* out) const;

 private:
  using Table = std::array<float, 256>;
  std::size_t channels_, height_, width_;
  std::size_t channel_stride_, pixel_stride_;
  std::vector<Table> tables_;  ///< [channels]
};

}  // namespace tardigrad::problems::torch
