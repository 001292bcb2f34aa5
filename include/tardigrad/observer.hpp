// SPDX-License-Identifier: Apache-2.0
// Observers read, and never steer.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "tardigrad/method.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad {

/// One order that came to its end.
struct ArrivalRecord {
  Time time{};
  Order order{};            ///< worker, number, version computed at
  std::uint64_t delay = 0;  ///< versions passed since then: an integer, never a time
  /// ||g||; NaN when nobody looked at the gradient, so that it was perhaps never computed
  double norm = std::numeric_limits<double>::quiet_NaN();
  double coefficient = 0.0;  ///< what multiplied g in the update; 0 if it was not applied
  Outcome outcome = Outcome::applied;
  std::uint64_t updates = 0;  ///< versions made so far, this arrival's included
};

/// Running totals, counted in one place for every runtime.
/// Invariant  assigned == applied + discarded + cancelled + lost + not_finite + in flight
struct Counters {
  std::uint64_t assigned = 0, applied = 0, discarded = 0, cancelled = 0, lost = 0, not_finite = 0;
  std::uint64_t clipped = 0;                   ///< applied with ||g|| above the clip radius
  std::uint64_t updates = 0;                   ///< versions made
  std::uint64_t delay_sum = 0, delay_max = 0;  ///< over applied gradients
  /// What workers took, in seconds, for the orders that were applied; and for those that were discarded, not finite, or
  /// cancelled or lost on the way: worker time that bought nothing.
  double used_seconds = 0.0, wasted_seconds = 0.0;

  std::uint64_t arrived() const { return applied + discarded + not_finite; }
  double mean_delay() const { return applied ? static_cast<double>(delay_sum) / static_cast<double>(applied) : 0.0; }
};

struct EvaluationRecord {
  Time time{};
  Version version = 0;
  Counters counters{};
  std::vector<Metric> metrics = {};
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_arrival(const ArrivalRecord&) {}
  virtual void on_evaluation(const EvaluationRecord&) {}
  /// A decision of the method, in words.
  virtual void on_note(Time, const std::string& /*text*/) {}
  /// Something went wrong, and the run goes on.
  virtual void on_warning(Time time, const std::string& text) { on_note(time, text); }
};

}  // namespace tardigrad
