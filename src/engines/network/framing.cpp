// SPDX-License-Identifier: Apache-2.0
#include "engines/network/framing.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "engines/wire/codec.hpp"

namespace tardigrad::network {

namespace {

static_assert(std::endian::native == std::endian::little, "lengths are written as they are");
constexpr std::size_t kBefore = sizeof(std::uint32_t) + 1;
constexpr std::size_t kAlignment = 16;
constexpr std::size_t kCopied = 4096;  // so few bytes are copied: cheaper than a piece of their own

}  // namespace

void Batch::add(const wire::Message& message) {
  wire::Encoded encoded = wire::encode(message);
  const std::span<const std::byte> body = encoded.body.view();
  const auto length = static_cast<std::uint32_t>(encoded.head.size() + body.size());
  const std::size_t unpadded = size_ + kBefore + encoded.head.size();
  const std::size_t padding = body.empty() ? 0 : (kAlignment - unpadded % kAlignment) % kAlignment;
  if (pieces_.empty() || pieces_.back().body.size() > 0) pieces_.emplace_back();
  std::vector<std::byte>& head = pieces_.back().head;
  const auto* const bytes = reinterpret_cast<const std::byte*>(&length);
  head.insert(head.end(), bytes, bytes + sizeof length);
  head.push_back(static_cast<std::byte>(padding));
  head.insert(head.end(), padding, std::byte{0});
  head.insert(head.end(), encoded.head.begin(), encoded.head.end());
  if (body.size() <= kCopied)
    head.insert(head.end(), body.begin(), body.end());
  else
    pieces_.back().body = std::move(encoded.body);
  size_ = unpadded + padding + body.size();
}

std::vector<Batch::Piece> Batch::take() {
  size_ = 0;
  return std::exchange(pieces_, {});
}

const char* split(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                  const std::function<void(wire::Message)>& hand_on) {
  if (bytes.empty()) return "a batch without a message";
  while (!bytes.empty()) {
    if (bytes.size() < kBefore) return "a batch ends too early";
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    const auto padding = std::to_integer<std::size_t>(bytes[sizeof length]);
    bytes = bytes.subspan(kBefore);
    if (padding >= kAlignment || padding > bytes.size() || length > bytes.size() - padding)
      return "a batch ends too early";
    if (std::ranges::any_of(bytes.first(padding), [](std::byte byte) { return byte != std::byte{0}; }))
      return "padding that is not 0";
    wire::Decoded decoded = wire::decode(bytes.subspan(padding, length), owner);
    if (!decoded.message) return decoded.problem;
    bytes = bytes.subspan(padding + length);
    hand_on(std::move(*decoded.message));
  }
  return "";
}

}  // namespace tardigrad::network
