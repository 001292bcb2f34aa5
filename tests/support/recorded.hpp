// SPDX-License-Identifier: Apache-2.0
// Runs that are recorded, and recordings that are replayed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "engines/replay/recorder.hpp"
#include "engines/replay/replayer.hpp"
#include "record/recording_reader.hpp"
#include "record/recording_writer.hpp"
#include "support/fake_world.hpp"
#include "unit/record_test_support.hpp"

namespace tardigrad::test {

struct RecordedRun {
  Outcomes outcomes;
  std::string bytes;  ///< of the recording
};

/// As `simulate`, with a recording.
inline RecordedRun record_run(const Problem& problem, const ComputeTime& times, Method& method, WorldOptions options) {
  const record::TemporaryDirectory directory;
  const std::filesystem::path file = directory / "recording.bin";
  record::RecordingWriter writer(file, {.provenance = {.program = "test"},
                                        .scenario_hash = "",
                                        .runtime = "sim",
                                        .method = "a method",
                                        .problem = "a problem",
                                        .dimension = problem.layout().dimension()});
  std::optional<replay::Recorder> recorder;
  options.around = [&](Runtime& runtime, std::vector<Observer*>& observers) -> Runtime& {
    observers.push_back(&recorder.emplace(runtime, writer));
    return *recorder;
  };
  RecordedRun run{.outcomes = simulate(problem, times, method, options), .bytes = {}};
  const RunResult& result = run.outcomes.result;
  writer.end({.time = result.time, .reason = name_of(result.reason), .digest = result.digest});
  writer.close();
  run.bytes = record::read_file(file);
  return run;
}

/// Drives `method` through a recording.
/// Errors  replay::Difference
inline Outcomes replay_run(const Problem& problem, Method& method, record::RecordingReader& recording,
                           std::optional<std::uint64_t> until = {}) {
  BufferPool buffers(problem.layout().dimension());
  Outcomes outcomes;
  {
    Buffer x0 = buffers.take();
    problem.initial_point(x0.view());
    ServerModel model(buffers, problem.layout(), std::move(x0));
    const compression::Plan none;
    RunCompression compression(none, 1, buffers);
    replay::Replayer replayer(problem, compression, buffers, recording, until);
    Recorder recorder;
    Observer* const observers[] = {&replayer, &recorder};
    outcomes.result = drive({.put_aside_after = 0}, replayer, method, model,
                            {.observers = observers, .interrupted = &replayer.ended()});
    replayer.finish();
    outcomes.arrivals = std::move(recorder.arrivals);
    const std::span<const float> x = model.snapshot().view();
    outcomes.x.assign(x.begin(), x.end());
  }
  return outcomes;
}

}  // namespace tardigrad::test
