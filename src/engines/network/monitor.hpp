// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engines/network/status.hpp"
#include "tardigrad/observer.hpp"

namespace tardigrad::network {

/// Something that whoever runs the coordinator may want to read later.
struct ServeEvent {
  enum class Kind : std::uint8_t {
    started,            ///< workers may come: `address`
    begun,              ///< so many are there as it was to begin with
    joined,             ///< worker
    lost,               ///< worker, reason, how many orders with it, and the one that it failed at
    left,               ///< worker: it said goodbye
    put_aside,          ///< worker, reason
    refused,            ///< a connection, reason; worker: as it called itself, ""
    trouble,            ///< reason: of tokens, and others
    checkpoint,         ///< written
    checkpoint_failed,  ///< reason
    ended               ///< reason
  } kind;
  std::string worker = {};  ///< visible
  std::string reason = {};
  std::string text = {};                     ///< refused: in words
  std::optional<std::uint64_t> order = {};   ///< at which it failed: the run's number
  std::optional<std::uint64_t> orders = {};  ///< lost with it
  std::optional<std::uint64_t> epoch = {}, version = {};
  std::optional<WorkerId> number = {};  ///< the worker's
  std::optional<double> examples = {};  ///< joined: how many it draws from
};
const char* name_of(ServeEvent::Kind kind);
/// Of a worker that comes or goes, and of trouble: a line for people.
std::string in_words(const ServeEvent& event);

/// What is to be seen of a run that serves workers, while it goes on and afterwards: the runtime tells who is there,
/// and the loop, as to any observer, what became of what they brought. Cost    an arrival: a lock that nobody else
/// holds for long, and a look at the clock Thread  `status`, `report`: any; others: the run's
class Monitor final : public Observer {
 public:
  using Sink = std::function<void(const ServeEvent&)>;
  struct Names {
    std::string program, method, problem;
  };
  explicit Monitor(Names names = {}) : names_(std::move(names)) {}

  void set_names(Names names);

  /// Asks the runtime, and so waits for its mutex: it must not be called under it.
  Status status() const;

  /// Where events go. `sink` is called on the thread that reports, perhaps under the runtime's mutex: it must not wait.
  /// Before the run; an empty one when the sink goes: waits until nobody is in it.
  void set_sink(Sink sink);
  void report(const ServeEvent& event);

  /// `fill` says who is there; any thread calls it, until `detach` has returned.
  void attach(std::function<void(Status&)> fill);
  /// What it says now stays.
  void detach();

  void on_arrival(const ArrivalRecord& record) override;
  void on_evaluation(const EvaluationRecord& record) override;

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Figures {
    ArrivalFigures arrivals;
    double order_seconds = 0.0;  // typical, and
    double pause = 0.0;          // real s between two arrivals
    std::uint64_t count = 0;
    Instant last = {};
  };
  void add_figures(Status& status) const;

  mutable std::mutex source_mutex_;  // while the runtime is asked; taken before the other, and before the runtime's
  std::function<void(Status&)> fill_;
  mutable Status last_;
  mutable Instant asked_ = {};

  std::mutex sink_mutex_;
  Sink sink_;

  mutable std::mutex mutex_;  // of what follows; nothing else is called under it
  Names names_;
  ArrivalFigures all_;
  std::vector<Figures> workers_;
  std::uint64_t version_ = 0;
  std::optional<LastEvaluation> evaluation_;
  std::uint64_t checkpoints_ = 0, checkpoints_failed_ = 0;
  std::optional<Instant> last_checkpoint_;
};

}  // namespace tardigrad::network
