// SPDX-License-Identifier: Apache-2.0
#include "record/metrics_log.hpp"

#include <iterator>
#include <utility>

#include "record/json.hpp"

namespace tardigrad::record {

std::string metrics_row(const EvaluationRecord& record) {
  fmt::memory_buffer row;
  row.append(std::string_view(R"({"time":)"));
  append_seconds(row, record.time);
  fmt::format_to(std::back_inserter(row), R"(,"version":{},"counters":{},"metrics":{},"finite":{}}})", record.version,
                 to_line(to_json(record.counters)), to_line(to_json(record.metrics)), all_finite(record.metrics));
  row.push_back('\n');
  return fmt::to_string(row);
}

MetricsLog::MetricsLog(std::filesystem::path path, AppendingOptions file) : file_(std::move(path), std::move(file)) {}

void MetricsLog::on_evaluation(const EvaluationRecord& record) { file_.append(metrics_row(record), 1); }

}  // namespace tardigrad::record
