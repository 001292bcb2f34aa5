// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace tardigrad::data {

/// Deflate cannot do better than this, and so a header that promises more is lying.
inline constexpr std::size_t kMaxDeflateRatio = 1032;

/// True when `bytes` begin as a gzip file does.
bool is_gzip(std::span<const std::byte> bytes);

/// Inflates gzip bytes piece by piece: memory is bounded by what the caller asks for, so a small file that inflates to
/// terabytes does no harm. Several members one after another count as one file.
/// Pre     `bytes` outlives the reader
/// Errors  Error "NAME: compressed byte OFFSET: ..." for corrupt or truncated input
class GzipReader {
 public:
  GzipReader(std::span<const std::byte> bytes, std::string name);
  ~GzipReader();
  /// Fills `out` and returns its size, or less when the file ends.
  std::size_t read(std::span<std::byte> out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tardigrad::data
