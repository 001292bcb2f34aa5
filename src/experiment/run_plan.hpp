// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engines/runtime_row.hpp"
#include "experiment/scenario.hpp"
#include "record/event_log.hpp"
#include "tardigrad/run.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad {

/// When a run is saved beside its interruption, and how many of its checkpoints are kept.
struct CheckpointPlan {
  std::optional<std::uint64_t> updates = {};
  std::optional<Time> seconds = {};  ///< of real time
  std::size_t keep = 3;
};

/// Where a run takes place, and what [run] says to that runtime alone.
struct RuntimeChoice {
  const RuntimeRow* row = nullptr;
  RuntimeSettings settings = {};
};

/// What [run] says.
struct RunPlan {
  std::uint64_t seed = 1;
  RuntimeChoice runtime;
  RunOptions options;
  std::optional<record::EventLogOptions> events;  ///< nothing: no events.jsonl
  bool record = false;                            ///< write recording.bin
  CheckpointPlan checkpoints = {};
  bool per_worker = false;  ///< write what every worker holds, and how well the model fits it in the end
  SettingValue::Table resolved;
};

enum class Use : std::uint8_t { run, compare, compare_to_the_end };

/// Reads [run]. `metrics`: what the problem measures, to check the target. In a comparison a run stops at its target,
/// but where it is to go on to its end, and writes no events, unless the scenario says otherwise.
/// Errors  Error "FILE:LINE: key = value: what is allowed"
RunPlan make_run_plan(const Scenario& scenario, Use use, const std::vector<std::string>& metrics);

/// Throws for a runtime that a comparison cannot take place in, before anything else is asked of the scenario.
void require_methods(const Scenario& scenario);

/// The settings that a runtime has in the table "run" or "workers".
/// Errors  Error for one out of its range, and for one that only another runtime has
RuntimeSettings read_runtime_settings(Settings& settings, const std::string& table, const RuntimeRow& row);

}  // namespace tardigrad
