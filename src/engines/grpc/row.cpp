// SPDX-License-Identifier: Apache-2.0
#include "engines/grpc/transport.hpp"
#include "engines/network/network_runtime.hpp"
#include "engines/real_time_settings.hpp"
#include "engines/runtime_row.hpp"

namespace tardigrad::grpc {
namespace {

constexpr Setting<double> kHeartbeat = {.key = "heartbeat",
                                        .fallback = 2.0,
                                        .range = {.low = 0.01, .high = 3600.0},
                                        .unit = "real s",
                                        .meaning = "a worker that is there says so at least so often"};
constexpr Setting<std::int64_t> kLostAfter = {
    .key = "lost_after",
    .fallback = 5,
    .range = {.low = 1.0, .high = 1000.0},
    .meaning = "so many times its typical silence, at least a heartbeat, make a worker lost"};
constexpr SettingRow kRunSettings[] = {kTimeScale, kHeartbeat, kLostAfter};
constexpr SettingRow kWorkersSettings[] = {kRestartAfter, kAtStart, kOwnData};

}  // namespace

RuntimeRow row();
RuntimeRow row() {
  return {.name = "grpc",
          .summary = "workers that are reached over gRPC: in this process, or elsewhere (tardigrad serve)",
          .clock = Clock::real_time,
          .capabilities = network::kCapabilities,
          .serves = true,
          .compute_times = RuntimeRow::ComputeTimes::optional,
          .most_workers = network::NetworkRuntime::kMostWorkers,
          .run_settings = kRunSettings,
          .workers_settings = kWorkersSettings,
          .make = [](const RunParts& parts) -> std::unique_ptr<Runtime> {
            return std::make_unique<network::NetworkRuntime>(
                transport(), parts.problem, parts.buffers,
                network::NetworkOptions{.workers = parts.workers,
                                        .at_start = present_at_start(parts.settings, parts.workers),
                                        .pace = parts.compute_time,
                                        .availability = parts.availability,
                                        .restart_after = restart_of(parts.settings),
                                        .compression = parts.compression,
                                        .seed = parts.seed,
                                        .time_scale = parts.settings.at(kTimeScale.key),
                                        .heartbeat = from_seconds(parts.settings.at(kHeartbeat.key)),
                                        .lost_after = static_cast<std::uint32_t>(parts.settings.at(kLostAfter.key)),
                                        .evaluation_threads = parts.evaluation_threads,
                                        .serve = parts.serve});
          }};
}

}  // namespace tardigrad::grpc
