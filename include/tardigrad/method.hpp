// SPDX-License-Identifier: Apache-2.0
// A method is a deterministic state machine that does not know where it runs: events in, commands
// out. It never reads a clock, opens a socket, starts a thread, or logs.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "tardigrad/archive.hpp"
#include "tardigrad/order.hpp"
#include "tardigrad/params.hpp"
#include "tardigrad/types.hpp"
#include "tardigrad/vectors.hpp"

namespace tardigrad {

enum class TimerId : std::uint32_t {};

/// How the tensors of the model are measured by Model::steepest_ascent.
enum class Geometry : std::uint8_t {
  euclidean,  ///< vectors and everything else: v/||v||_2
  sign,       ///< input and output layers: sign(v), the unit ball of the maximum norm
  spectral,   ///< hidden matrices [rows, columns]: U V^T sqrt(max(1, rows/columns)) by Newton-Schulz
  identity,   ///< left alone: v
};

/// The parameters x in R^d as a method sees them: scalars decide, vectors follow.
/// Thread  server loop only
class Model {
 public:
  virtual ~Model() = default;
  virtual Version version() const = 0;
  virtual std::size_t dimension() const = 0;
  virtual const Layout& layout() const = 0;
  /// A new work vector v = 0 in R^d.
  virtual Vec make_vector() = 0;
  /// How many work vectors were made.
  virtual std::size_t vectors() const = 0;
  /// Executes a program. `gradient` is what vec::kGradient and vec::kPoint stand for in it.
  virtual void run(const VectorProgram& program, const Gradient* gradient = nullptr) = 0;
  /// ||p - q||_2^2 in double precision; q may be none: ||p||_2^2.
  virtual double squared_distance(Vec p, Vec q = {}, const Gradient* gradient = nullptr) = 0;
  /// squares[i] = ||p restricted to tensor i of the layout||_2^2.  Shapes  squares: [tensors]
  virtual void tensor_squared_norms(std::span<double> squares, Vec p, const Gradient* gradient = nullptr) = 0;
  /// out = factors[i] * p on tensor i, for every tensor.  Pre  out is a work vector.  Shapes  factors: [tensors]
  virtual void scale_tensors(Vec out, std::span<const double> factors, Vec p, const Gradient* gradient = nullptr) = 0;
  /// out = the steepest ascent direction of p in the unit ball of each tensor's geometry, that is minus its linear
  /// minimisation oracle.  Returns  <p, out>, in double precision: the sum of the tensors' dual norms of p.
  /// Pre  out and p are work vectors, maybe the same.  Shapes  geometries: [tensors]
  virtual double steepest_ascent(Vec out, std::span<const Geometry> geometries, Vec p) = 0;

  /// x <- x - coefficient * v
  void step(double coefficient, Vec v, const Gradient* gradient = nullptr) {
    VectorProgram program;
    program.add(vec::kModel, vec::kModel, -coefficient, v);
    run(program, gradient);
  }
};

struct Command {
  enum class Kind : std::uint8_t { assign, cancel, set_timer, note, stop };
  Kind kind;
  WorkerId worker = 0;
  LocalWork work = {};
  TimerId timer{};
  Time after{};
  std::uint32_t note = 0;  ///< its place in Commands::notes
};

/// What a method wants done, carried out in this order after the event was handled.
class Commands {
 public:
  /// Give `worker` an order at the version that the model has when the event has been handled.
  /// A busy worker queues it (capabilities.queues).
  void assign(WorkerId worker, const LocalWork& work = {}) {
    list_.push_back({.kind = Command::Kind::assign, .worker = worker, .work = work});
  }
  /// Drop all orders of `worker`, running and queued (capabilities.cancel).
  void cancel(WorkerId worker) { list_.push_back({.kind = Command::Kind::cancel, .worker = worker}); }
  /// Have `on_timer(timer)` called after this much time of the runtime's clock (capabilities.timers).
  void set_timer(TimerId timer, Time after) {
    list_.push_back({.kind = Command::Kind::set_timer, .timer = timer, .after = after});
  }
  /// A decision worth telling the reader of the event log, in words.
  void note(std::string text) {
    list_.push_back({.kind = Command::Kind::note, .note = static_cast<std::uint32_t>(notes_.size())});
    notes_.push_back(std::move(text));
  }
  void stop() { list_.push_back({.kind = Command::Kind::stop}); }

