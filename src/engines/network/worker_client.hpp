// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/buffer_pool.hpp"
#include "engines/network/transport.hpp"
#include "engines/threads/inbox.hpp"
#include "engines/threads/scaled_clock.hpp"
#include "engines/threads/worker_thread.hpp"
#include "engines/wire/worker_session.hpp"
#include "tardigrad/availability.hpp"
#include "tardigrad/compute_time.hpp"
#include "tardigrad/problem.hpp"

namespace tardigrad::network {

/// Referenced objects outlive the client.
struct WorkerOptions {
  const Transport& transport;
  ClientOptions client;
  const Problem& problem;
  BufferPool& buffers;
  wire::Identity identity;
  std::string name;
  double examples = 1.0;
  std::uint64_t steps_per_epoch = 0;
  compression::Plan compression = {};
  std::uint64_t seed = 0;                      ///< of the run: of what compressors draw
  const ComputeTime* pace = nullptr;           ///< nothing: as fast as it can be
  const Availability* availability = nullptr;  ///< nothing: it stays
  WorkerId number = 0;                         ///< whose availability
  std::uint64_t episode = 0;                   ///< how often it has left before
  double time_scale = 1.0;                     ///< real seconds that a second of the run takes
  Time longest_wait = from_seconds(30.0);      ///< before it connects again
  /// Told, a line each, of what happens on the way.  Thread  the client's own
  std::function<void(const std::string&)> tell = {};
};

/// A worker of a coordinator elsewhere: a thread for the session, and one that computes. It connects, and connects
/// again for ever; it leaves and returns by its availability.
class WorkerClient final : ClientEvents {
 public:
  explicit WorkerClient(WorkerOptions options);
  /// Leaves, and waits for the threads: one gradient at most, or what a problem does between two looks.
  ~WorkerClient();
  WorkerClient(const WorkerClient&) = delete;
  WorkerClient& operator=(const WorkerClient&) = delete;

  // Thread  any
  /// Leaves at once.
  void stop();
  /// Brings what it has, and leaves.
  void drain();
  /// It has left for good; nothing of the problem is in its threads' hands.
  bool has_ended() const { return session_ended_ && (!computing_ || computing_->has_ended()); }
  /// Has the coordinator let it in?
  bool is_connected() const { return connected_; }
  /// It has left, and will not return.
  bool has_left() const { return session_ended_; }
  /// Why it left for good, and whether that was a mistake that time does not mend.  Pre  has_left()
  const wire::Ended& end() const { return end_; }
  /// RuntimeCounters::paced and so on.
  void add_pace_to(RuntimeCounters& counters) const { computing_->add_pace_to(counters); }

 private:
  // The transport's.
  void connected(ConnectionId connection) override;
  void received(ConnectionId connection, wire::Message message) override;
  void malformed(ConnectionId connection, const char* problem) override;
  void disconnected(ConnectionId connection, const std::string& reason) override;

  void run();
  void stay(std::optional<Time> leaves_at);
  bool wait_until(Time time);
  void begin_session();
  void end_session();
  void step();
  void perform();
  void compute(wire::Compute order);
  void report(std::unique_ptr<threads::Job> job);
  void tell(const std::string& text) const;
  void tell_of(const std::string& trouble);

  const WorkerOptions options_;
  threads::ScaledClock clock_;
  threads::Inbox reports_;
  const threads::WorkerContext context_;
  std::atomic<bool> stopping_{false}, draining_{false}, session_ended_{false};
  std::atomic<bool> woken_{false}, connected_{false};
  wire::Ended end_;

  std::mutex mutex_;  // of what follows
  std::optional<wire::WorkerSession> session_;
  std::unique_ptr<Client> client_;
  std::optional<wire::HeldOrder> held_;  // is being computed
  OrderId jobs_ = 0;                     // given to the thread so far: orders that come again have new numbers there
  std::optional<wire::Ended> session_end_;
  std::string told_;          // last, of why it was sent away
  std::string trouble_;       // the last, of the connection, in the words of the transport;
  bool explained_ = true;     // was it looked at?
  std::string told_trouble_;  // and what was told of it

  std::unique_ptr<threads::WorkerThread> computing_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace tardigrad::network
