// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compression/settings.hpp"
#include "engines/wire/assembly.hpp"
#include "engines/wire/liveness.hpp"
#include "engines/wire/message.hpp"
#include "tardigrad/order.hpp"
#include "tardigrad/params.hpp"

namespace tardigrad::wire {

struct CoordinatorOptions {
  /// Greater than that of every earlier start in this run's directory: the caller keeps it there, and has written it
  /// down before anybody is let in. 0: the first start.
  std::uint64_t epoch = 0;
  Identity identity = {};
  std::vector<std::string> names = {};  ///< workers that have the first numbers, whether they come or not
  /// May one of a new name have the number of one that has been lost, where none is free? Not where each has data of
  /// its own.
  bool reuse_numbers = false;
  bool own_data = false;  ///< each has data of its own: what a hello says of them must be possible
  compression::Plan compression = {};
  Time heartbeat = from_seconds(2.0);
  std::uint32_t lost_after = 5;
  std::size_t most_workers = 4096;
  std::size_t most_connections = 8192;
  std::size_t chunk_bytes = 1 << 20;
  std::uint32_t credits = 4;     ///< chunks that one worker may have under way
  std::size_t most_uploads = 8;  ///< sinks at once, those of arrivals that the server has not taken yet included
  std::size_t prefetch = 2;      ///< orders that one worker is told at once; the others wait here
  MakeSink make_sink = [](std::size_t dimension) { return std::make_unique<VectorSink>(dimension); };
};

/// What the transport shall do, in this order.
struct Send {
  ConnectionId to = 0;
  Message message = {};
};
struct Close {
  ConnectionId connection = 0;
};
using CoordinatorAction = std::variant<Send, Close>;

/// What the server is told: as Event of a Runtime.
struct CoordinatorEvent {
  enum class Kind : std::uint8_t { joined, arrived, lost } kind = Kind::joined;
  WorkerId worker = 0;
  Order order = {};                          ///< arrived
  Snapshot snapshot = {};                    ///< arrived: at which it was computed
  std::unique_ptr<ChunkSink> gradient = {};  ///< arrived; null: it was not finite
  double norm = 0.0, loss = 0.0;             ///< arrived: as the worker summed it up, and checked (Assembly::finish)
  std::vector<Order> lost = {};              ///< lost: what will never arrive
  std::string reason = {};                   ///< lost
  std::optional<OrderId> failed = {};        ///< lost: at this order the problem threw, and `reason` is what
  bool put_aside = false;                    ///< lost: by put_aside
  bool barred = false;                       ///< lost: and not let in until it is readmitted
  bool left = false;                         ///< lost: it said goodbye
};

/// assigned = arrived + not_finite + cancelled + lost + in flight, at any instant, for every worker and in all.
struct OrderCounters {
  std::uint64_t assigned = 0, arrived = 0, not_finite = 0, cancelled = 0, lost = 0;
  std::uint64_t redelivered = 0;  ///< handed out again to the same worker
  bool operator==(const OrderCounters&) const = default;
  void serialize(Archive& archive) { archive(assigned, arrived, not_finite, cancelled, lost, redelivered); }
};

/// The server's side of the protocol: who is there, who has which order, and what came of it (docs/protocol.md).
/// Connections, messages and time are handed in; actions for the transport and events for the server are taken out.
///
///   orders   Each comes to its end once: as an arrival, by `cancel`, or among the `lost` of its worker's loss. It has
///            ended when its event was taken, and not before: what is saved is what the server has seen.
///   joins    A worker joins before it is lost, and is lost before it joins again. A worker that reconnects before it
///            is lost goes on with its orders, and nobody is told.
///   error feedback  A worker that comes back without what was left out of its last order is lost, and joins anew with
///            nothing left out: so it is with every worker's new process, and mostly when a checkpoint is gone on from.
///   restart  What was loaded into a coordinator of a greater epoch goes on: workers that were there are waited for as
///            for silent ones; orders that were given after it was saved are refused when they come back.
///
/// Memory   the snapshots of orders in flight, `most_uploads` sinks, and `credits` chunks a worker
/// Cost     O(log workers) a message; O(workers) a tick
/// Thread   one at a time
class Coordinator {
 public:
  static constexpr std::uint32_t kMostOffences = 3;
  /// A worker whose connection was closed is lost when it has not come back in so many times what an order typically
  /// takes it, and a heartbeat: its orders are somebody else's then.
  static constexpr int kOrdersToComeBack = 3;
  /// Names for whom there was no room are kept in mind: so many, for so long after they came last.
  static constexpr std::size_t kMostKnocking = 4096;
  static constexpr Time kKnockCounts = 2 * kLongestWaitForRoom;
  static constexpr unsigned kOrdersOfAnEpoch = 40;  ///< bits: order ids of epoch e begin at e * 2^40

