// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <span>

#include "engines/server_model.hpp"
#include "tardigrad/observer.hpp"
#include "tardigrad/run.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad {

/// What may end a run from outside, and who watches.
struct DriveHooks {
  std::span<Observer* const> observers;
  const std::atomic<bool>* interrupted = nullptr;
};

/// The one loop that every runtime shares: takes events, asks the method, carries out its commands, counts, evaluates
/// and stops. An evaluation at time T sees all arrivals with time <= T. A run that stops at its target ends at the
/// evaluation that met it; only then does the loop wait for evaluations.
/// Checked at every event: time never goes back; no version from the future; assigned = applied + discarded +
/// cancelled + lost + not finite + in flight.
/// Errors  Error when the runtime lacks what the method needs, before anything runs
/// Thread  the caller's
RunResult drive(const RunOptions& options, Runtime& runtime, Method& method, ServerModel& model,
                const DriveHooks& hooks = {});

}  // namespace tardigrad
