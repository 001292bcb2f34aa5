// SPDX-License-Identifier: Apache-2.0
// What a scenario may say of a run in a runtime without a server. Its workers share x, and nobody serves: all that a
// server, orders or a pace would need has no effect there, and is a mistake.
#pragma once

#include <cstddef>
#include <functional>

#include "engines/runtime_row.hpp"
#include "experiment/run_plan.hpp"
#include "methods/catalogue.hpp"
#include "tardigrad/settings.hpp"
#include "tardigrad/types.hpp"

namespace tardigrad {

/// [workers]: count alone.
/// Errors  Error for anything that would make workers differ, wait or vanish
std::size_t read_equal_workers(Settings& workers, const RuntimeRow& runtime);

/// [method]: the step size of the t-th update, from vanilla-asgd's step_size and schedule.
/// Errors  Error for another method, and for a setting that has a meaning only for a server
std::function<double(Version)> read_serverless_step_size(Settings& method, const RuntimeRow& runtime,
                                                         const methods::MethodCatalogue& methods);

/// [run], as it was read.
/// Errors  Error for what needs somebody who sees it all: events, a recording, checkpoints
void check_serverless_run(const Settings& run, const RunPlan& plan);

}  // namespace tardigrad
