// SPDX-License-Identifier: Apache-2.0
// Counter-based randomness: what a stream yields depends on its four coordinates only, never on
// who drew before. Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011).
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace tardigrad {

/// What a stream is for: the second coordinate. Values are part of every digest; append only.
enum class Purpose : std::uint32_t {
  initial_point = 1,
  minibatch = 2,
  gradient_noise = 3,
  compute_time = 4,
  dispatch = 5,
  partition = 6,
  dropout = 7,
  heterogeneity = 8,
  dataset = 9,
  evaluation = 10,
  augmentation = 11,
  availability = 12,
  privacy = 13,
  compression = 14,
  test = 1000,
};

/// One Philox4x32-10 block: ten rounds on a 128-bit counter under a 64-bit key.
inline std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// The finaliser of SplitMix64: a bijection that mixes all bits.
constexpr std::uint64_t mix64(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

/// A stream of random numbers with coordinates (run seed, purpose, worker, index).
/// Streams with different coordinates are independent; equal coordinates repeat the same numbers.
/// Cost    a draw is a few ns; construction is free. At most 2^34 32-bit words a stream.
/// Thread  none shared: a stream is a value.
class Stream {
 public:
  using result_type = std::uint64_t;  // a UniformRandomBitGenerator, for std::shuffle-like needs

  Stream(std::uint64_t seed, Purpose purpose, std::uint32_t worker = 0, std::uint64_t index = 0)
      : worker_(worker), index_(index) {
    const std::uint64_t key = mix64(mix64(seed) ^ (std::uint64_t{static_cast<std::uint32_t>(purpose)} << 32));
    key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
  }

  /// The key of its Philox blocks; block k has the counter (k, worker, index low, index high).
  std::array<std::uint32_t, 2> key() const { return key_; }

  std::uint32_t bits32() {
    if (used_ == 4) {
      block_ = philox4x32(
          {counter_++, worker_, static_cast<std::uint32_t>(index_), static_cast<std::uint32_t>(index_ >> 32)}, key_);
      used_ = 0;
    }
    return block_[used_++];
  }
  std::uint64_t bits64() {
    const std::uint64_t low = bits32();
    return low | (std::uint64_t{bits32()} << 32);
  }

  /// Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(bits64() >> 11) * 0x1.0p-53; }
  /// Uniform in (0, 1], safe under a logarithm.
  double uniform_positive() { return 1.0 - uniform(); }
  /// Uniform in {0, ..., n-1}, unbiased (Lemire 2019).  Pre  n >= 1
  std::uint64_t below(std::uint64_t n) {
    Wide product = Wide{bits64()} * n;
    if (static_cast<std::uint64_t>(product) < n) {
      const std::uint64_t threshold = (0 - n) % n;
      while (static_cast<std::uint64_t>(product) < threshold) product = Wide{bits64()} * n;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }
  /// Standard exponential, mean 1.
  double exponential() { return -std::log(uniform_positive()); }
  /// Standard normal (Box and Muller; the second of each pair is kept for the next call).
  double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double radius = std::sqrt(-2.0 * std::log(uniform_positive()));
    const double angle = 2.0 * std::numbers::pi * uniform();
    spare_ = radius * std::sin(angle);
    has_spare_ = true;
    return radius * std::cos(angle);
  }
  /// Gamma(shape, 1) (Marsaglia and Tsang 2000).  Pre  shape > 0
  double gamma(double shape) {
    if (shape < 1.0) {
      const double boosted = gamma(shape + 1.0);  // drawn first: the operands of a product have no order of their own
      return boosted * std::pow(uniform_positive(), 1.0 / shape);
    }
    const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
    for (;;) {
      const double x = normal(), t = 1.0 + c * x;
      if (t <= 0.0) continue;
      const double v = t * t * t;
      if (std::log(uniform_positive()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
    }
  }

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()() { return bits64(); }

 private:
  __extension__ typedef unsigned __int128 Wide;  // pedantic compilers ask for the first word
  std::array<std::uint32_t, 2> key_{};
  std::uint32_t worker_;
  std::uint64_t index_;
  std::uint32_t counter_ = 0;
  unsigned used_ = 4;
  std::array<std::uint32_t, 4> block_{};
  double spare_ = 0.0;
  bool has_spare_ = false;
};

/// Fisher-Yates over a random-access range; unlike std::shuffle its result is specified.
template <class Range>
void shuffle(Range& range, Stream& stream) {
  for (std::uint64_t i = range.size(); i > 1; --i) std::swap(range[i - 1], range[stream.below(i)]);
}

}  // namespace tardigrad
