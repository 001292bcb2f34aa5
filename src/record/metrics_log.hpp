// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "record/appending_file.hpp"
#include "tardigrad/observer.hpp"

namespace tardigrad::record {

/// `metrics.jsonl`: one row for each evaluation, written at once, so that a killed run leaves what there was.
///
///   {"time":1.5,"version":12,"counters":{"assigned":20,...},"metrics":{"loss":0.5},"finite":true}
///
/// Units   time: seconds, the exact decimal of the integer nanoseconds; infinity and NaN are null and "finite" false
/// Errors  Error naming the file, from the constructor; what later cannot be written waits (see AppendingFile)
/// Thread  one at a time
class MetricsLog final : public Observer {
 public:
  explicit MetricsLog(std::filesystem::path path, AppendingOptions file = {});
  void on_arrival(const ArrivalRecord&) override { file_.retry(); }
  void on_evaluation(const EvaluationRecord& record) override;
  void flush() { file_.flush(); }
  void close(RetryPolicy* retry = nullptr) { file_.close(retry); }
  const AppendingFile& file() const { return file_; }
  void serialize(Archive& archive) { archive(file_); }

 private:
  AppendingFile file_;
};

/// One row, with its newline.
std::string metrics_row(const EvaluationRecord& record);

}  // namespace tardigrad::record
