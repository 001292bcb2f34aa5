// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <span>

#include "engines/server_model.hpp"
#include "tardigrad/observer.hpp"
#include "tardigrad/run.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad {

/// Keeps states of a run, so that it can go on after it was broken off.
/// Thread  that of the loop
class StateStore {
 public:
  /// Saves the state of the run to an archive, or loads it from one.
  using Visit = std::function<void(Archive&)>;
  virtual ~StateStore() = default;
  /// Before the first event. False: there is nothing to go on from.
  virtual bool load(const Visit& visit) = 0;
  /// Before the first event of a run that begins.
  virtual void save_first(const Visit& /*visit*/, const Counters& /*counters*/) {}
  /// Between two events: shall the state be saved now?
  virtual bool wants_state(const Counters& counters) = 0;
  virtual void save(const Visit& visit, const Counters& counters) = 0;
  /// The run was interrupted, or has lost all its workers, and ends here.
  virtual void save_last(const Visit& visit, const Counters& counters) = 0;
  /// The run has met a stop condition, and could go on with a later one.
  virtual void save_end(const Visit& /*visit*/, const Counters& /*counters*/) {}
};

/// What may end a run from outside, and who watches.
struct DriveHooks {
  std::span<Observer* const> observers;
  const std::atomic<bool>* interrupted = nullptr;
  StateStore* keeper = nullptr;
};

/// The one loop that every runtime shares: takes events, asks the method, carries out its commands, counts, evaluates
/// and stops. An evaluation at time T sees all arrivals with time <= T. A run that stops at its target ends at the
/// evaluation that met it; only then does the loop wait for evaluations, and only in virtual time: in real time the run
/// goes on until the result is there, and evaluations for which there is no time are left out.
/// Checked at every event: time never goes back; no version from the future; assigned = applied + discarded +
/// cancelled + lost + not finite + in flight.
/// With a keeper that has a state, the run goes on from there, and ends as if it had never been broken off. One that
/// ended for want of workers gives those another chance that had failed or been put aside (Runtime::readmit).
/// Errors  Error when the runtime lacks what the method needs, before anything runs
/// Thread  the caller's
RunResult drive(const RunOptions& options, Runtime& runtime, Method& method, ServerModel& model,
                const DriveHooks& hooks = {});

}  // namespace tardigrad
