// SPDX-License-Identifier: Apache-2.0
// Any bytes are messages, which are put together to as many again, or there is a reason why they are not.
#include <cstdint>

#include "engines/network/framing.hpp"
#include "tardigrad/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tardigrad;
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  network::Batch batch;
  std::size_t messages = 0;
  const char* const problem = network::split(bytes, nullptr, [&](const wire::Message& message) {
    ++messages;
    batch.add(message);
  });
  TG_CHECK(*problem != '\0' || messages > 0);
  std::vector<std::byte> again;
  for (const network::Batch::Piece& piece : batch.take()) {
    again.insert(again.end(), piece.head.begin(), piece.head.end());
    again.insert(again.end(), piece.body.view().begin(), piece.body.view().end());
  }
  std::size_t came = 0;
  if (messages > 0) TG_CHECK(*network::split(again, nullptr, [&](const wire::Message&) { ++came; }) == '\0');
  TG_CHECK(came == messages);
  return 0;
}
