// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>

#include "engines/compute_pool.hpp"
#include "engines/drive.hpp"
#include "engines/network/serve_options.hpp"
#include "experiment/run_identity.hpp"
#include "record/retry_policy.hpp"
#include "record/run_directory.hpp"
#include "record/run_summary.hpp"

namespace tardigrad {

/// One run to carry out. Referenced objects outlive it.
struct RunRequest {
  const World& world;
  MethodPlan& method;
  const RunPlan& plan;
  ComputePool* pool = nullptr;                ///< sim: nothing: gradients on this thread
  EvaluationThreads evaluation_threads = {};  ///< threads
  enum class CoreSharing : std::uint8_t {
    exclusive,
    shared
  } core_sharing = CoreSharing::exclusive;  ///< do other runs fill the cores?
  /// For workers elsewhere, but for the epoch; nothing: they are this process's.
  const network::ServeOptions* serve = nullptr;
  std::optional<std::filesystem::path> directory = {};
  record::IfFinished if_finished = record::IfFinished::refuse;
  enum class SaveModel : std::uint8_t { no, yes } save_model = SaveModel::yes;
  const std::atomic<bool>* interrupted = nullptr;
  std::atomic<bool>* save_requested =
      nullptr;  ///< where there are checkpoints: one is written, and the request is over
  Observer* observer = nullptr;
  /// Is it saved, in the directory, as the plan says and when it is interrupted; and gone on with?
  enum class Checkpoints : std::uint8_t { none, fresh, resume } checkpoints = Checkpoints::none;
  /// Called when nobody else can run in the directory any more, before it is gone on with: throws where it must not be.
  std::function<void()> check_before_going_on = {};
  /// What scenario.toml is to hold from now on, where a run goes on with a changed one.
  std::optional<std::string> document = {};
  /// Go on from where no row of the logs was missing, further back if need be.
  bool make_rows_again = false;
  std::function<void(Archive&)> observer_state = {};  ///< saved with the run
  record::Tell tell = record::tell_on_stderr;         ///< of what cannot be written; on any thread
  record::Tell remark = {};                           ///< of where a run goes on; nothing: nobody asks
  bool keep_parameters = false;                       ///< are they part of the output?
};

struct RunOutput {
  record::RunSummary summary;
  std::vector<EvaluationRecord> evaluations;
  std::vector<float> x = {};             ///< [d], where it was asked for
  std::vector<WorkerScore> scores = {};  ///< by worker, where they were asked for and the workers' data differ
  std::uint64_t checkpoints = 0;         ///< that were written; that could not be; whose time came during another
  std::uint64_t checkpoints_failed = 0, checkpoints_skipped = 0;
  double checkpoint_seconds = 0.0;  ///< that the run waited for them
  /// What the run was to leave and could not, and why: its model or summary, or the checkpoint of its interruption.
  std::optional<std::string> failure = {};
  /// A thread is still in the problem's hands, and was not waited for any longer: what the request names must live
  /// until the process ends, which it does by `leave`.
  bool left_behind = false;
  /// Why there is no result, where a thread was left behind as well; else `execute` throws.
  std::exception_ptr error = {};
};

/// So long the end of a run waits for threads whose work nobody needs any more.
inline constexpr std::chrono::seconds kTimeoutForThreads{10};

/// Do the workers hold parts of a data set, each its own?
bool is_split(const Problem& problem);

/// Of a scenario.toml, without what may change when its run goes on: tells whether it is the one that was recorded.
std::string file_hash(const std::string& document);

/// hash64 of the bits of x0: tells whether program and data are those of a recording.
std::uint64_t initial_point_hash(const World& world);

/// Runs and, where a directory is given, records: scenario.toml, metrics.jsonl, events.jsonl, model.safetensors
/// and, last, summary.json. An interrupted run is recorded like any other, with what there is. What cannot be written
/// on the way waits and is tried again; in the end it is tried for ten more seconds.
/// Errors  IoError when the directory cannot be begun; other Errors for mistakes
/// Thread  any, one run a call
RunOutput execute(const RunRequest& request);

}  // namespace tardigrad
