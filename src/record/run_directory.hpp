// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "record/file_lock.hpp"
#include "record/provenance.hpp"

namespace tardigrad::record {

/// What to do with a run that is already there, if it is finished or has checkpoints. go_on: its logs are kept.
enum class IfFinished { refuse, overwrite, go_on };

/// Beside the files of the run.
inline constexpr const char* kCheckpointFolder = "checkpoints";
inline constexpr const char* kScenarioFile = "scenario.toml";
inline constexpr const char* kSummaryFile = "summary.json";
inline constexpr const char* kProvenanceFile = "provenance.json";
inline constexpr const char* kMetricsFile = "metrics.jsonl";
inline constexpr const char* kServeLog = "serve.jsonl";

/// Is there a checkpoint in the directory of a run, whatever it is worth?
/// Errors  IoError when that cannot be found out
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& run);
bool holds_checkpoint(const std::filesystem::path& run);

/// The directory of one run, which is the only one in it as long as the object lives:
///
///   scenario.toml      as resolved, every default written out
///   provenance.json    what it is made by and from (see provenance.hpp)
///   metrics.jsonl      one row an evaluation (see metrics_log.hpp); there from the start: it marks the directory as
///                      ours, and is locked while a run goes on
///   events.jsonl       one row an order (see event_log.hpp), when asked for
///   recording.bin      all that the method saw and did (see recording.hpp), when asked for
///   model.safetensors  the parameters at the end
///   partition.jsonl    what every worker holds, and
///   workers.jsonl      how well the model fits it at the end (see workers_file.hpp), where the workers' data differ
///   epoch              how often a coordinator was started in it, where workers are elsewhere
///   serve.jsonl        who came and went, was refused, and so on, where workers are elsewhere
///   checkpoints/       states that the run can go on from (see checkpoints.hpp)
///   summary.json       written last: its presence says that the run ended (see run_summary.hpp)
class RunDirectory {
 public:
  /// Makes the directory, parents included.
  /// Errors  Error when a run is going on in it, it is not empty and holds no run (so that nobody's own files are mixed
  ///         up with ours), or is no directory; IoError when it cannot be made or written
  explicit RunDirectory(std::filesystem::path path);
  /// Makes room for a run. One that was there and has nothing to show yet is cleared away; so is any other when told to
  /// overwrite. Files that are not ours are never touched.
  /// Errors  Error when there is a finished run, or one that was broken off
  void begin(IfFinished if_finished) const;

  /// Has a run that was here come so far that there is something to lose?
  /// Errors  IoError when that cannot be found out
  bool holds_rows() const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path scenario() const { return path_ / kScenarioFile; }
  std::filesystem::path provenance() const { return path_ / kProvenanceFile; }
  std::filesystem::path metrics() const { return path_ / kMetricsFile; }
  std::filesystem::path events() const { return path_ / "events.jsonl"; }
  std::filesystem::path recording() const { return path_ / "recording.bin"; }
  std::filesystem::path model() const { return path_ / "model.safetensors"; }
  std::filesystem::path partition() const { return path_ / "partition.jsonl"; }
  std::filesystem::path workers() const { return path_ / "workers.jsonl"; }
  std::filesystem::path summary() const { return path_ / kSummaryFile; }
  std::filesystem::path serve_log() const { return path_ / kServeLog; }
  std::filesystem::path epoch() const { return path_ / "epoch"; }
  std::filesystem::path checkpoints() const { return path_ / kCheckpointFolder; }

  /// What a run is: its scenario, and what it is made by and from.
  void write_identity(std::string_view toml, const Provenance& provenance) const;
  /// Of a run that goes on with another stop; its files lie where its provenance says that they lay.
  void write_scenario(std::string_view toml) const;
  /// While the run goes on: makes the directory again where it has gone, and returns whether it had.
  /// Errors  IoError when it cannot be made, or is somebody else's by now
  bool claim(std::string_view toml, const Provenance& provenance);
  /// Errors  IoError when there is a metrics.jsonl that is not this run's: it was removed, and somebody made another
  void check_ours() const;
  /// How often a coordinator was started in this directory before. Counted up, on the disk, before it returns.
  /// Errors  IoError when that cannot be written, Error for a file that is no number
  std::uint64_t begin_epoch() const;
  /// After metrics.jsonl was made again by this run.
  void lock_again();

 private:
  void check_earlier_run() const;
  void clear(const std::vector<std::filesystem::path>& files) const;
  void clear_checkpoints() const;
  std::filesystem::path path_;
  std::unique_ptr<FileLock> lock_;  // on metrics.jsonl
};

}  // namespace tardigrad::record
