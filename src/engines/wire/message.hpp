// SPDX-License-Identifier: Apache-2.0
// What coordinator and workers say to each other (docs/protocol.md), as values: nothing here knows what carries them.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tardigrad/order.hpp"
#include "tardigrad/types.hpp"

namespace tardigrad::wire {

/// Raised whenever a message changes its meaning or form; peers of unequal numbers refuse each other.
inline constexpr std::uint32_t kProtocol = 3;

/// At most so long a worker for whom there was no room, or whose name was taken, waits before it asks again.
inline constexpr Time kLongestWaitForRoom = std::chrono::seconds(5);

/// So many heartbeats may pass between a connection and its hello, and between the hello and its answer.
inline constexpr int kGreetingTime = 5;

// Bounds of what a message may hold. What is beyond them is not decoded.
inline constexpr std::size_t kMostName = 128;  ///< bytes of a worker's name
/// What a worker may say of data of its own; more is a lie, or a slip.
inline constexpr double kMostExamples = 0x1p40;
inline constexpr std::uint64_t kMostStepsPerEpoch = 1'000'000;
inline constexpr std::size_t kMostHash = 128;       ///< bytes of a hash or another identity
inline constexpr std::size_t kMostText = 1024;      ///< bytes of a reason in words
inline constexpr std::size_t kMostTensors = 65536;  ///< in a layout
inline constexpr std::size_t kMostHeld = 64;        ///< orders that one worker holds at once
inline constexpr std::size_t kMostChunk = 4 << 20;  ///< bytes of one chunk

/// Bytes that somebody owns: a message passes them on without a copy.
class Payload {
 public:
  Payload() = default;
  Payload(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}
  explicit Payload(std::vector<std::byte> bytes) {
    auto kept = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    bytes_ = *kept;
    owner_ = std::move(kept);
  }
  std::span<const std::byte> view() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  /// `count` bytes from `first`, of the same owner.
  Payload part(std::size_t first, std::size_t count) const { return {owner_, bytes_.subspan(first, count)}; }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

/// One stay of one worker with one start of the coordinator. Later ones are greater.
struct Session {
  std::uint64_t epoch = 0;        ///< raised with every start of the coordinator
  std::uint64_t incarnation = 0;  ///< raised with every hello that is accepted under a name; 0: none was
  auto operator<=>(const Session&) const = default;
};

/// What both sides must have in common.
struct Identity {
  std::string scenario;                ///< its hash
  std::vector<std::uint64_t> tensors;  ///< sizes of the tensors; their sum is the dimension
  std::string data;                    ///< what the problem was made from; "" where each worker has data of its own
  bool operator==(const Identity&) const = default;
};

/// An order is handed out again when what came of it was refused, or its worker lost it: then under the next attempt.
struct HeldOrder {
  OrderId order = 0;
  std::uint32_t attempt = 0;
  auto operator<=>(const HeldOrder&) const = default;
};

/// Worker: first on every connection.
struct Hello {
  std::uint32_t protocol = kProtocol;
  Identity identity = {};
  std::string name = {};
  std::uint64_t process = 0;                 ///< drawn when the worker's process started
  std::uint64_t greeting = 0;                ///< how many hellos this process has sent before
  Session last = {};                         ///< of the last welcome
  std::optional<OrderId> acknowledged = {};  ///< the order that was acknowledged last in this stay
  std::vector<HeldOrder> holds = {};         ///< orders that it computes or has computed, oldest first
  std::uint32_t credits = 0;                 ///< chunks of parameters that it has room for
  double examples = 1.0;                     ///< how many it draws from (Problem::examples), finite and positive
  std::uint64_t steps_per_epoch = 0;         ///< Problem::steps_per_epoch
};
/// Coordinator: the hello was accepted.
struct Welcome {
  Session session = {};
  WorkerId worker = 0;
  Time heartbeat{};                     ///< at most so long may the worker be silent
  std::uint32_t lost_after = 0;         ///< so many of its typical silences make a peer lost
  std::uint32_t credits = 0;            ///< chunks of gradients that the coordinator has room for
  std::uint32_t chunk_bytes = 0;        ///< how long a chunk may be
  std::vector<HeldOrder> goes_on = {};  ///< of those it holds: the ones that are still its own
  std::vector<HeldOrder> arrived = {};  ///< and the ones that have come, and will be acknowledged
  /// The last one that was taken in this stay: what was left out of it (error feedback) belongs to the next.
  std::optional<OrderId> taken = {};
};

enum class Refusal : std::uint8_t {
  // Of a hello, or of a connection.
  protocol,     ///< another version
  scenario,     ///< another scenario
  layout,       ///< other tensors
  data,         ///< other data
  name,         ///< none, or longer than may be
  stale_hello,  ///< an earlier hello of a process that has sent a later one
  stale_epoch,  ///< the coordinator was started again since: this one is not the latest
  superseded,   ///< the worker said hello again on another connection
  name_taken,   ///< a worker of another process is here under this name
  put_aside,    ///< the worker is not wanted any more
  full,         ///< no room for another worker
  token,        ///< none, or not one of this name
  timeout,      ///< no hello in time
  malformed,    ///< what came was no message, or none that may come there
  // Of a result.
  unknown,    ///< no such order was ever given to this worker
  withdrawn,  ///< it was cancelled, or its worker was lost
  offset,     ///< a chunk does not begin where the last one ended
  length,     ///< more, or fewer, bytes than there are parameters
  checksum,
  encoding,    ///< bytes that its compressor does not make
  norm,        ///< not as claimed
  not_finite,  ///< infinity or NaN in it
  no_credit,   ///< more chunks than there was room for
};
inline constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::no_credit) + 1;
const char* describe(Refusal reason);

/// Either side: the connection comes to its end, and why.
struct Refused {
  Refusal reason = Refusal::malformed;
  std::string text = {};
};
/// How parameters are sent.
enum class Form : std::uint8_t {
  float32,
  bf16,         ///< the upper halves of float32, whose lower ones are 0
  differences,  ///< from those of an earlier order (compression/sparse.hpp)
};
inline constexpr std::size_t kForms = static_cast<std::size_t>(Form::differences) + 1;

/// Coordinator: here is an order; `bytes` of parameters follow.
struct Assign {
  Session session = {};
  std::uint32_t attempt = 0;
  Order order = {};  ///< id, worker, index, version and work
  std::uint64_t bytes = 0;
  Form form = Form::float32;
  OrderId base = 0;  ///< whose parameters, the last that were sent whole on this connection, differences are from
};
/// `checksum` is that of all bytes from the first to the end of this chunk (chain).
struct Chunk {
  OrderId order = 0;
  std::uint32_t attempt = 0;
  std::uint64_t offset = 0;  ///< bytes before it
  std::uint64_t checksum = 0;
  Payload bytes = {};
};
struct ParameterChunk : Chunk {};
struct GradientChunk : Chunk {};
/// Worker: the chunks were all there is of the gradient; or there is none, and why.
struct Result {
  Session session = {};
  OrderId order = 0;
  std::uint32_t attempt = 0;
  double norm = 0.0;  ///< ||g||_2, of what is sent; where it is not finite there are no chunks
  double loss = 0.0;
  std::uint32_t steps_done = 0;
  Time compute_time{};
  std::string failure = {};  ///< not empty: what the problem threw
};
/// Coordinator: the result is the server's now; the worker may forget it.
struct Ack {
  OrderId order = 0;
};
/// Coordinator: the result will never be taken; the worker forgets it.
struct Refuse {
  OrderId order = 0;
  std::uint32_t attempt = 0;
  Refusal reason = Refusal::unknown;
};
/// Coordinator: nobody waits for this worker's orders up to this one any more.
struct Cancel {
  OrderId up_to = 0;
};
/// Either side: still there. The coordinator answers each.
struct Heartbeat {
  std::uint64_t progress = 0;  ///< local steps made since the process started; 0 from the coordinator
};
/// Either side: room for so many chunks more.
struct Credit {
  std::uint32_t chunks = 0;
};
/// Worker: will bring what it has, and wants nothing more.
struct Drain {};
/// Either side: leaves, and will not come back by itself; or, where the coordinator says so, stops for now: it is to be
/// started again, and the worker tries to find it.
struct Goodbye {
  std::string text = {};
  bool for_now = false;
};

using Message = std::variant<Hello, Welcome, Refused, Assign, ParameterChunk, GradientChunk, Result, Ack, Refuse,
                             Cancel, Heartbeat, Credit, Drain, Goodbye>;

/// Chosen by the transport, never used twice.
using ConnectionId = std::uint64_t;

}  // namespace tardigrad::wire
