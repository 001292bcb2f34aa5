// SPDX-License-Identifier: Apache-2.0
// The settings of the table [run] that all runtimes have.
#pragma once

#include "tardigrad/setting.hpp"

namespace tardigrad {

inline constexpr Range kSeedRange = {.low = 0, .high = 0x1p53};
inline constexpr Range kFactors = {.low = 1.0, .low_open = true};
// Integer nanoseconds hold 292 years; we stay clear of the end.
inline constexpr double kLongestRun = 4e9;

inline constexpr Setting<std::int64_t> kSeed = {
    .key = "seed", .fallback = 1, .range = kSeedRange, .meaning = "of everything random"};
inline constexpr Setting<Text> kRuntime = {
    .key = "runtime", .fallback = "sim", .meaning = "where the run takes place: tardigrad list runtimes"};

inline constexpr Setting<Text> kMetric = {.key = "metric", .meaning = "what the problem measures"};
inline constexpr Setting<double> kAtMost = {
    .key = "at_most", .default_in_words = "at_least", .meaning = "the target is met at or below this"};
inline constexpr Setting<double> kAtLeast = {
    .key = "at_least", .default_in_words = "at_most", .meaning = "the target is met at or above this"};
inline constexpr Setting<std::int64_t> kHold = {.key = "hold",
                                                .fallback = 1,
                                                .range = {.low = 1, .high = 1e9},
                                                .meaning = "so many evaluations in a row must meet it"};
inline constexpr SettingRow kTargetRows[] = {kMetric, kAtMost, kAtLeast, kHold};
inline constexpr Setting<SubTable> kTarget = {
    .key = "target", .default_in_words = "none", .meaning = "a metric with a threshold", .rows = kTargetRows};

inline constexpr Setting<double> kStopTime = {.key = "time",
                                              .default_in_words = "never",
                                              .range = {.low = 0, .high = kLongestRun, .low_open = true},
                                              .unit = "s",
                                              .meaning = "of the run"};
inline constexpr Setting<std::int64_t> kStopUpdates = {
    .key = "updates", .default_in_words = "never", .range = at_least(1), .meaning = "updates of the server"};
inline constexpr Setting<std::int64_t> kStopGradients = {.key = "gradients",
                                                         .default_in_words = "never",
                                                         .range = at_least(1),
                                                         .meaning = "gradients delivered, used or not"};
inline constexpr Setting<bool> kStopTarget = {
    .key = "target", .default_in_words = "false; in a comparison true", .meaning = "end when the target is reached"};
inline constexpr SettingRow kStopRows[] = {kStopTime, kStopUpdates, kStopGradients, kStopTarget};
inline constexpr Setting<SubTable> kStop = {
    .key = "stop",
    .meaning = "the run ends when the first is reached; time, updates or gradients must be given",
    .rows = kStopRows};

inline constexpr Setting<double> kEvaluateTime = {.key = "time",
                                                  .default_in_words = "a fiftieth of the run",
                                                  .range = {.low = 1e-9, .high = kLongestRun},
                                                  .unit = "s",
                                                  .meaning = "of the run between evaluations"};
inline constexpr Setting<std::int64_t> kEvaluateUpdates = {.key = "updates",
                                                           .default_in_words = "a fiftieth of the run",
                                                           .range = at_least(1),
                                                           .meaning = "updates between evaluations"};
inline constexpr SettingRow kEvaluateRows[] = {kEvaluateTime, kEvaluateUpdates};
inline constexpr Setting<SubTable> kEvaluateEvery = {.key = "evaluate_every",
                                                     .default_in_words = "a fiftieth of the run",
                                                     .meaning = "time or updates; also at the start and at the end",
                                                     .rows = kEvaluateRows};

inline constexpr Setting<double> kLossFactor = {
    .key = "loss_factor",
    .fallback = 1e3,
    .range = kFactors,
    .meaning = "of max(abs(loss at the start), 1): above it a run has diverged; inf for never"};
inline constexpr Setting<double> kDistanceFactor = {
    .key = "distance_factor",
    .fallback = 1e6,
    .range = kFactors,
    .meaning = "of max(||x|| at the start, sqrt(d)): above it a run has diverged; inf for never"};
inline constexpr SettingRow kDivergedRows[] = {kLossFactor, kDistanceFactor};
inline constexpr Setting<SubTable> kDivergedWhen = {
    .key = "diverged_when",
    .default_in_words = "{ loss_factor = 1e3, distance_factor = 1e6 }",
    .meaning = "when a run has left all reason, though its numbers are finite",
    .rows = kDivergedRows};
inline constexpr Setting<std::int64_t> kPutAsideAfter = {
    .key = "put_aside_after",
    .fallback = 3,
    .range = {.low = 1, .high = 1e9},
    .meaning = "a worker that brings so many gradients in a row that are not finite is put aside"};

inline constexpr Setting<std::int64_t> kEvery = {
    .key = "every", .range = at_least(1), .meaning = "of every k-th order"};
inline constexpr SettingRow kEventsRows[] = {kEvery};
inline constexpr SettingRow kEventsForms[] = {Setting<bool>{.key = "wanted"},
                                              Setting<SubTable>{.key = "some", .rows = kEventsRows}};
inline constexpr Setting<OneOf> kEvents = {.key = "events",
                                           .default_in_words = "true; in a comparison false",
                                           .meaning = "write events.jsonl",
                                           .rows = kEventsForms};
inline constexpr Setting<bool> kRecord = {
    .key = "record", .fallback = false, .meaning = "write recording.bin, for replay and what-if"};

inline constexpr Setting<std::int64_t> kCheckpointUpdates = {
    .key = "updates", .default_in_words = "seconds", .range = at_least(1), .meaning = "updates between checkpoints"};
inline constexpr Setting<double> kCheckpointSeconds = {.key = "seconds",
                                                       .default_in_words = "updates",
                                                       .range = {.low = 1e-3, .high = 1e9},
                                                       .unit = "s",
                                                       .meaning = "of real time between checkpoints"};
inline constexpr SettingRow kCheckpointRows[] = {kCheckpointUpdates, kCheckpointSeconds};
inline constexpr Setting<SubTable> kCheckpointEvery = {.key = "checkpoint_every",
                                                       .default_in_words = "never",
                                                       .meaning = "save the run so often, and at its end",
                                                       .rows = kCheckpointRows};
inline constexpr Setting<std::int64_t> kKeepCheckpoints = {
    .key = "keep_checkpoints",
    .fallback = 3,
    .range = {.low = 1, .high = 1e6},
    .meaning = "so many of the last are kept, and the best by the target's metric"};
inline constexpr Setting<bool> kPerWorker = {
    .key = "per_worker",
    .default_in_words = "true; in a comparison false",
    .meaning = "where the workers' data differ: write partition.jsonl and workers.jsonl"};

inline constexpr SettingRow kRunSettings[] = {
    kSeed,          kRuntime, kStop,   kTarget,          kEvaluateEvery,   kDivergedWhen,
    kPutAsideAfter, kEvents,  kRecord, kCheckpointEvery, kKeepCheckpoints, kPerWorker};

}  // namespace tardigrad
