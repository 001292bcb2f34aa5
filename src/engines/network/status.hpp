// SPDX-License-Identifier: Apache-2.0
// How a run that serves workers stands at an instant, as a value, and how it is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engines/wire/coordinator.hpp"
#include "tardigrad/observer.hpp"

namespace tardigrad::network {

/// Of gradients that arrived since this start of the coordinator.
struct ArrivalFigures {
  std::uint64_t applied = 0, discarded = 0, not_finite = 0;
  std::uint64_t delay_sum = 0, delay_max = 0;  ///< versions; of those that were applied or discarded
  double mean_delay() const {
    const std::uint64_t count = applied + discarded;
    return count ? static_cast<double>(delay_sum) / static_cast<double>(count) : 0.0;
  }
  bool operator==(const ArrivalFigures&) const = default;
};

struct WorkerStatus {
  std::string name;  ///< visible
  enum class State : std::uint8_t {
    away,      ///< never came, was lost, or left
    present,   ///< takes part
    put_aside  ///< and is not let in
  } state = State::away;
  bool connected = false;
  wire::OrderCounters orders = {};  ///< of the run, earlier starts included
  std::uint64_t in_flight = 0;
  ArrivalFigures arrivals = {};
  double rate = 0.0;                           ///< arrivals a real second
  std::optional<double> order_seconds = {};    ///< s of the run that an order takes, typically; nothing: none came
  std::optional<double> silence = {};          ///< real s since it was heard; of one that is present
  std::optional<double> typical_silence = {};  ///< real s
  bool operator==(const WorkerStatus&) const = default;
};

const char* name_of(WorkerStatus::State state);

/// How often somebody or something was refused, by the name of the reason.
struct RefusalCount {
  std::string reason;
  std::uint64_t count = 0;
  bool operator==(const RefusalCount&) const = default;
};

struct CheckpointFigures {
  std::uint64_t written = 0, failed = 0;  ///< since this start
  std::optional<double> age = {};         ///< real s since the last one
  bool operator==(const CheckpointFigures&) const = default;
};

struct LastEvaluation {
  double time = 0.0;  ///< s of the run
  std::uint64_t version = 0;
  std::vector<Metric> metrics = {};
  bool operator==(const LastEvaluation& other) const;
};

struct Status {
  enum class Phase : std::uint8_t {
    preparing,  ///< nobody can come yet
    waiting,    ///< for as many workers as it is to begin with
    running,
    over
  } phase = Phase::preparing;
  std::string program, method, problem;  ///< version; names
  std::uint64_t epoch = 0;               ///< of this start of the coordinator, from 1; 0: without a directory
  double uptime = 0.0;                   ///< real s since this start
  std::uint64_t version = 0;             ///< updates so far
  std::uint64_t at_start = 0, most_workers = 0;
  std::uint64_t present = 0, connections = 0;
  double lost_after = 0.0;           ///< real s that nobody may be there, or the server's thread be silent
  std::optional<double> alone = {};  ///< real s for which nobody was there
  double server_silence = 0.0;       ///< real s since the server's thread looked
  bool outdated = false;             ///< a worker has seen a later start of the coordinator
  wire::OrderCounters orders = {};   ///< of all workers
  std::uint64_t in_flight = 0;
  ArrivalFigures arrivals = {};
  std::uint64_t received_bytes = 0, sent_bytes = 0;  ///< of gradients and parameters, since this start
  std::uint64_t acknowledged_again = 0;
  std::vector<RefusalCount> refusals = {};  ///< every reason, in the order of the protocol; since this start
  CheckpointFigures checkpoints = {};
  std::optional<LastEvaluation> evaluation = {};
  std::vector<WorkerStatus> workers = {};
  bool operator==(const Status&) const = default;
};

const char* name_of(Status::Phase phase);
/// One word, for labels and keys.
const char* name_of(wire::Refusal reason);

/// Why the run makes no progress, in words; "": it does, as far as can be told.
std::string complaint(const Status& status);

/// One line of JSON, with a "format".
std::string to_json(const Status& status);
/// `from`: how messages call who said it.
/// Errors  Error "FROM: ..." for what is no status, or one of another format
Status parse_status(const std::string& text, const std::string& from);

/// Prometheus' text format, version 0.0.4.
std::string to_prometheus(const Status& status);

}  // namespace tardigrad::network
