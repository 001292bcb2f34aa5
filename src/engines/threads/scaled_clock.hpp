// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>

#include "tardigrad/types.hpp"

namespace tardigrad::threads {

using Instant = std::chrono::steady_clock::time_point;

/// The time of a run: real time since its start, divided by `scale`, so that a run of hours by its scenario's figures
/// can be had in minutes. A run that goes on starts at the time at which it was saved: that nobody ran it in between
/// does not count.
/// Thread  any, once started
class ScaledClock {
 public:
  /// scale: real seconds that a second of the run takes.
  explicit ScaledClock(double scale = 1.0) : scale_(scale) {}

  void start(Time from) {
    start_ = std::chrono::steady_clock::now();
    from_ = from;
  }
  Time now() const {
    const Time real = std::chrono::steady_clock::now() - start_;
    return from_ + (scale_ == 1.0 ? real : from_seconds(to_seconds(real) / scale_));
  }
  /// When it will be `time`; in thirty years at the latest, which every arithmetic stands.
  Instant at(Time time) const {
    const Time left = time - from_;
    const double seconds = std::min(to_seconds(left) * scale_, 1e9);
    return start_ + (scale_ == 1.0 && seconds < 1e9 ? left : from_seconds(seconds));
  }

 private:
  Instant start_{};
  Time from_{};
  double scale_;
};

}  // namespace tardigrad::threads
