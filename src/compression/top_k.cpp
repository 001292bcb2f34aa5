// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "compression/sparse.hpp"

namespace tardigrad::compression {
namespace {

std::uint32_t magnitude(float value) { return std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFu; }

class TopK final : public Compressor {
 public:
  explicit TopK(double fraction) : fraction_(fraction) {}

  bool needs_error_feedback() const override { return true; }

  void compress(std::span<float> v, Stream, std::vector<std::byte>* bytes) const override {
    const std::size_t k = kept(v.size());
    std::vector<std::uint32_t> magnitudes(v.size());
    std::ranges::transform(v, magnitudes.begin(), magnitude);
    const auto kth = magnitudes.begin() + static_cast<std::ptrdiff_t>(k - 1);
    std::ranges::nth_element(magnitudes, kth, std::greater<>());
    const std::uint32_t least = *kth;
    // Of those that are as large as the k-th, so many are kept.
    auto ties = k - static_cast<std::size_t>(std::count_if(magnitudes.begin(), kth, [&](auto m) { return m > least; }));
    if (bytes) bytes->reserve(bytes->size() + size(v.size()));
    for (std::size_t i = 0; i < v.size(); ++i) {
      const std::uint32_t own = magnitude(v[i]);
      if (own > least || (own == least && ties > 0)) {
        ties -= own == least;
        if (bytes) append_entry(*bytes, static_cast<std::uint32_t>(i), v[i]);
      } else {
        v[i] = 0.0f;
      }
    }
  }
  std::size_t size(std::size_t dimension) const override { return kEntryBytes * kept(dimension); }
  std::unique_ptr<Decompressor> decompressor(std::size_t dimension) const override {
    return sparse_decompressor(dimension, kept(dimension));
  }

 private:
  std::size_t kept(std::size_t dimension) const {
    const double k = std::ceil(fraction_ * static_cast<double>(dimension));
    return std::clamp<std::size_t>(static_cast<std::size_t>(k), 1, dimension);
  }

  const double fraction_;
};

}  // namespace

std::unique_ptr<Compressor> make_top_k(double fraction) { return std::make_unique<TopK>(fraction); }

}  // namespace tardigrad::compression
