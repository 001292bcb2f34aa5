// SPDX-License-Identifier: Apache-2.0
// Time as the protocol uses it. Clocks are handed in, and are not believed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "tardigrad/rng.hpp"
#include "tardigrad/types.hpp"

namespace tardigrad::wire {

/// The time that this machine was awake: what it is told by a clock that may jump. A step back counts as nothing, and
/// a step of more than `most_step` as `most_step`: who was not called for an hour has slept, and knows nothing about
/// the silence of others in that hour. It is called at least every `most_step / 2`.
class OwnClock {
 public:
  explicit OwnClock(Time most_step) : most_step_(most_step) {}
  Time advance(Time now) {
    if (last_) elapsed_ += std::clamp(now - *last_, Time{0}, most_step_);
    last_ = now;
    return elapsed_;
  }
  Time elapsed() const { return elapsed_; }
  void set_most_step(Time most_step) { most_step_ = most_step; }

 private:
  Time most_step_;
  Time elapsed_{};
  std::optional<Time> last_;
};

/// When is a peer that says nothing lost? After `lost_after` times its typical silence, which is that of Jacobson's
/// estimator of round trips (SIGCOMM 1988): mean + 4 mean deviations, with the gains 1/8 and 1/4; never less than the
/// heartbeat interval, and never more than ten of it, so that nobody can stretch it.
class Liveness {
 public:
  Liveness() = default;
  Liveness(Time heartbeat, std::uint32_t lost_after, Time now)
      : heartbeat_(heartbeat), lost_after_(lost_after), mean_(heartbeat), heard_(now) {}
  void hear(Time now) {
    const Time silence = std::min(now - heard_, kMost * heartbeat_);
    const Time error = silence - mean_;
    mean_ += error / 8;
    deviation_ += ((error < Time{0} ? -error : error) - deviation_) / 4;
    heard_ = now;
  }
  /// Nothing was heard, and nothing is held against it.
  void excuse(Time now) { heard_ = now; }
  Time typical_silence() const { return std::clamp(mean_ + 4 * deviation_, heartbeat_, kMost * heartbeat_); }
  Time heard() const { return heard_; }
  Time lost_at() const { return heard_ + static_cast<std::int64_t>(lost_after_) * typical_silence(); }
  bool lost(Time now) const { return now >= lost_at(); }

 private:
  static constexpr int kMost = 10;
  Time heartbeat_{};
  std::uint32_t lost_after_ = 1;
  Time mean_{}, deviation_{};
  Time heard_{};
};

/// How long to wait before the next try: doubled with each failure up to a limit, and then anything between half of it
/// and all, so that many who lost the same peer do not come back at once.
class BackOff {
 public:
  BackOff(Time least, Time most, Stream stream) : least_(least), most_(most), next_(least), stream_(stream) {}
  Time next() {
    const Time wait = next_;
    next_ = std::min(2 * next_, most_);
    const Time half = wait / 2;
    return half + Time{static_cast<Time::rep>(stream_.below(static_cast<std::uint64_t>(half.count()) + 1))};
  }
  void reset() { next_ = least_; }

 private:
  Time least_, most_, next_;
  Stream stream_;
};

}  // namespace tardigrad::wire
