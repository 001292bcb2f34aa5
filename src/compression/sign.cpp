// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "compression/blocks.hpp"

namespace tardigrad::compression {
namespace {

// A bit a coordinate, the first of eight in the lowest place; 1 is negative, and so is -0.
struct Sign {
  static std::size_t bytes(std::size_t count) { return (count + 7) / 8; }

  static float scale(std::span<const float> block) {
    double sum = 0.0;
    for (const float value : block) sum += std::abs(value);
    return static_cast<float>(sum / static_cast<double>(block.size()));
  }

  static void write(float, std::span<const float> block, Stream&, std::byte* out) {
    for (std::size_t first = 0; first < block.size(); first += 8) {
      unsigned bits = 0;
      for (std::size_t i = first; i < std::min(first + 8, block.size()); ++i)
        bits |= static_cast<unsigned>(std::signbit(block[i])) << (i - first);
      out[first / 8] = static_cast<std::byte>(bits);
    }
  }

  static void read(float scale, const std::byte* in, std::span<float> block) {
    for (std::size_t i = 0; i < block.size(); ++i)
      block[i] = (std::to_integer<unsigned>(in[i / 8]) >> (i % 8) & 1u) != 0 ? -scale : scale;
  }
};

class SignCompressor final : public Blocks<Sign> {
 public:
  bool needs_error_feedback() const override { return true; }
};

}  // namespace

std::unique_ptr<Compressor> make_sign() { return std::make_unique<SignCompressor>(); }

}  // namespace tardigrad::compression
