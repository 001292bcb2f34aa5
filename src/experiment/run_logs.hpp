// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engines/replay/recorder.hpp"
#include "experiment/run_session.hpp"
#include "record/checkpoint.hpp"
#include "record/event_log.hpp"
#include "record/metrics_log.hpp"
#include "record/recording_writer.hpp"
#include "record/retry_policy.hpp"
#include "record/run_directory.hpp"

namespace tardigrad {

/// What a run writes into its directory, from its scenario to its summary; nothing where it has no directory.
/// Thread  that of the run
class RunLogs {
 public:
  /// Takes the directory, where the request names one: nobody else runs there from now on. Both outlive it.
  /// Errors  IoError when it cannot be had
  RunLogs(const RunRequest& request, const RunIdentity& identity);

  const record::RunDirectory* directory() const { return directory_.get(); }

  /// Writes scenario and provenance, and begins the logs, or goes on with them as `from` left them.
  void begin(const record::Checkpoint* from);
  /// What the driver is to see in the place of the runtime: a recorder in front of it, where there is a recording.
  Runtime& watch(Runtime& runtime);
  std::vector<Observer*> observers();

  record::MetricsLog& metrics() { return *metrics_; }
  record::EventLog* events() { return events_.get(); }
  record::RecordingWriter* recording() { return recording_.get(); }

  /// Closes the logs and writes what is left when a run has ended, the summary last: one that is there says that all
  /// else is.  Errors  IoError
  void finish(RunOutput& output, std::span<const float> x, record::RetryPolicy& retry);

 private:
  void close(record::RunSummary& summary, record::RetryPolicy& retry);
  record::AppendingOptions options(std::uint64_t kept) const;

  const RunRequest& request_;
  const RunIdentity& identity_;
  std::unique_ptr<record::RunDirectory> directory_;
  std::unique_ptr<record::MetricsLog> metrics_;
  std::unique_ptr<record::EventLog> events_;
  std::unique_ptr<record::RecordingWriter> recording_;
  std::optional<replay::Recorder> recorder_;
};

}  // namespace tardigrad
