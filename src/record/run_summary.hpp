// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "record/kept_log.hpp"
#include "record/provenance.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad::record {

/// What a run was.
struct RunNames {
  Provenance provenance;
  std::string method, problem;
  std::string runtime = "sim";
  std::uint64_t seed = 1;
  std::string scenario_hash;
  bool operator==(const RunNames&) const = default;
};

/// `summary.json`: what a run was and what came of it. Its presence says that the run ended.
struct RunSummary {
  RunNames names;
  StopReason reason = StopReason::idle;
  Time time{};
  Counters counters;
  RuntimeCounters runtime;
  std::uint64_t put_aside = 0;       ///< workers that brought infinity or NaN, again and again
  std::vector<Metric> metrics;       ///< of the last evaluation; NaN for what was not finite
  std::vector<Metric> figures;       ///< the method's own, such as a privacy account; NaN for what was not finite
  std::vector<Metric> workers = {};  ///< how the workers' own scores are spread (workers_file.hpp); empty: not known
  std::optional<Time> time_to_target;
  std::optional<Version> updates_to_target;
  TargetHits hits;  ///< but for what is under way
  /// Rows of events.jsonl and metrics.jsonl, events of recording.bin, that could not be written; only those that lack
  /// some.
  std::map<std::string, std::uint64_t> missing = {};
  /// What the logs are that lack nothing; none in a summary of the format 8.
  std::map<std::string, KeptLog> logs = {};
  std::string digest;
  double wall_seconds = 0.0;
};

/// Did the run keep an account of privacy? Then its figures hold an `epsilon`.
bool is_private(const RunSummary& summary);
/// The keys of summary.json, and the other files, that are exact: no epsilon covers them, in a private run either.
std::vector<std::string> not_private();

/// Can it be gone on with as it is, without a later stop? It was interrupted, or has lost all its workers.
bool is_unfinished(const RunSummary& summary);

RunSummary summarize(const RunNames& names, const RunResult& result);

/// The text of the file.
std::string summary_text(const RunSummary& summary);

/// Written whole or not at all.
void write_summary(const std::filesystem::path& path, const RunSummary& summary);

/// Are the logs in the directory of a run that has ended what its summary says?
/// Errors  as of check_whole
void check_logs(const RunSummary& summary, const std::filesystem::path& directory);

/// Strict: a torn file, a missing, unknown or wrongly typed key, another format number than 8 and 9, a `checksum` that
/// does not hold, as somebody has edited the file, are Errors. Times come back exact, from the keys that end in _ns;
/// those without are for people. Errors  Error "FILE: not a run summary: ..."
RunSummary read_summary(const std::filesystem::path& path);

}  // namespace tardigrad::record