  explicit Coordinator(CoordinatorOptions options);

  // The transport's.
  void connected(ConnectionId connection, Time now);
  void received(ConnectionId connection, Message message, Time now);
  void disconnected(ConnectionId connection, Time now);
  /// What came is no message.
  void malformed(ConnectionId connection, std::string_view problem, Time now);
  /// Its peer may not be here, or not any more: a worker is lost at once.
  void turn_away(ConnectionId connection, Refusal reason, Time now);
  /// Called at least this often.
  Time tick_every() const { return options_.heartbeat / 2; }
  void tick(Time now);
  std::vector<CoordinatorAction> take_actions() { return std::exchange(actions_, {}); }

  // The server's.
  std::optional<CoordinatorEvent> next_event();
  bool has_events() const { return !events_.empty(); }
  /// Pre  the worker has joined, and its loss was not taken
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work);
  void cancel(WorkerId worker, std::vector<Order>& cancelled);
  /// The next event says that it is lost; it is let in again after `readmit`.  Pre  as assign
  void put_aside(WorkerId worker, std::string reason);
  void readmit();
  void readmit(WorkerId worker);
  /// The run is over, or stops for now: everybody is told, and goes. Who comes later is told too.
  void say_goodbye(Goodbye goodbye);
  /// After it, where it is for good: is there somebody who is between two connections, or waits for room, and was not
  /// told?
  bool awaits_somebody() const { return !awaited_.empty(); }
  /// What the server has seen. Pre  while loading: nothing has happened, and the epoch is a later one
  void serialize(Archive& archive);

  bool present(WorkerId worker) const { return worker < workers_.size() && workers_[worker]->present; }
  /// Has it joined, or will the next events say so?
  bool is_coming(WorkerId worker) const { return worker < workers_.size() && workers_[worker]->joining; }
  bool barred(WorkerId worker) const { return worker < workers_.size() && workers_[worker]->barred; }
  bool connected(WorkerId worker) const { return workers_.at(worker)->connection.has_value(); }
  /// Since it was heard last; of one that is present, or connected.
  Time silence(WorkerId worker) const { return clock_.elapsed() - workers_.at(worker)->liveness.heard(); }
  Time typical_silence(WorkerId worker) const { return workers_.at(worker)->liveness.typical_silence(); }
  std::size_t connections() const { return connections_.size(); }
  /// As it said in its last hello.
  double examples(WorkerId worker) const { return workers_.at(worker)->examples; }
  std::uint64_t steps_per_epoch(WorkerId worker) const { return workers_.at(worker)->steps_per_epoch; }
  std::uint64_t epoch() const { return options_.epoch; }
  std::size_t in_flight() const;
  std::vector<OrderId> orders_in_flight() const;
  std::size_t in_flight(WorkerId worker) const { return workers_.at(worker)->leases.size(); }
  std::size_t workers() const { return workers_.size(); }
  const std::string& name(WorkerId worker) const { return workers_.at(worker)->name; }
  const OrderCounters& counters(WorkerId worker) const { return workers_.at(worker)->counters; }
  OrderCounters counters() const;
  /// Hellos and results, by reason.
  std::uint64_t refused(Refusal reason) const { return refused_[static_cast<std::size_t>(reason)]; }
  /// Results that were acknowledged before, and acknowledged again.
  std::uint64_t acknowledged_again() const { return acknowledged_again_; }
  /// A worker has seen a coordinator of a later epoch: this one should end.
  bool outdated() const { return outdated_; }
  std::size_t uploads() const { return uploads_; }

