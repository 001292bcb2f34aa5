// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/image_encoder.hpp"

#include <cmath>

#include "tardigrad/error.hpp"

namespace tardigrad::problems::torch {
namespace {

using Histogram = std::array<std::uint64_t, 256>;

std::vector<Histogram> count_bytes(const data::ImageSet& images) {
  std::vector<Histogram> counts(images.channels, Histogram{});
  const std::size_t plane = images.height * images.width;
  for (std::size_t i = 0; i < images.size(); ++i)
    for (std::size_t c = 0; c < images.channels; ++c)
      for (const std::uint8_t byte : images.image(i).subspan(c * plane, plane)) ++counts[c][byte];
  return counts;
}

/// Integer counts make the moments exact up to one rounding, in whatever order the images stand.
std::array<float, 256> standard_table(const Histogram& counts) {
  double total = 0, sum = 0, squares = 0;
  for (std::size_t byte = 0; byte < counts.size(); ++byte) {
    const double value = static_cast<double>(byte), weight = static_cast<double>(counts[byte]);
    total += weight;
    sum += weight * value;
    squares += weight * value * value;
  }
  const double mean = sum / total, variance = squares / total - mean * mean;
  const double deviation = variance > 0 ? std::sqrt(variance) : 1.0;  // a channel of one value carries nothing
  std::array<float, 256> table;
  for (std::size_t byte = 0; byte < table.size(); ++byte)
    table[byte] = static_cast<float>((static_cast<double>(byte) - mean) / deviation);
  return table;
}

std::array<float, 256> unit_table() {
  std::array<float, 256> table;
  for (std::size_t byte = 0; byte < table.size(); ++byte)
    table[byte] = static_cast<float>(static_cast<double>(byte) / 255.0);
  return table;
}

}  // namespace

Crop Crop::random(Stream& stream) {
  constexpr std::int64_t kPadding = 4;
  Crop crop;
  crop.down = static_cast<std::int64_t>(stream.below(2 * kPadding + 1)) - kPadding;
  crop.right = static_cast<std::int64_t>(stream.below(2 * kPadding + 1)) - kPadding;
  crop.mirrored = stream.below(2) == 1;
  return crop;
}

ImageEncoder::ImageEncoder(const data::ImageSet& train, Scaling scaling, MemoryFormat format)
    : channels_(train.channels),
      height_(train.height),
      width_(train.width),
      channel_stride_(format == MemoryFormat::channels_last ? 1 : train.height * train.width),
      pixel_stride_(format == MemoryFormat::channels_last ? train.channels : 1) {
  TG_CHECK(train.size() > 0, "no images");
  if (scaling == Scaling::unit) {
    tables_.assign(channels_, unit_table());
  } else {
    for (const Histogram& counts : count_bytes(train)) tables_.push_back(standard_table(counts));
  }
}

void ImageEncoder::encode(std::span<const std::uint8_t> image, const Crop& crop, float* out) const {
  const std::int64_t height = static_cast<std::int64_t>(height_), width = static_cast<std::int64_t>(width_);
  for (std::size_t c = 0; c < channels_; ++c) {
    const Table& table = tables_[c];
    float* to = out + c * channel_stride_;
    for (std::int64_t y = 0; y < height; ++y) {
      const std::int64_t from_y = y + crop.down;
      const bool row_inside = from_y >= 0 && from_y < height;
      const std::uint8_t* row = image.data() + c * height_ * width_ + (row_inside ? from_y * width : 0);
      for (std::int64_t x = 0; x < width; ++x, to += pixel_stride_) {
        const std::int64_t from_x = (crop.mirrored ? width - 1 - x : x) + crop.right;
        *to = table[row_inside && from_x >= 0 && from_x < width ? row[from_x] : 0];
      }
    }
  }
}

}  // namespace tardigrad::problems::torch
