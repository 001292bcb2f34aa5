// SPDX-License-Identifier: Apache-2.0
#include "engines/grpc/transport/bytes.hpp"

#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace tardigrad::grpc {

namespace {

void release(void* payload) { delete static_cast<wire::Payload*>(payload); }

::grpc::Slice slice_of(wire::Payload payload) {
  const std::span<const std::byte> bytes = payload.view();
  auto* const kept = new wire::Payload(std::move(payload));
  return {const_cast<std::byte*>(bytes.data()), bytes.size(), &release, kept};
}

struct AlignedDelete {
  void operator()(std::byte* bytes) const { ::operator delete (bytes, std::align_val_t{64}); }
};

}  // namespace

::grpc::ByteBuffer to_grpc(network::Batch& batch) {
  std::vector<::grpc::Slice> slices;
  for (network::Batch::Piece& piece : batch.take()) {
    slices.emplace_back(piece.head.data(), piece.head.size());
    if (piece.body.size() > 0) slices.push_back(slice_of(std::move(piece.body)));
  }
  return {slices.data(), slices.size()};
}

::grpc::ByteBuffer to_grpc(const std::string& text) {
  const ::grpc::Slice slice(text);
  return {&slice, 1};
}

// Copied together once, so that chunks can be read in place: slices begin anywhere.
const char* from_grpc(const ::grpc::ByteBuffer& bytes, const std::function<void(wire::Message)>& hand_on) {
  std::vector<::grpc::Slice> slices;
  if (!bytes.Dump(&slices).ok()) return "a message of the transport that cannot be read";
  const std::size_t size = bytes.Length();
  const std::shared_ptr<std::byte> whole(static_cast<std::byte*>(::operator new (size, std::align_val_t{64})),
                                         AlignedDelete{});
  std::size_t at = 0;
  for (const ::grpc::Slice& slice : slices) {
    std::memcpy(whole.get() + at, slice.begin(), slice.size());
    at += slice.size();
  }
  return network::split({whole.get(), size}, whole, hand_on);
}

std::string text_of(const ::grpc::ByteBuffer& bytes) {
  std::vector<::grpc::Slice> slices;
  std::string text;
  if (!bytes.Dump(&slices).ok()) return text;
  for (const ::grpc::Slice& slice : slices) text.append(slice.begin(), slice.end());
  return text;
}

}  // namespace tardigrad::grpc
