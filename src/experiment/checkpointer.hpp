// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "engines/drive.hpp"
#include "experiment/run_plan.hpp"
#include "record/checkpoints.hpp"
#include "record/event_log.hpp"
#include "record/metrics_log.hpp"
#include "record/recording_writer.hpp"

namespace tardigrad {

/// Saves a run as its scenario says and when it is interrupted, and goes on from what was saved. The run waits while
/// numbers are copied and logs are flushed; vectors are not copied, and the file is written beside the run.
/// Thread  that of the run
class Checkpointer final : public StateStore, public Observer {
 public:
  struct Parts {
    CheckpointPlan plan = {};
    std::optional<Target> target = {};
    record::CheckpointHeader names = {};  ///< program and scenario
    record::CheckpointFolder folder;
    std::optional<record::Checkpoint> from = {};
    bool from_the_start = false;  ///< is there a checkpoint before the first event? Then one can go on after any kill
    record::MetricsLog& metrics;
    record::EventLog* events = nullptr;                 ///< nothing: there is none
    record::RecordingWriter* recording = nullptr;       ///< nothing: there is none
    std::function<void(Archive&)> observer_state = {};  ///< of who watches the run
    std::atomic<bool>* save_requested = nullptr;        ///< by somebody who wants a checkpoint now
    record::Tell remark = {};                           ///< that it is written; nothing: nobody asks
    record::Tell tell;                                  ///< of what went wrong; on any thread
    std::function<void(std::uint64_t, const std::string&)> on_written = {};  ///< CheckpointWriter::Options
    record::RetryPolicy& retry;                                              ///< with the last one
  };
  explicit Checkpointer(Parts parts);

  bool load(const Visit& visit) override;
  void save_first(const Visit& visit, const Counters& counters) override;
  bool wants_state(const Counters& counters) override;
  void save(const Visit& visit, const Counters& counters) override;
  void save_last(const Visit& visit, const Counters& counters) override;
  /// Where the scenario asks for checkpoints.
  void save_end(const Visit& visit, const Counters& counters) override;
  void on_evaluation(const EvaluationRecord& record) override;

  /// Why there is no checkpoint of an interruption.
  const std::optional<std::string>& failure() const { return failure_; }
  /// The run was interrupted, or has lost all its workers, and there is something to go on from.
  bool can_go_on() const { return broken_off_ && (!failure_ || parts_.from_the_start); }
  /// As it would be after a kill.
  bool can_go_on_after_a_failure() const { return parts_.from_the_start; }
  /// Returns when all are written.
  void finish() { writer_.wait(); }
  std::uint64_t written() const { return writer_.written(); }
  std::uint64_t failed() const { return writer_.failed(); }
  /// For how many the time had come while one was being written.
  std::uint64_t skipped() const { return skipped_ + writer_.skipped(); }
  /// How long the run waited for all of them.
  double seconds() const { return seconds_; }

 private:
  struct Taken {
    record::CheckpointHeader header;
    SavedState state;
    std::function<void()> sync_logs;
  };
  Taken take(const Visit& visit, const Counters& counters);
  void serialize(Archive& archive);
  Parts parts_;
  std::optional<double> metric_;    // of the target, at the last evaluation
  std::uint64_t last_updates_ = 0;  // when a state was saved
  double seconds_ = 0.0;
  std::uint64_t skipped_ = 0;
  bool broken_off_ = false;
  std::optional<std::string> failure_;
  record::CheckpointWriter writer_;  // last: its thread uses the rest
};

}  // namespace tardigrad
