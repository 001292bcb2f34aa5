// SPDX-License-Identifier: Apache-2.0
#include "engines/runtime_row.hpp"
#include "engines/threads/thread_runtime.hpp"

namespace tardigrad::threads {
namespace {

// From before times of nanoseconds run over (timing::kLongestSeconds).
constexpr double kLongestRestart = 1e8;

constexpr Setting<double> kTimeScale = {
    .key = "time_scale",
    .fallback = 1.0,
    .range = {.low = 1e-6, .high = 1e6},
    .unit = "real s per s",
    .meaning = "how long a second of the run takes: paces, availability and stops are scaled"};
constexpr Setting<double> kRestartAfter = {.key = "restart_after",
                                           .default_in_words = "never",
                                           .range = {.low = 0.0, .high = kLongestRestart},
                                           .unit = "s",
                                           .meaning = "a worker that failed returns after so long; without it never"};
constexpr SettingRow kRunSettings[] = {kTimeScale};
constexpr SettingRow kWorkersSettings[] = {kRestartAfter};

std::optional<Time> restart_of(const RuntimeSettings& settings) {
  const auto found = settings.find(kRestartAfter.key);
  if (found == settings.end()) return std::nullopt;
  return from_seconds(found->second);
}

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
