// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engines/wire/message.hpp"

namespace tardigrad::wire {

/// A message as bytes: `head`, then `body`, which is not copied (the bytes of a chunk; else empty).
struct Encoded {
  std::vector<std::byte> head;
  Payload body;
  std::vector<std::byte> joined() const;
};

/// Form: the byte 1 (of this form), a byte for the kind, the fields in the order of message.hpp. Numbers little-endian
/// and of fixed size, texts and lists behind a 32-bit length. A hello keeps its form for ever, so that a peer of
/// another protocol can be told. Pre  the bounds of message.hpp hold
Encoded encode(const Message& message);

struct Decoded {
  std::optional<Message> message;
  const char* problem = "";  ///< why there is none
};

/// Believes nothing: no length is trusted before the bytes are there, what is left over is an error, and nothing is
/// allocated beyond a small multiple of what came. Two messages that are equal have equal bytes, and only these.
/// `owner` keeps the bytes alive for as long as a chunk refers to them; null: they are copied.
Decoded decode(std::span<const std::byte> bytes, std::shared_ptr<const void> owner = nullptr);

}  // namespace tardigrad::wire
