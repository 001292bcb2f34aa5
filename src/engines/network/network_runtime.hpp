// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "core/buffer_pool.hpp"
#include "engines/compute_pool.hpp"
#include "engines/evaluations.hpp"
#include "engines/network/buffer_sink.hpp"
#include "engines/network/monitor.hpp"
#include "engines/network/serve_options.hpp"
#include "engines/network/tokens.hpp"
#include "engines/network/transport.hpp"
#include "engines/network/worker_client.hpp"
#include "engines/run_compression.hpp"
#include "engines/threads/scaled_clock.hpp"
#include "engines/wire/coordinator.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad::network {

inline constexpr Capabilities kCapabilities = {
    .cancel = true, .queues = true, .timers = true, .local_steps = true, .points = true};

/// For wire::Identity.
std::vector<std::uint64_t> tensor_sizes(const Layout& layout);

/// Referenced objects outlive the runtime.
struct NetworkOptions {
  std::size_t workers = 1;                         ///< at most so many at once
  std::size_t at_start = workers;                  ///< it begins when so many have joined
  const ComputeTime* pace = nullptr;               ///< of workers in this process
  const Availability* availability = nullptr;      ///< of workers in this process
  std::optional<Time> restart_after = {};          ///< one that failed is let in again after this time; nothing: never
  const compression::Plan* compression = nullptr;  ///< nothing: none
  std::uint64_t seed = 1;                          ///< of what compressors draw
  double time_scale = 1.0;                         ///< real seconds that a second of the run takes
  Time heartbeat = from_seconds(2.0);              ///< of real time
  std::uint32_t lost_after = 5;
  EvaluationThreads evaluation_threads = {};
  /// Whom it serves; nothing: the workers are threads of this process, which connect through a socket in a folder that
  /// nobody else can enter.
  const ServeOptions* serve = nullptr;
};

/// Workers that are reached by messages: the server's side of the protocol (engines/wire), a transport under it, and
/// the caller's thread as the server. Workers come, go, vanish and return, and the run goes on.
///
///   clock    Real time since the first worker joined (all of this process, or NetworkOptions::at_start).
///   orders   Have numbers of their own, from 0 on; those of the protocol are never given twice, whatever is restarted.
///   failure  A worker whose problem throws is lost, and let in again by `restart_after` or `readmit`.
///   idle     With workers elsewhere: when all that there can be are there and have nothing to do. One that is not
///   there
///            may come at any time.
///   restart  What is saved goes on in a runtime with a greater epoch; orders that were in flight are taken when they
///            come, or handed out again.
///
/// Memory   wire::Coordinator's, and two vectors in the server's hands
/// Cost     O(log orders) an event; messages are decoded, checked and folded in on the transport's threads
/// Errors   Error when there is no transport, or its address cannot be had
/// Thread   all functions: the server's; the transport's threads come in by ServerEvents
class NetworkRuntime final : public Runtime, Saveable, ServerEvents {
 public:
  static constexpr std::size_t kMostWorkers = 4096;

  NetworkRuntime(const Transport& transport, const Problem& problem, BufferPool& buffers,
                 const NetworkOptions& options);
  ~NetworkRuntime() override;

