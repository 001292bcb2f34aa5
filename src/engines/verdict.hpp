// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <optional>

#include "tardigrad/run.hpp"

namespace tardigrad {

/// What an evaluation says about its run.
struct Verdict {
  bool finite = true;
  bool first_at_target = false;  ///< it meets the target, and none before it did
};

/// Judges an evaluation, and notes in `result` when the target was met first.
inline Verdict judge(const EvaluationRecord& record, const std::optional<Target>& target, RunResult& result) {
  Verdict verdict;
  for (const Metric& metric : record.metrics) {
    if (!std::isfinite(metric.value)) verdict.finite = false;
    if (!target || metric.name != target->metric || result.time_to_target) continue;
    if (!target->met_by(metric.value)) continue;
    result.time_to_target = record.time;
    result.updates_to_target = record.version;
    verdict.first_at_target = true;
  }
  return verdict;
}

}  // namespace tardigrad
