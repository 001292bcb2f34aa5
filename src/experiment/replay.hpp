// SPDX-License-Identifier: Apache-2.0
// A recorded run, gone through again: every gradient is computed anew and compared, and so is the end.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "engines/drive.hpp"
#include "engines/replay/replayer.hpp"
#include "engines/replay/tracing_method.hpp"
#include "experiment/recorded_run.hpp"

namespace tardigrad {

/// An event that is asked for by its number, or by the order that it ended.
struct EventQuery {
  bool by_order = false;
  std::uint64_t number = 0;  ///< of the event (1, 2, ...), or of the order (0, 1, ...)
};

struct FoundEvent {
  std::optional<std::uint64_t> event = {};  ///< nothing: it is not in the recording
  std::optional<Order> order = {};          ///< one that did not come back: lost or cancelled by the event
  bool in_flight = false;                   ///< the order was given out, and had not ended when the recording did
  std::uint64_t events = 0;                 ///< that were looked at: all, where nothing was found
};

FoundEvent find_event(record::RecordingReader recording, const EventQuery& query);

/// A replay that came to its end.
struct Replay {
  RunResult result;
  std::optional<record::RecordedEvent> last = {};
  std::map<OrderId, Order> in_flight = {};
  double norm = 0.0;              ///< ||x||
  replay::EventTrace trace = {};  ///< of event `until`
  record::RecordingReader::Status state = record::RecordingReader::Status::reading;
  std::string trouble = {};  ///< of a recording that is torn or damaged: how
  std::optional<record::RecordedEnd> end = {};

  bool damaged() const { return state == record::RecordingReader::Status::damaged; }
  const std::vector<Metric>& last_metrics() const { return result.evaluations.back().metrics; }
};

/// Replays up to the event `until`, or all, and then compares the end as well: its digest, and the metrics of the
/// summary.
/// Errors  replay::Difference at the first event that is not as recorded, or at the end
Replay replay_run(const RecordedRun& run, std::optional<std::uint64_t> until = {});

}  // namespace tardigrad
