// SPDX-License-Identifier: Apache-2.0
// A runtime moves messages: it turns orders into arrivals, in some world, and knows no method.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tardigrad/method.hpp"
#include "tardigrad/params.hpp"

namespace tardigrad {

struct Event {
  enum class Kind : std::uint8_t { worker_joined, gradient_arrived, worker_lost, timer_fired };
  Kind kind;
  Time time{};
  WorkerId worker = 0;                 ///< joined, arrived, lost
  double examples = 1.0;               ///< joined: how much data it holds
  std::span<const Order> lost{};       ///< lost: its orders that will never arrive, with the time that each took so far
  std::string_view reason{};           ///< lost: "failed at order 7: ...", where something did; valid as `gradient` is
  bool put_aside = false;              ///< lost: by Runtime::put_aside
  TimerId timer{};                     ///< timer
  Order order{};                       ///< arrived
  const Gradient* gradient = nullptr;  ///< arrived; valid until the next call of `next`
};

/// What the runtime itself counts.
struct RuntimeCounters {
  std::uint64_t gradients_computed = 0;  ///< including those that nobody used
  std::uint64_t gradients_wasted = 0;    ///< computed, and not applied
  double utilisation = 0.0;              ///< busy worker time / (workers x elapsed time), in [0, 1]
  // Where workers are real and keep a pace:
  std::uint64_t paced = 0;    ///< orders that came to their end
  std::uint64_t late = 0;     ///< those of them that took longer than their pace, by more than a twentieth
  Time pace{}, paced_time{};  ///< what the paced orders were to take, in all, and what they took
};

enum class EvaluationId : std::uint64_t {};

/// Evaluates beside the run, and never changes it.
/// Thread  that of the run; nothing blocks but `take`
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  virtual EvaluationId start(const Snapshot& snapshot) = 0;
  /// Whether `take` would not wait.
  virtual bool ready(EvaluationId id) = 0;
  /// Waits for the result and forgets it.  Errors  what the problem threw
  virtual std::vector<Metric> take(EvaluationId id) = 0;
};

/// A part of a run that can be saved, and go on in an object that is made anew from the same scenario.
class Saveable {
 public:
  /// Saves or loads what events to come depend on. Between two events, or before the first.
  virtual void serialize(Archive& archive) = 0;

 protected:
  ~Saveable() = default;
};

/// What every runtime promises, and tests/contract asks of all of them:
///   joins     Every worker joins before it is lost, and is lost before it joins again; at time 0 those who are there
///             join first, in the order of their numbers.
///   orders    An order that was assigned comes to its end once: it arrives, is given back by `cancel`, or is among the
///             `lost` of its worker's loss. A worker works its orders off in the order in which they were given, and
///             its k-th has the index of its k-th gradient.
///   gradient  What arrives was computed at the snapshot that the order came with. What the problem threw in its place
///             is known by `failure`; nothing that a problem throws leaves `next`.
///   time      Never goes back. An event has the time now().
/// What it may count on: `assign` names a worker that is there, `cancel` and `put_aside` too; a Gradient is read before
/// the next call of `next`; nobody calls it from within one of its own calls.
/// Thread   that of the loop, for every member; which others it uses is its own affair
/// Blocks   `next`, up to the limit in virtual time and for some milliseconds in real time; reading a gradient, while
/// it
///          is computed; comes_to_rest, for as long as it is told to; Evaluator::take. Nothing else waits for a worker
/// Errors   Error from `next` and `assign` where the world fails in a way that no worker answers for (no thread can be
///          started); a broken promise of its caller is a bug (TG_CHECK)
class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual Capabilities capabilities() const = 0;
  virtual Time now() const = 0;
  /// True when time passes by itself: `next` waits, and what is not asked for in time is late.
  virtual bool real_time() const { return false; }
  /// The next event with time <= limit, or nothing. Then nothing will ever come (`idle()`), or the limit has been
  /// reached (now() == limit; in real time now() >= limit), or, in real time only, nothing has come yet: a runtime
  /// returns every few milliseconds (now() < limit), so that its caller can look at other things.
  /// Order  by time, and, in virtual time, by order number; at time 0 first the workers join, in the order of their
  /// numbers.
  virtual std::optional<Event> next(Time limit) = 0;
  /// True when no order is in flight, no timer set and nobody will join: without a command nothing will happen. Timers
  /// do not count where nobody is there to be given an order.
  virtual bool idle() const = 0;
  virtual OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) = 0;
  /// Problem::steps_per_epoch of the problem that is computed.
  virtual std::uint64_t steps_per_epoch(WorkerId /*worker*/) const { return 0; }
  /// Drops the orders of a worker, running and queued, and appends them to `cancelled`, with the time that each took so
  /// far.
  virtual void cancel(WorkerId worker, std::vector<Order>& cancelled) = 0;
  virtual void set_timer(TimerId timer, Time after) = 0;
  /// Takes a worker out of the run, for good unless it is readmitted: the next event says that it was lost, with its
  /// orders, and `reason`. Pre  it has brought the arrival that was handed out last
  virtual void put_aside(WorkerId /*worker*/, std::string /*reason*/) { TG_CHECK(false, "nobody can be put aside"); }
  /// Those who failed or were put aside, and are not to return by themselves, join again, in the order of their
  /// numbers. Pre  idle(), and nobody is there
  virtual void readmit() {}
  /// What was thrown in the place of the gradient of the arrival handed out last, in words; "": nothing. It is known
  /// when the gradient was looked at, and the norm of such a gradient is NaN.
  virtual std::string_view failure() const { return {}; }
  /// Orders of an older version will be discarded: they need not be computed.
  virtual void set_oldest_useful_version(Version version) = 0;
  virtual std::size_t in_flight() const = 0;
  virtual RuntimeCounters counters() const = 0;
  /// The run is over, but for evaluations: no event will be asked for.
  virtual void wind_down() {}
  /// After wind_down: waits until no thread of the runtime is in the problem's hands, for `timeout` of real time at
  /// most. Returns whether none is. Where one is, the runtime must not be destroyed, nor what it was made from.
  virtual bool comes_to_rest(std::chrono::nanoseconds /*timeout*/) { return true; }

  virtual Evaluator& evaluator() = 0;
  /// How a run is saved, evaluations apart; null: a run in this runtime cannot be.
  virtual Saveable* saveable() { return nullptr; }
};

}  // namespace tardigrad
