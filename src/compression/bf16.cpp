// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "compression/bf16.hpp"

namespace tardigrad::compression {
namespace {

constexpr std::uint32_t kSign = 0x80000000u, kLargest = 0x7F7F0000u;

}  // namespace

float to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & ~kSign;
  const std::uint32_t rounded = (magnitude + 0x7FFFu + ((magnitude >> 16) & 1u)) & 0xFFFF0000u;
  return std::bit_cast<float>((bits & kSign) | std::min(rounded, kLargest));
}

void round_to_bf16(std::span<float> v) {
  for (float& value : v) value = to_bf16(value);
}

void pack_bf16(std::span<const float> v, std::span<std::byte> out) {
  for (std::size_t i = 0; i < v.size(); ++i) {
    const auto half = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(v[i]) >> 16);
    std::memcpy(out.data() + 2 * i, &half, sizeof half);
  }
}

namespace {

class FromBf16 final : public Decompressor {
 public:
  explicit FromBf16(std::size_t dimension) : Decompressor(2, 2 * dimension) {}

 private:
  const char* decode(std::span<const std::byte> units, const TakeValues& take) override {
    std::array<float, kBlock> values;
    while (!units.empty()) {
      const std::size_t count = std::min(kBlock, units.size() / 2);
      for (std::size_t i = 0; i < count; ++i) {
        std::uint16_t half = 0;
        std::memcpy(&half, units.data() + 2 * i, sizeof half);
        values[i] = std::bit_cast<float>(std::uint32_t{half} << 16);
      }
      take(at_, std::span(values).first(count));
      at_ += count;
      units = units.subspan(2 * count);
    }
    return "";
  }

  std::size_t at_ = 0;
};

class Bf16 final : public Compressor {
 public:
  void compress(std::span<float> v, Stream, std::vector<std::byte>* bytes) const override {
    round_to_bf16(v);
    if (!bytes) return;
    bytes->resize(bytes->size() + 2 * v.size());
    pack_bf16(v, std::span(*bytes).last(2 * v.size()));
  }
  std::size_t size(std::size_t dimension) const override { return 2 * dimension; }
  std::unique_ptr<Decompressor> decompressor(std::size_t dimension) const override {
    return std::make_unique<FromBf16>(dimension);
  }
};

}  // namespace

std::unique_ptr<Compressor> make_bf16() { return std::make_unique<Bf16>(); }

}  // namespace tardigrad::compression
