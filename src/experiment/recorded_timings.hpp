// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "record/recording_reader.hpp"
#include "tardigrad/observer.hpp"
#include "timing/recorded.hpp"

namespace tardigrad {

/// What a recording tells of the world that it was made in, and of what happened in it.
struct RecordedTimings {
  std::shared_ptr<timing::RecordedTimes> compute_time;
  std::shared_ptr<timing::RecordedAvailability> availability;
  Counters counters = {};
  Time end{};          ///< of what was recorded
  bool ended = false;  ///< the run ended, and not because somebody broke it off
};

/// What is between an order's being given and its arrival, and is not its compute time, is its turn-around: the way to
/// the worker and back, and waiting for the server. With both the recorded method meets its arrivals at their times
/// again. An order of K local steps is taken to have spent a K-th of its time on each.
RecordedTimings read_timings(record::RecordingReader recording, std::size_t workers);

}  // namespace tardigrad
