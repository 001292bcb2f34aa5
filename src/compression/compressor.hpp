// SPDX-License-Identifier: Apache-2.0
// What is kept of a vector when it is sent in fewer bytes than float32 takes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tardigrad/rng.hpp"

namespace tardigrad::compression {

/// Values from coordinate `first` on.
using TakeValues = std::function<void(std::size_t first, std::span<const float> values)>;

/// Bytes that a compressor made, as they come in pieces of any length, back to values: each coordinate once, in their
/// order.  Memory  one block
class Decompressor {
 public:
  virtual ~Decompressor() = default;
  /// Returns "", or why these bytes cannot be: then the vector is lost.
  const char* add(std::span<const std::byte> bytes, const TakeValues& take);
  bool complete() const { return read_ == total_; }

 protected:
  /// What it reads at a time takes `unit` bytes, and the last of them maybe fewer; `total` in all.
  Decompressor(std::size_t unit, std::size_t total) : unit_(unit), total_(total) {}
  /// Whole units, one after another.
  virtual const char* decode(std::span<const std::byte> units, const TakeValues& take) = 0;

 private:
  const std::size_t unit_, total_;
  std::size_t read_ = 0;
  std::vector<std::byte> part_;  // of a unit
};

/// C: R^d -> R^d, and C(v) as bytes. It depends on v and on the stream alone.
/// Thread  any: it has no state
class Compressor {
 public:
  virtual ~Compressor() = default;
  /// What C leaves out is added to the worker's next vector (ErrorFeedback): without that it does not converge.
  virtual bool needs_error_feedback() const { return false; }
  /// v <- C(v); its bytes, `size(d)` of them, are appended to `bytes` unless that is null.  Pre  v is finite, not empty
  /// Cost  O(d)
  virtual void compress(std::span<float> v, Stream stream, std::vector<std::byte>* bytes) const = 0;
  /// Bytes of a vector of d numbers.
  virtual std::size_t size(std::size_t dimension) const = 0;
  /// Reads `size(dimension)` bytes.
  virtual std::unique_ptr<Decompressor> decompressor(std::size_t dimension) const = 0;
};

/// Coordinates that share a scale, in int8 and sign.
inline constexpr std::size_t kBlock = 1024;

// The compressors. v is the vector, u = 2^-8, m_b the largest |v_i| of a block of n_b <= kBlock coordinates.

/// Every number to the nearest bfloat16, ties to even, and what is beyond the largest to that.
/// |C(v)_i - v_i| <= 2^-8 |v_i|, and <= 2^-134 where v_i is subnormal.  Bytes  2 d
std::unique_ptr<Compressor> make_bf16();
/// Stochastic rounding to q_i s_b, q_i an integer in [-127, 127], s_b = m_b / 127 (QSGD with the maximum norm, by
/// blocks; Alistarh et al. 2017). E C(v) = v, but for a bias of at most 2^-32 s_b of the draw and 2^-23 |v_i| of
/// float32; |C(v)_i - v_i| <= s_b (1 + 2^-16); E||C(v) - v||^2 <= sum_b n_b s_b^2 / 4 (1 + 2^-15).
/// Bytes  d + 4 ceil(d / kBlock)
std::unique_ptr<Compressor> make_int8();
/// The k = ceil(fraction d) coordinates of largest |v_i|, of equal ones those of smaller index; 0 elsewhere.
/// ||C(v) - v||^2 <= (1 - k/d) ||v||^2 (Stich et al. 2018).  Bytes  8 k
/// Memory  one more vector.  Pre  0 < fraction <= 1
std::unique_ptr<Compressor> make_top_k(double fraction);
/// Signs, times the mean of |v_i| over the block: ||C(v) - v||^2 = sum_b ||v_b||^2 - ||v_b||_1^2 / n_b, up to the
/// rounding of that mean (EF-signSGD by blocks; Karimireddy et al. 2019).  Bytes  4 ceil(d / kBlock) + ceil(d / 8)
std::unique_ptr<Compressor> make_sign();

}  // namespace tardigrad::compression
