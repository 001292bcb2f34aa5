// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "compression/compressor.hpp"

namespace tardigrad::compression {

/// Reads blocks: a float32 scale, then what `kBytes(n)` says of n coordinates, which `read` makes values of.
template <class Code>
class FromBlocks final : public Decompressor {
 public:
  explicit FromBlocks(std::size_t dimension)
      : Decompressor(sizeof(float) + Code::bytes(kBlock), size_of(dimension)), dimension_(dimension) {}

  static std::size_t size_of(std::size_t dimension) {
    const std::size_t whole = dimension / kBlock, rest = dimension % kBlock;
    return whole * (sizeof(float) + Code::bytes(kBlock)) + (rest > 0 ? sizeof(float) + Code::bytes(rest) : 0);
  }

 private:
  const char* decode(std::span<const std::byte> units, const TakeValues& take) override {
    std::array<float, kBlock> values;
    while (!units.empty()) {
      const std::span block = std::span(values).first(std::min(kBlock, dimension_ - at_));
      float scale = 0.0f;
      std::memcpy(&scale, units.data(), sizeof scale);
      Code::read(scale, units.data() + sizeof scale, block);
      take(at_, block);
      at_ += block.size();
      units = units.subspan(sizeof scale + Code::bytes(block.size()));
    }
    return "";
  }

  const std::size_t dimension_;
  std::size_t at_ = 0;
};

/// Writes them: Code::write(block, scale, stream, bytes) says the scale, and turns the block into what is read back.
template <class Code>
class Blocks : public Compressor {
 public:
  void compress(std::span<float> v, Stream stream, std::vector<std::byte>* bytes) const final {
    std::size_t at = bytes ? bytes->size() : 0;
    if (bytes) bytes->resize(at + size(v.size()));
    std::array<std::byte, kBlock> unwanted;
    while (!v.empty()) {
      const std::span<float> block = v.first(std::min(kBlock, v.size()));
      const float scale = Code::scale(block);
      std::byte* out = unwanted.data();
      if (bytes) {
        std::memcpy(bytes->data() + at, &scale, sizeof scale);
        out = bytes->data() + at + sizeof scale;
        at += sizeof scale + Code::bytes(block.size());
      }
      Code::write(scale, block, stream, out);
      Code::read(scale, out, block);
      v = v.subspan(block.size());
    }
  }
  std::size_t size(std::size_t dimension) const final { return FromBlocks<Code>::size_of(dimension); }
  std::unique_ptr<Decompressor> decompressor(std::size_t dimension) const final {
    return std::make_unique<FromBlocks<Code>>(dimension);
  }
};

}  // namespace tardigrad::compression