 private:
  using Upload = std::variant<GradientChunk, Result>;
  struct Lease {
    Order order;
    Snapshot snapshot;
    std::uint32_t attempt = 0;
    bool delivered = false;  // the worker has it, or is being sent it
    bool arrived = false;    // an event says so
    bool is_finite = true;   // what arrived
    HeldOrder held() const { return {order.id, attempt}; }
    void serialize(Archive& archive) { archive(order, snapshot, attempt); }
  };
  struct Worker {
    WorkerId id = 0;
    std::string name;
    std::uint64_t incarnation = 0, process = 0, greeting = 0;
    bool present = false;  // as far as the server knows
    bool barred = false;
    std::uint32_t offences = 0;
    double examples = 1.0;
    std::uint64_t steps_per_epoch = 0;
    std::uint64_t gradients = 0;       // asked for so far: the index of the next order
    std::deque<Lease> leases;          // oldest first
    std::deque<OrderId> acknowledged;  // the last ones
    std::optional<OrderId> taken;      // the last one with a gradient, in this stay
    OrderCounters counters;
    // Of the connection and the stay, not saved.
    bool losing = false, joining = false;  // an event that was not taken says so
    bool draining = false;
    std::optional<ConnectionId> connection;
    Time detached{};  // since when there is none
    Liveness liveness;
    Time begun{};                       // its oldest order was delivered, or the one before it arrived
    std::optional<Time> typical_order;  // from there to its arrival
    std::optional<Cutter> sending;
    std::weak_ptr<const Buffer> being_sent, sent;  // parameters; `sent`: the last that were sent whole, of this order
    OrderId sent_with = 0;
    std::uint32_t room = 0;      // chunks that the worker has room for
    std::uint32_t owed = 0;      // chunks that the worker may still send
    std::uint32_t consumed = 0;  // of which it was not told yet
    std::unique_ptr<Assembly> assembly;
    std::deque<Upload> waiting;  // for a sink
    bool queued = false;         // in line for one
    std::optional<HeldOrder> answered;
    void serialize(Archive& archive);
  };
  struct Connection {
    std::optional<WorkerId> worker;
    Time opened{};
  };

  void handle(Worker& worker, Message& message);
  void greet(ConnectionId connection, const Hello& hello);
  std::optional<Refusal> objection(const Hello& hello, Worker*& worker);
  Worker* find_or_add(const std::string& name);
  Worker* take_number_of_a_lost_one(const std::string& name);
  void remember_knock(const std::string& name);
  void refuse(ConnectionId connection, Refusal reason, std::string text = {});
  void close(ConnectionId connection);
  void detach(Worker& worker);
  void welcome(Worker& worker, ConnectionId connection, const Hello& hello);
  void resume_leases(Worker& worker, const Hello& hello, Welcome& welcome);
  bool has_what_was_left_out(const Worker& worker, const Hello& hello) const;
  bool stays_away(const Worker& worker, Time now) const;
  void lose(Worker& worker, std::string reason, std::optional<OrderId> failed = {}, bool left = false);
  void bar(Worker& worker, const std::string& reason, std::optional<OrderId> failed = {});
  void close_and_bar(Worker& worker, const std::string& reason);
  void leave_if_drained(Worker& worker);
  void drop_events(WorkerId worker, bool joins_only);

  void upload(Worker& worker, Upload part);
  void take_in(Worker& worker);
  void serve_queue();
  HeldOrder order_of(const Upload& part) const;
  Lease* wanted(Worker& worker, HeldOrder held);
  void answer(Worker& worker, HeldOrder held);
  void fold(Worker& worker, Lease& lease, const GradientChunk& chunk);
  void finish(Worker& worker, Lease& lease, const Result& result);
  void arrive_not_finite(Worker& worker, Lease& lease);
  void arrive(Worker& worker, Lease& lease, const Result* result);
  void reject(Worker& worker, HeldOrder held, Refusal reason);
  void offend(Worker& worker, Refusal reason);
  void drop_assembly(Worker& worker);
  void redeliver_from(Worker& worker, OrderId first, bool tell);
  void pump(Worker& worker);
  Payload parameters(const Worker& worker, const Snapshot& snapshot, Assign& assign);
  void withdraw(Worker& worker, std::vector<Order>& withdrawn);
  void tell(const Worker& worker, Message message);
  void take_over(OrderId next);
  void count(Refusal reason) { ++refused_[static_cast<std::size_t>(reason)]; }

  const CoordinatorOptions options_;
  const std::size_t dimension_;
  OwnClock clock_;
  OrderId next_order_;
  struct Packed {
    std::shared_ptr<const Buffer> of;
    Payload bytes;
  } packed_;  // the parameters that were packed last
  std::map<ConnectionId, Connection> connections_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::map<std::string, WorkerId, std::less<>> names_;
  std::deque<CoordinatorEvent> events_;
  std::vector<CoordinatorAction> actions_;
  std::deque<WorkerId> queue_;  // for a sink
  std::size_t uploads_ = 0;
  std::array<std::uint64_t, kRefusals> refused_{};
  std::uint64_t acknowledged_again_ = 0;
  std::map<std::string, Time, std::less<>> knocking_;  // no room, or the name taken; when they came last
  Time forgot_knocks_{};                               // of those who did not come again
  std::optional<Goodbye> over_;                        // what is said to who comes
  std::set<std::string, std::less<>> awaited_;         // who was there, and was not told
  bool outdated_ = false;
};

}  // namespace tardigrad::wire
