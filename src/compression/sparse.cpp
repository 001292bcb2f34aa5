// SPDX-License-Identifier: Apache-2.0
#include "compression/sparse.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace tardigrad::compression {
namespace {

constexpr std::size_t kLookedAtFirst = 256;

class FromEntries final : public Decompressor {
 public:
  FromEntries(std::size_t dimension, std::size_t entries, std::span<const float> base)
      : Decompressor(kEntryBytes, kEntryBytes * entries), dimension_(dimension), base_(base), left_(entries) {}

 private:
  const char* decode(std::span<const std::byte> units, const TakeValues& take) override {
    for (; !units.empty(); units = units.subspan(std::min(kEntryBytes, units.size()))) {
      std::uint32_t coordinate = 0;
      float value = 0.0f;
      if (units.size() < kEntryBytes) return "half an entry";
      std::memcpy(&coordinate, units.data(), sizeof coordinate);
      std::memcpy(&value, units.data() + sizeof coordinate, sizeof value);
      if (coordinate < at_ || coordinate >= dimension_) return "entries that are not in their order";
      unnamed_up_to(coordinate, take);
      values_[at_++ % kBlock] = value;
      if (at_ % kBlock == 0) hand_out(take);
      --left_;
    }
    if (left_ > 0) return "";
    unnamed_up_to(dimension_, take);
    if (at_ % kBlock != 0) hand_out(take);
    return "";
  }

  void unnamed_up_to(std::size_t end, const TakeValues& take) {
    while (at_ < end) {
      const std::size_t place = at_ % kBlock, count = std::min(kBlock - place, end - at_);
      const auto out = values_.begin() + static_cast<std::ptrdiff_t>(place);
      if (base_.empty())
        std::fill_n(out, count, 0.0f);
      else
        std::ranges::copy(base_.subspan(at_, count), out);
      at_ += count;
      if (at_ % kBlock == 0) hand_out(take);
    }
  }

  // The block that ends at at_.
  void hand_out(const TakeValues& take) {
    const std::size_t count = at_ % kBlock == 0 ? kBlock : at_ % kBlock;
    take(at_ - count, std::span(values_).first(count));
  }

  const std::size_t dimension_;
  const std::span<const float> base_;
  std::size_t left_;  // entries
  std::size_t at_ = 0;
  std::array<float, kBlock> values_{};  // those before at_ that were not handed out
};

bool differ(float a, float b) { return std::bit_cast<std::uint32_t>(a) != std::bit_cast<std::uint32_t>(b); }

}  // namespace

void append_entry(std::vector<std::byte>& bytes, std::uint32_t coordinate, float value) {
  std::array<std::byte, kEntryBytes> entry;
  std::memcpy(entry.data(), &coordinate, sizeof coordinate);
  std::memcpy(entry.data() + sizeof coordinate, &value, sizeof value);
  bytes.insert(bytes.end(), entry.begin(), entry.end());
}

std::unique_ptr<Decompressor> sparse_decompressor(std::size_t dimension, std::size_t entries,
                                                  std::span<const float> base) {
  return std::make_unique<FromEntries>(dimension, entries, base);
}

std::optional<std::vector<std::byte>> differences(std::span<const float> x, std::span<const float> base,
                                                  std::size_t most) {
  if (most < kEntryBytes) return std::nullopt;
  const std::size_t stride = std::max<std::size_t>(1, x.size() / kLookedAtFirst);
  std::size_t looked_at = 0, differing = 0;
  for (std::size_t i = 0; i < x.size(); i += stride, ++looked_at) differing += differ(x[i], base[i]);
  // Twice the share that would pay: the sample is no more than a guess.
  if (differing * kEntryBytes * x.size() > 2 * most * looked_at) return std::nullopt;
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!differ(x[i], base[i])) continue;
    if (bytes.size() + kEntryBytes > most) return std::nullopt;
    append_entry(bytes, static_cast<std::uint32_t>(i), x[i]);
  }
  if (bytes.empty()) append_entry(bytes, 0, x[0]);
  return bytes;
}

}  // namespace tardigrad::compression
