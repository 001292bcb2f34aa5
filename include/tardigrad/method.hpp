// SPDX-License-Identifier: Apache-2.0
// A method is a deterministic state machine that does not know where it runs: events in, commands
// out. It never reads a clock, opens a socket, starts a thread, or logs.
#pragma once

#include <cstdint>
#include <vector>

#include "tardigrad/order.hpp"
#include "tardigrad/types.hpp"

namespace tardigrad {

/// A work vector of the model, by number.
enum class VectorId : std::uint32_t {};
enum class TimerId : std::uint32_t {};

/// The parameters x in R^d as a method sees them: scalars decide, vectors follow. Every call is
/// one pass over d floats; `step` and `step_and_clear` make the next version.
class Model {
 public:
  virtual ~Model() = default;
  virtual Version version() const = 0;
  virtual std::size_t dimension() const = 0;
  /// x <- x - coefficient * g
  virtual void step(double coefficient, const Gradient& gradient) = 0;
  /// A new work vector v = 0 in R^d.
  virtual VectorId make_vector() = 0;
  /// v <- v + coefficient * g
  virtual void accumulate(VectorId vector, double coefficient, const Gradient& gradient) = 0;
  /// x <- x - coefficient * v, then v <- 0
  virtual void step_and_clear(double coefficient, VectorId vector) = 0;
};

struct Command {
  enum class Kind : std::uint8_t { assign, cancel, set_timer, stop };
  Kind kind;
  WorkerId worker = 0;
  TimerId timer{};
  Time after{};
};

/// What a method wants done, carried out in this order after the event was handled.
class Commands {
 public:
  /// Give `worker` an order at the version that the model has when the event has been handled.
  /// A busy worker queues it (needs.queues).
  void assign(WorkerId worker) { list_.push_back({.kind = Command::Kind::assign, .worker = worker}); }
  /// Drop all orders of `worker`, running and queued (needs.cancel).
  void cancel(WorkerId worker) { list_.push_back({.kind = Command::Kind::cancel, .worker = worker}); }
  /// Have `on_timer(timer)` called after this much time of the runtime's clock (needs.timers).
  void set_timer(TimerId timer, Time after) {
    list_.push_back({.kind = Command::Kind::set_timer, .timer = timer, .after = after});
  }
  void stop() { list_.push_back({.kind = Command::Kind::stop}); }

  const std::vector<Command>& list() const { return list_; }
  void clear() { list_.clear(); }

 private:
  std::vector<Command> list_;
};

/// What became of an arrival.
enum class Outcome : std::uint8_t {
  applied,     ///< it changed x, or a sum that will
  discarded,   ///< too late for this method
  cancelled,   ///< its order was withdrawn before it arrived
  lost,        ///< its worker vanished
  not_finite,  ///< infinity or NaN in it: never applied
};

struct Decision {
  Outcome outcome = Outcome::applied;
  /// The number that multiplies g in the update: step size x weight x min(1, c/||g||); 0 if discarded.
  double coefficient = 0.0;
  bool clipped = false;  ///< ||g|| was above the clip radius
};

/// What a method needs from its runtime, checked before the run starts.
struct Needs {
  bool cancel = false;
  bool queues = false;
  bool timers = false;
};

/// Order    events come one at a time, in the order of their time and, at one instant, of assignment.
/// Thread   server loop only.
class Method {
 public:
  virtual ~Method() = default;
  virtual Needs needs() const = 0;
  virtual void on_worker_joined(WorkerId worker, Commands& commands) = 0;
  virtual Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) = 0;
  /// `orders_lost` of its orders will never arrive.
  virtual void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) = 0;
  virtual void on_timer(TimerId, Model&, Commands&) {}
  /// An order of an older version will be discarded whatever happens: nobody need compute it.
  /// Must never decrease.
  virtual Version oldest_useful_version() const { return 0; }
};

}  // namespace tardigrad
