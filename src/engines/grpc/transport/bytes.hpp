// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <deque>
#include <functional>
#include <string>

#include "engines/network/framing.hpp"
#include "engines/network/transport.hpp"

namespace tardigrad::grpc {

/// For what is said before a connection is closed.
inline constexpr std::chrono::seconds kTimeToFlush{1};

// gRPC's names of what is called.
inline constexpr const char* kWorkMethod = "/tardigrad.Coordinator/Work";
inline constexpr const char* kOfferMethod = "/tardigrad.Coordinator/Offer";
inline constexpr const char* kStatusMethod = "/tardigrad.Coordinator/Status";

/// Messages as one of gRPC's; chunks are not copied.
::grpc::ByteBuffer to_grpc(network::Batch& batch);
::grpc::ByteBuffer to_grpc(const std::string& text);
/// Hands on what is in it.  Returns  "", or why it is no batch
const char* from_grpc(const ::grpc::ByteBuffer& bytes, const std::function<void(wire::Message)>& hand_on);
std::string text_of(const ::grpc::ByteBuffer& bytes);

/// What waits to be sent on one stream.
class Outbox {
 public:
  void push(const wire::Message& message) {
    if (batches_.empty() || batches_.back().full()) batches_.emplace_back();
    batches_.back().add(message);
  }
  bool empty() const { return batches_.empty(); }
  /// Batches that are full, or nearly.
  std::size_t size() const { return batches_.size(); }
  network::Batch pop() {
    network::Batch batch = std::move(batches_.front());
    batches_.pop_front();
    return batch;
  }

 private:
  std::deque<network::Batch> batches_;
};

/// Settings of a channel or server that long messages need: measured, 0.23 of raw TCP without them and 0.53 with them.
template <class SetInt>
void for_long_messages(const SetInt& set) {
  set("grpc.http2.max_frame_size", 16777215);
  set("grpc.http2.lookahead_bytes", 8 << 20);
  set("grpc.http2.bdp_probe", 0);
  set("grpc.experimental.tcp_min_read_chunk_size", 1 << 20);
  set("grpc.experimental.tcp_read_chunk_size", 1 << 20);
  set("grpc.experimental.tcp_max_read_chunk_size", 4 << 20);
  set("grpc.http2.write_buffer_size", 4 << 20);
}

std::unique_ptr<network::Server> serve(const network::ServerOptions& options, network::ServerEvents& events);
std::unique_ptr<network::Client> dial(const network::ClientOptions& options, network::ClientEvents& events);
std::string fetch_offer(const network::ClientOptions& options, std::chrono::milliseconds timeout);
std::string fetch_status(const network::ClientOptions& options, std::chrono::milliseconds timeout);

}  // namespace tardigrad::grpc
