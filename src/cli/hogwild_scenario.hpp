// SPDX-License-Identifier: Apache-2.0
// What a scenario may say of a run with runtime = "hogwild". Its workers share x, and nobody serves: all that a server,
// orders or a pace would need has no effect there, and is a mistake.
#pragma once

#include <cstddef>
#include <functional>

#include "cli/scenario.hpp"
#include "tardigrad/settings.hpp"
#include "tardigrad/types.hpp"

namespace tardigrad::cli {

/// [workers]: count alone.
/// Errors  Error for anything that would make workers differ, wait or vanish
std::size_t read_hogwild_workers(Settings& workers);

/// [method]: the step size of the t-th update, from vanilla-asgd's step_size and schedule.
/// Errors  Error for another method, and for a setting that only a server could heed
std::function<double(Version)> read_hogwild_step(Settings& method);

/// [run], as it was read.
/// Errors  Error for what needs somebody who sees it all: events, a recording, checkpoints
void check_hogwild_run(const Settings& run, const RunPlan& plan);

}  // namespace tardigrad::cli