  Capabilities capabilities() const override { return kCapabilities; }
  Time now() const override { return now_; }
  bool real_time() const override { return true; }
  std::optional<Event> next(Time limit) override;
  bool idle() const override;
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) override;
  std::uint64_t steps_per_epoch(WorkerId worker) const override;
  void cancel(WorkerId worker, std::vector<Order>& cancelled) override;
  void set_timer(TimerId timer, Time after) override;
  void put_aside(WorkerId worker, std::string reason) override;
  void readmit() override;
  void set_oldest_useful_version(Version) override {}
  std::size_t in_flight() const override { return orders_.size(); }
  RuntimeCounters counters() const override;
  void wind_down() override;
  bool comes_to_rest(std::chrono::nanoseconds timeout) override;
  Evaluator& evaluator() override;
  Saveable* saveable() override { return this; }

 private:
  static constexpr Time kAbsent{-1};

  // What the server knows of a worker.
  struct WorkerState {
    Time since = kAbsent;      // there since
    Time busy_since{};         // its oldest order could be begun
    std::uint64_t losses = 0;  // how often it was lost
    std::size_t orders = 0;    // in flight
    bool failed = false;       // and was not let in again
    void serialize(Archive& archive) { archive(since, busy_since, losses, orders, failed); }
  };
  struct ScheduledEvent {
    enum class Kind : std::uint8_t { timer, readmission } kind;
    Time time;
    std::uint64_t sequence;
    std::uint32_t number;  // of the timer or worker
    bool operator>(const ScheduledEvent& other) const {
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
    void serialize(Archive& archive) { archive(kind, time, sequence, number); }
  };
  struct OrderNumbers {
    OrderId protocol = 0, run = 0;
    void serialize(Archive& archive) { archive(protocol, run); }
  };
  // The gradient of the arrival that is being handled.
  class ArrivedGradient final : public Gradient {
   public:
    double norm() const override { return norm_; }
    std::span<const float> values() const override;
    std::span<const float> point() const override { return snapshot_.view(); }
    void set(wire::CoordinatorEvent& event);
    void clear();
    bool was_looked_at() const { return looked_; }

   private:
    std::unique_ptr<wire::ChunkSink> values_;
    Snapshot snapshot_;
    double norm_ = 0.0;
    mutable bool looked_ = false;
  };

  // The transport's.
  void connected(ConnectionId connection, const Peer& peer) override;
  void received(ConnectionId connection, wire::Message message) override;
  void malformed(ConnectionId connection, const char* problem) override;
  void disconnected(ConnectionId connection) override;
  bool may_see_offer(const Peer& peer) override;
  std::string status() override;

  // For the monitor.
  bool is_watched() const { return !is_local() && options_.serve->monitor; }
  void fill_status(Status& status) const;
  void report(const ServeEvent& event) const;
  void tell(const ServeEvent& event) const;
  std::string name_of_worker(WorkerId worker) const;
  void report_refusal(ConnectionId connection, const wire::Refused& refused) const;
  void note_presence(bool begun);

  void serialize(Archive& archive) override;
  void take_over(const std::vector<OrderNumbers>& orders, const std::vector<ScheduledEvent>& scheduled);

  void start();
  void start_local_workers();
  bool is_local() const { return options_.serve == nullptr; }
  bool may_begin();
  bool awaits_somebody();
  std::optional<wire::CoordinatorEvent> take_event();
  void wait(Time limit, threads::Instant look_again);
  void perform();
  void tick();
  void look_at_tokens(Time now);
  std::optional<Event> keep(const ScheduledEvent& due);
  Event handle(wire::CoordinatorEvent event);
  Event joins(WorkerId worker);
  Event arrives(wire::CoordinatorEvent& event);
  Event loses(wire::CoordinatorEvent& event);
  void finish_arrival();
  void withdraw(WorkerId worker, std::vector<Order>& orders, std::size_t first);
  void schedule(ScheduledEvent::Kind kind, Time time, std::uint32_t number);
  wire::CoordinatorOptions coordinator_options(std::uint64_t epoch) const;

  const Transport& transport_;
  const Problem& problem_;
  BufferPool& buffers_;
  const NetworkOptions options_;
  const wire::Identity identity_;
  const compression::Plan plan_;
  RunCompression compression_;
  threads::ScaledClock clock_;

  Time now_{};
  bool started_ = false, begun_ = false, told_that_begun_ = false;
  OrderId next_order_ = 0;
  std::map<OrderId, OrderId> orders_;  // in flight: number of the protocol, and of the run
  std::vector<WorkerState> states_;
  std::size_t present_ = 0, timers_set_ = 0;
  std::uint64_t scheduled_ = 0;
  std::priority_queue<ScheduledEvent, std::vector<ScheduledEvent>, std::greater<>> schedule_;
  std::deque<wire::CoordinatorEvent> first_joins_;
  std::vector<Order> lost_;  // of the loss handed out last, and
  std::string reason_;       // why
  ArrivedGradient gradient_;
  bool arrived_ = false;
  std::uint64_t used_ = 0, computed_ = 0;
  Time busy_{}, stayed_{};

  mutable std::mutex mutex_;  // of what follows; the transport's threads wait for it, and the server's
  std::condition_variable changed_;
  std::unique_ptr<wire::Coordinator> coordinator_;
  std::unique_ptr<Server> server_;
  struct KnownPeer : Peer {
    std::string name = {};  // as it said hello
  };
  std::map<ConnectionId, KnownPeer> peers_;
  std::optional<Tokens> tokens_;
  std::string token_trouble_;
  Time next_look_at_tokens_{};
  // What others than the server's thread want to know.
  struct Watched {
    bool begun = false;
    Version version = 0;  // of the last order
    Time looked{};        // the server's thread did
    Time alone_since{};   // where nobody is there
    std::size_t present = 0;
    std::uint64_t received_bytes = 0, sent_bytes = 0;
  } watched_;
  Time listening_since_{};
  bool closing_ = false;  // everybody is told
  bool deaf_ = false;     // and nobody is listened to any more
  Time next_tick_{};

  ComputePool evaluators_;
  Evaluations evaluations_;
  std::unique_ptr<ComputePool::Session> evaluating_;

  std::string folder_;  // of the socket, where the workers are this process's
  std::vector<std::unique_ptr<WorkerClient>> local_;
};

}  // namespace tardigrad::network
