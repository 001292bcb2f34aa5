// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <limits>

#include "compression/blocks.hpp"

namespace tardigrad::compression {
namespace {

constexpr int kMost = 127;

struct Int8 {
  static std::size_t bytes(std::size_t count) { return count; }

  // m_b / 127, never less: so that no number is beyond 127 scales.
  static float scale(std::span<const float> block) {
    float most = 0.0f;
    for (const float value : block) most = std::max(most, std::abs(value));
    auto scale = static_cast<float>(most / double{kMost});
    if (double{scale} * kMost < most) scale = std::nextafter(scale, std::numeric_limits<float>::infinity());
    return scale;
  }

  static void write(float scale, std::span<const float> block, Stream& stream, std::byte* out) {
    for (std::size_t i = 0; i < block.size(); ++i) {
      const double quotient = scale > 0.0f ? double{block[i]} / scale : 0.0;
      const double below = std::floor(quotient);
      const double draw = static_cast<double>(stream.bits32()) * 0x1.0p-32;
      const auto integer = static_cast<std::int8_t>(below + (draw < quotient - below ? 1.0 : 0.0));
      std::memcpy(out + i, &integer, sizeof integer);
    }
  }

  // The largest float32 may be a little less than 127 of its scales.
  static void read(float scale, const std::byte* in, std::span<float> block) {
    constexpr double kLargestFloat = std::numeric_limits<float>::max();
    for (std::size_t i = 0; i < block.size(); ++i) {
      std::int8_t integer = 0;
      std::memcpy(&integer, in + i, sizeof integer);
      const double value = double{scale} * integer;
      block[i] = static_cast<float>(std::isfinite(scale) ? std::clamp(value, -kLargestFloat, kLargestFloat) : value);
    }
  }
};

}  // namespace

std::unique_ptr<Compressor> make_int8() { return std::make_unique<Blocks<Int8>>(); }

}  // namespace tardigrad::compression
