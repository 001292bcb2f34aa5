// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "compression/compressor.hpp"

namespace tardigrad::compression {

const char* Decompressor::add(std::span<const std::byte> bytes, const TakeValues& take) {
  if (bytes.size() > total_ - read_) return "more bytes than there should be";
  read_ += bytes.size();
  if (!part_.empty()) {
    const std::size_t missing = std::min(unit_ - part_.size(), bytes.size());
    part_.insert(part_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(missing));
    bytes = bytes.subspan(missing);
    if (part_.size() < unit_ && !complete()) return "";
    const std::vector<std::byte> unit = std::exchange(part_, {});
    if (const char* const problem = decode(unit, take); *problem != '\0') return problem;
  }
  const std::size_t whole = complete() ? bytes.size() : bytes.size() / unit_ * unit_;
  part_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end());
  return whole > 0 ? decode(bytes.first(whole), take) : "";
}

}  // namespace tardigrad::compression