  const std::vector<Command>& list() const { return list_; }
  const std::vector<std::string>& notes() const { return notes_; }
  void clear() {
    list_.clear();
    notes_.clear();
  }

 private:
  std::vector<Command> list_;
  std::vector<std::string> notes_;  // beside the list: a command without a text is a handful of words
};

/// What became of an arrival.
enum class Outcome : std::uint8_t {
  applied,     ///< it changed x, or a sum that will
  discarded,   ///< too late for this method
  cancelled,   ///< its order was withdrawn before it arrived
  lost,        ///< its worker vanished
  not_finite,  ///< infinity or NaN in it: never applied
};

/// Why a gradient was discarded, in words: "its delay must be below 8; it is 12".
struct Reason {
  const char* rule = "";  ///< "its delay must be below", or a whole sentence where there are no numbers
  double limit = std::numeric_limits<double>::quiet_NaN();
  double value = std::numeric_limits<double>::quiet_NaN();  ///< none: more than the limit, by an unknown amount
};

struct Decision {
  Outcome outcome = Outcome::applied;
  /// The number that multiplies g in the update: step size x weight x min(1, c/||g||); 0 if discarded.
  double coefficient = 0.0;
  bool clipped = false;  ///< ||g|| was above the clip radius
  // For people who ask why; nothing is decided by them, and no digest holds them.
  double step = std::numeric_limits<double>::quiet_NaN();  ///< the step size in the coefficient
  double weight = 1.0;  ///< and the weight; what is left is of clipping or correction
  Reason reason = {};   ///< why it was discarded
};

/// What a method needs from its runtime, checked before the run starts.
struct Capabilities {
  bool cancel = false;
  bool queues = false;
  bool timers = false;
  bool local_steps = false;
  bool points = false;  ///< the parameters of orders in flight are kept until they arrive: Gradient::point
};

/// Who joins.
struct WorkerInfo {
  WorkerId id = 0;
  double examples = 1.0;  ///< how much data it holds; 1 for everybody where that means nothing
};

/// What a method is told, and what it may do. The loop (engines/drive.cpp) checks what it can at every event.
///   events    Come one at a time, in the order of their time and, at one instant, of assignment. A worker joins before
///             it brings anything; after it was lost nothing of it arrives until it joins again.
///   versions  An event makes at most one new version of x: at most one program that writes x is run in it.
///   outcomes  on_gradient calls an arrival applied, discarded or not finite; `cancelled` and `lost` are the loop's own
///             words. Applied is what changed x, or a sum that will; what is not finite is applied with coefficient 0
///             or not at all.
///   commands  Are carried out in their order after the event. Orders go to workers that are there; to one that has
///             some already only with Capabilities::queues. Nothing that Capabilities does not ask for is used.
///   state     What an event may change is in `serialize`. Two methods of equal settings that see equal events make
///             equal decisions, to the last bit: no clock, no generator of its own, no thread, no file.
/// Thread   server loop only
/// Blocks   nothing waits, but a gradient that is read (Gradient)
/// Errors   none: a decision is an outcome. A broken promise is a bug (TG_CHECK)
class Method {
 public:
  virtual ~Method() = default;
  virtual Capabilities required_capabilities() const = 0;
  virtual void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) = 0;
  virtual Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) = 0;
  /// It vanished, and `orders_lost` of its orders will never arrive. It may join again.
  virtual void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) = 0;
  virtual void on_timer(TimerId, Model&, Commands&) {}
  /// An order of an older version will be discarded whatever happens: nobody need compute it.
  /// Must never decrease.
  virtual Version oldest_useful_version() const { return 0; }
  /// Saves or loads everything that an event may change, and nothing else (Archive). A method of the same settings that
  /// was loaded goes on as this one would, to the last bit: tests/property/checkpoint_test.cpp tries it at every event.
  /// Called between two events.
  virtual void serialize(Archive& archive) = 0;
  /// Numbers of the method's own for the summary of the run: ("epsilon", 3.2), ("clip_radius", 0.8).
  virtual std::vector<Metric> figures() const { return {}; }
};

}  // namespace tardigrad
