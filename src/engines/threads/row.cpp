// SPDX-License-Identifier: Apache-2.0
#include "engines/real_time_settings.hpp"
#include "engines/runtime_row.hpp"
#include "engines/threads/thread_runtime.hpp"

namespace tardigrad::threads {
namespace {

constexpr SettingRow kRunSettings[] = {kTimeScale};
constexpr SettingRow kWorkersSettings[] = {kRestartAfter};

}  // namespace

RuntimeRow row() {
  return {.name = "threads",
          .summary = "one thread a worker, and real time: real asynchrony on one machine",
          .clock = tardigrad::Clock::real_time,
          .capabilities = kCapabilities,
          .compute_times = RuntimeRow::ComputeTimes::optional,
          .most_workers = ThreadRuntime::kMostWorkers,
          .run_settings = kRunSettings,
          .workers_settings = kWorkersSettings,
          .make = [](const RunParts& parts) -> std::unique_ptr<Runtime> {
            return std::make_unique<ThreadRuntime>(parts.problem, parts.buffers,
                                                   ThreadOptions{.workers = parts.workers,
                                                                 .pace = parts.compute_time,
                                                                 .availability = parts.availability,
                                                                 .restart_after = restart_of(parts.settings),
                                                                 .time_scale = parts.settings.at(kTimeScale.key),
                                                                 .evaluation_threads = parts.evaluation_threads});
          }};
}

}  // namespace tardigrad::threads
