// SPDX-License-Identifier: Apache-2.0
// When a run ends, and what it ends with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tardigrad/observer.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad {

/// A metric and the threshold to reach. One evaluation that meets it may be luck, of the noise, so that more of them in
/// a row can be asked for.
struct Target {
  std::string metric;
  double threshold = 0.0;
  enum class Direction : std::uint8_t { at_most, at_least } direction = Direction::at_most;
  std::uint64_t hold = 1;  ///< the target is reached by so many evaluations in a row that meet the threshold
  bool met_by(double value) const { return direction == Direction::at_most ? value <= threshold : value >= threshold; }
};

/// The first condition that is met ends the run.
struct StopConditions {
  std::optional<std::uint64_t> updates = {};
  std::optional<std::uint64_t> gradients = {};  ///< gradients delivered to the server, used or not
  std::optional<Time> time = {};
  bool at_target = false;
};

/// Evaluations happen at time 0, at every multiple, and at the end.
struct EvaluateEvery {
  std::optional<Time> time = {};
  std::optional<std::uint64_t> updates = {};
};

/// When an evaluation shows that a run has left all reason, though its numbers may be finite; both factors may be
/// infinite. Where an evaluation, or x, is not finite it has in any case.
struct DivergedWhen {
  double loss_factor = 1e3;      ///< the metric `loss` is above so many times max(|loss at the start|, 1)
  double distance_factor = 1e6;  ///< ||x|| is above so many times max(||x at the start||, sqrt(d))
};

struct RunOptions {
  StopConditions stop = {};
  EvaluateEvery evaluate_every = {};
  std::optional<Target> target = {};
  std::uint64_t seed = 1;  ///< for messages only: the streams hold their own
  DivergedWhen diverged_when = {};
  /// A worker that brings so many gradients in a row that are not finite is put aside; 0: never, and such gradients
  /// never end a run.
  std::uint64_t put_aside_after = 3;
};

enum class StopReason : std::uint8_t {
  updates,      ///< stop.updates reached
  gradients,    ///< stop.gradients reached
  time,         ///< stop.time reached: the cap
  target,       ///< the target was reached
  diverged,     ///< x, the loss or most gradients are not finite, or the loss or x is out of all proportion
  interrupted,  ///< Ctrl-C
  method,       ///< the method asked for it
  idle,         ///< nothing in flight and nobody will give an order
  no_workers,   ///< all workers are lost, and none will return
};

const char* name_of(StopReason reason);
const char* name_of(Outcome outcome);

/// An evaluation, by when it was.
struct Moment {
  Time time{};
  Version version = 0;
  bool operator==(const Moment&) const = default;
};

/// How the evaluations of a run stand to the threshold of its target.
struct TargetHits {
  std::optional<Moment> first;  ///< the first that met it
  /// The first of those in a row that met it until the end of the run, where they are at least `hold`: from then on it
  /// was met. Of a run that is under way: until now.
  std::optional<Moment> lasting;
  std::uint64_t later = 0, later_met = 0;  ///< evaluations after the first that met it; those of them that met it too

  std::uint64_t in_a_row = 0;  ///< that met it last, and
  Moment row_began = {};       ///< the first of them
};

struct RunResult {
  StopReason reason = StopReason::idle;
  Time time{};  ///< on the runtime's clock
  Counters counters;
  RuntimeCounters runtime;
  std::uint64_t put_aside = 0;  ///< workers that brought infinity or NaN, again and again
  std::vector<EvaluationRecord> evaluations;
  /// Time and version of the first of the first `hold` evaluations in a row that met the target.
  std::optional<Time> time_to_target;
  std::optional<Version> updates_to_target;
  TargetHits hits;             ///< nothing in it where there is no target
  std::vector<Metric> method;  ///< the method's own figures
  /// Hash of every arrival and of the final parameters: 32 hexadecimal digits.
  std::string digest;
  double wall_seconds = 0.0;
};

}  // namespace tardigrad
