// SPDX-License-Identifier: Apache-2.0
// A coordinator and its workers in a simulated network, with faults drawn from a seed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/buffer_pool.hpp"
#include "engines/wire/codec.hpp"
#include "engines/wire/coordinator.hpp"
#include "engines/wire/worker_session.hpp"
#include "tardigrad/rng.hpp"
#include "wire/simulated_server.hpp"

namespace tardigrad::test {

/// How often what goes wrong, until everything heals. Each is nothing in half of the seeds, so that there are seeds of
/// one fault alone, and of all at once.
struct Faults {
  double cut = 0.0;           ///< of a connection, at a message
  double half_open = 0.0;     ///< a side does not notice its cut
  double no_answer = 0.0;     ///< to who connects
  double ghost = 0.0;         ///< what a connection carried once is played again on another
  double worker_crash = 0.0;  ///< at a result
  double server_crash = 0.0;  ///< a second
  double clock_jump = 0.0;    ///< a second
  double lie = 0.0;           ///< about a norm
  double nan = 0.0;
  double failure = 0.0;
  double drain = 0.0;  ///< a worker leaves and returns
  bool slow_server = false;
  bool slow_network = false;
};

/// What happened in all seeds: the paths that matter are shown to be taken.
struct Coverage {
  std::uint64_t applied = 0, discarded = 0, not_finite = 0, cancelled = 0, lost = 0, redelivered = 0;
  std::uint64_t restarts = 0, stops = 0, crashes = 0, cuts = 0, ghosts = 0, jumps = 0, messages = 0,
                acknowledged_again = 0;
  std::array<std::uint64_t, wire::kRefusals> refused{};
  std::array<std::uint64_t, wire::kForms> forms{};  ///< of parameters
  std::uint64_t left_behind = 0;                    ///< workers came back without what they had left out
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Coverage& coverage);
  /// A number that is the same whenever the seed is.
  /// Errors  Broken
  std::uint64_t run();

 private:
  // Two ends, and what is under way between them. Each direction is in order; a cut loses the rest of both.
  struct Link {
    std::size_t worker = 0;
    std::uint64_t worker_life = 0, server_life = 0;
    wire::ConnectionId at_worker = 0, at_server = 0;
    bool worker_open = false, server_open = false, cut = false, ghost = false;
    Time up{}, down{};  // the last delivery
    std::vector<std::vector<std::byte>> said;
  };
  using LinkPointer = std::shared_ptr<Link>;
  struct Worker {
    std::unique_ptr<wire::WorkerSession> session;
    LinkPointer link;
    std::uint64_t life = 0;
    Time clock{};  // what it is ahead of the true time
    double pace = 1.0;
    std::uint64_t arrivals_at_heal = 0;
    std::optional<wire::HeldOrder> computing;
  };

  void at(Time when, std::function<void()> what) { queue_.emplace(std::pair(when, ++sequence_), std::move(what)); }
  bool chance(double p) { return p > 0.0 && random_.uniform() < p; }
  Time delay();
  Time seconds(double low, double high) { return from_seconds(low + (high - low) * random_.uniform()); }

  void start_server(bool from_saved);
  void crash_server();
  void tick_server(std::uint64_t life);
  void serve();
  void act_for_server();
  void note(const wire::Message& message);
  void start_worker(std::size_t w);
  void crash_worker(std::size_t w);
  void tick_worker(std::size_t w, std::uint64_t life);
  void act_for_worker(std::size_t w);
  void compute(std::size_t w, wire::Compute& order);
  void connect(std::size_t w, wire::ConnectionId connection);
  void play_again(const LinkPointer& link);
  void open_at_server(const LinkPointer& link);
  void send_up(const LinkPointer& link, std::vector<std::byte> bytes);
  void send_down(const LinkPointer& link, std::vector<std::byte> bytes);
  void close_up(const LinkPointer& link);
  void close_down(const LinkPointer& link);
  void cut(const LinkPointer& link);
  void misfortunes();
  void heal();
  bool recovered() const;
  void finish();

  const std::uint64_t seed_;
  Coverage& coverage_;
  Stream random_;
  Time now_{};
  std::uint64_t sequence_ = 0;
  std::map<std::pair<Time, std::uint64_t>, std::function<void()>> queue_;
  Faults faults_;
  wire::Identity identity_;
  std::size_t dimension_ = 0, sinks_ = 0;
  wire::CoordinatorOptions options_;
  BufferPool pool_;
  std::unique_ptr<SimulatedServer> server_;
  std::unique_ptr<wire::Coordinator> coordinator_;
  std::shared_ptr<const SimulatedServer::Saved> saved_;
  std::uint64_t server_life_ = 0, connections_ = 0, processes_ = 0;
  Time server_clock_{};
  bool serving_ = false, healed_ = false, played_again_ = false;
  std::vector<Worker> workers_;
  std::vector<LinkPointer> links_;
};

}  // namespace tardigrad::test
