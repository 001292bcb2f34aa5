// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "record/file.hpp"
#include "tardigrad/observer.hpp"

namespace tardigrad::record {

/// `metrics.jsonl`: one row for each evaluation, written at once, so that a killed run leaves what there was.
///
///   {"time":1.5,"version":12,"counters":{"assigned":20,...},"metrics":{"loss":0.5},"finite":true}
///
/// Units   time: seconds, the exact decimal of the integer nanoseconds; infinity and NaN are null and "finite" false
/// Errors  Error naming the file from every member
/// Thread  one at a time
class MetricsLog final : public Observer {
 public:
  /// `kept`: the bytes of a log that is gone on with.
  explicit MetricsLog(std::filesystem::path path, std::uint64_t kept = 0);
  void on_evaluation(const EvaluationRecord& record) override;
  void close() { file_.close(); }
  const File& file() const { return file_; }

 private:
  File file_;
};

/// One row, with its newline.
std::string metrics_row(const EvaluationRecord& record);

}  // namespace tardigrad::record
