// SPDX-License-Identifier: Apache-2.0
#include "engines/runtime_row.hpp"
#include "engines/sim/simulator.hpp"

namespace tardigrad::sim {

RuntimeRow row() {
  return {.name = "sim",
          .summary = "gradients are real, time is virtual: any number of workers, the same bits on any machine",
          .clock = Clock::virtual_time,
          .capabilities = kCapabilities,
          .compute_times = RuntimeRow::ComputeTimes::required,
          .make = [](const RunParts& parts) -> std::unique_ptr<Runtime> {
            SimulatorOptions options{.workers = parts.workers, .availability = parts.availability, .pool = parts.pool};
            if (parts.shares_cores) options.worth_a_thread_seconds = 2e-3;
            return std::make_unique<Simulator>(parts.problem, *parts.compute_time, parts.buffers, options);
          }};
}

}  // namespace tardigrad::sim
