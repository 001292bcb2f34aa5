// SPDX-License-Identifier: Apache-2.0
#include "engines/network/visible.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace tardigrad::network {
namespace {

// The code point at the beginning, and how many bytes it has; 0: there is none (RFC 3629: no surrogate, no longer form
// than need be).
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 0;
};

CodePoint first_of(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  std::uint32_t value = lead & (0xFFu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return {};
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[bytes] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, bytes};
}

bool harms(std::uint32_t value) {
  const auto within = [&](std::uint32_t low, std::uint32_t high) { return value >= low && value <= high; };
  return within(0, 0x1F) || within(0x7F, 0x9F) || within(0x200B, 0x200F) || within(0x2028, 0x202E) ||
         within(0x2060, 0x206F) || value == 0x061C || value == 0xFEFF;
}

std::string escaped(std::string_view bytes, bool backslash) {
  std::string text;
  while (!bytes.empty()) {
    const CodePoint point = first_of(bytes);
    const std::size_t count = point.bytes == 0 ? 1 : point.bytes;
    if (point.bytes == 0 || harms(point.value)) {
      for (const char byte : bytes.substr(0, count))
        fmt::format_to(std::back_inserter(text), "\\x{:02X}", static_cast<unsigned char>(byte));
    } else {
      if (backslash && point.value == '\\') text += '\\';
      text += bytes.substr(0, count);
    }
    bytes.remove_prefix(count);
  }
  return text;
}

}  // namespace

std::string harmless(std::string_view bytes) { return escaped(bytes, false); }
std::string visible(std::string_view bytes) { return escaped(bytes, true); }

}  // namespace tardigrad::network
