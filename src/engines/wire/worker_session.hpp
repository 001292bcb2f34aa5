// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "compression/settings.hpp"
#include "engines/wire/assembly.hpp"
#include "engines/wire/liveness.hpp"
#include "engines/wire/message.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::wire {

struct SessionOptions {
  Identity identity = {};
  std::string name = {};
  std::uint64_t process = 0;  ///< another one for every process
  std::uint32_t credits = 4;  ///< chunks of parameters that may be under way
  double examples = 1.0;
  std::uint64_t steps_per_epoch = 0;
  compression::Plan compression = {};
  std::uint64_t seed = 0;               ///< of the run: of what compressors draw
  Time heartbeat = from_seconds(2.0);   ///< until the coordinator says how often
  Time least_wait = from_seconds(0.1);  ///< before it connects again; doubled with every failure
  Time longest_wait = from_seconds(30.0);
  Stream jitter = Stream(0, Purpose::dispatch);
  MakeSink make_sink = [](std::size_t dimension) { return std::make_unique<VectorSink>(dimension); };
};

// What the transport, and who computes, shall do, in this order.
struct Connect {
  ConnectionId connection = 0;
};
struct SendUp {
  ConnectionId connection = 0;
  Message message = {};
};
struct Disconnect {
  ConnectionId connection = 0;
};
/// One at a time: after the last one was reported, or given up.
struct Compute {
  HeldOrder held = {};
  Order order = {};
  std::shared_ptr<const ChunkSink> parameters = {};
};
/// Nobody waits for it any more.
struct GiveUp {
  HeldOrder held = {};
};
struct Ended {
  std::string text = {};
  bool by_fault = false;  ///< it was refused in a way that time does not mend
};
using WorkerAction = std::variant<Connect, SendUp, Disconnect, Compute, GiveUp, Ended>;

/// What came of an order. Its bytes are kept, not copied, until it is acknowledged or refused.
struct Computed {
  Payload gradient = {};  ///< d floats; empty where there was a failure, or it is not finite
  double norm = 0.0, loss = 0.0;
  std::uint32_t steps_done = 0;
  Time compute_time{};
  std::string failure = {};
};

/// A worker's side of the protocol: connects, and connects again for ever; receives orders, has them computed one after
/// another, and brings what came of them until somebody has taken or refused it.
///
/// Memory   the parameters that came last; per order held: its parameters until it is computed, its gradient as it is
///          sent until it is acknowledged; with error feedback a vector more, and one that is kept
/// Thread   one at a time
class WorkerSession {
 public:
  explicit WorkerSession(SessionOptions options);

  // The transport's. Connections that it was not asked for last are nobody's.
  void connected(ConnectionId connection, Time now);
  void received(ConnectionId connection, Message message, Time now);
  void disconnected(ConnectionId connection, Time now);
  /// Called at least this often.
  Time tick_every() const { return std::min(heartbeat_ / 2, options_.least_wait); }
  void tick(Time now);
  std::vector<WorkerAction> take_actions() { return std::exchange(actions_, {}); }

  // Of who computes.
  /// What was given up is ignored.
  void computed(HeldOrder held, Computed result, Time now);
  void progress(std::uint64_t steps) { progress_ = steps; }
  /// Brings what it has, and ends; at once where the coordinator has stopped for now, and takes nothing.
  void drain(Time now);
  /// Ends at once.
  void leave(const std::string& text, Time now);

  bool joined() const { return state_ == State::joined; }
  bool ended() const { return state_ == State::ended; }
  const Session& session() const { return last_; }
  /// Why the coordinator sent it away last; "": it has not, since it joined.
  const std::string& sent_away() const { return sent_away_; }
  std::size_t held() const { return held_.size(); }

 private:
  enum class State : std::uint8_t { waiting, connecting, greeting, joined, ended };
  struct Held {
    HeldOrder held;
    Order order;
    std::unique_ptr<Assembly> assembly;           // while its parameters arrive
    std::shared_ptr<const ChunkSink> base;        // and what they differ from
    std::shared_ptr<const ChunkSink> parameters;  // until it is computed
    bool computing = false;
    std::optional<Computed> result;
    std::vector<float> left_out;  // of the result, by error feedback; empty where it was not finite
    std::optional<Cutter> sending;
    bool sent = false;
  };

  void handle(Message& message);
  void welcomed(const Welcome& welcome);
  void refused(const Refused& refused);
  void parted(const Goodbye& goodbye);
  void assigned(const Assign& assign);
  void parameters(const ParameterChunk& chunk);
  void drop(std::size_t at);
  void acknowledged(OrderId order);
  void compute_next();
  std::unique_ptr<compression::Decompressor> decompressor(const Assign& assign) const;
  void compress(Held& held);
  void pump();
  void retry(bool close);
  void end(std::string text, bool by_fault);
  void end_if_drained();
  void say(Message message) { actions_.push_back(SendUp{connection_, std::move(message)}); }
  bool broken(const char* what);

  const SessionOptions options_;
  const std::size_t dimension_;
  Time heartbeat_;
  std::uint32_t lost_after_ = 5;
  OwnClock clock_;
  BackOff back_off_;
  State state_ = State::waiting;
  Time since_{};      // of the state
  Time wait_{};       // while waiting
  Time next_beat_{};  // while joined
  Liveness liveness_;
  ConnectionId connection_ = 0;
  std::uint64_t greetings_ = 0, progress_ = 0;
  Session last_;
  std::optional<OrderId> acknowledged_;    // the last one, in this stay
  std::vector<float> left_out_;            // of it; empty: nothing
  std::deque<Held> held_;                  // oldest first
  std::shared_ptr<const ChunkSink> base_;  // the parameters that came whole last, on this connection
  OrderId base_order_ = 0;
  std::uint32_t room_ = 0, consumed_ = 0, chunk_bytes_ = 4;
  std::string sent_away_;
  bool draining_ = false, stopped_for_now_ = false;
  std::vector<WorkerAction> actions_;
};

}  // namespace tardigrad::wire
