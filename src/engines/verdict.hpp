// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <optional>

#include "tardigrad/run.hpp"

namespace tardigrad {

/// What an evaluation says about its run.
struct Verdict {
  bool finite = true;
  bool reaches_target = false;  ///< with it the target is reached, and it was not before
};

/// Notes an evaluation of the target's metric.
inline void note_hit(const Target& target, const EvaluationRecord& record, double value, TargetHits& hits) {
  const Moment now{record.time, record.version};
  const bool met = target.met_by(value);
  if (hits.first) {
    ++hits.later;
    hits.later_met += met;
  } else if (met) {
    hits.first = now;
  }
  if (met && hits.in_a_row++ == 0) hits.row_began = now;
  if (!met) hits.in_a_row = 0;
  hits.lasting = hits.in_a_row >= target.hold ? std::optional(hits.row_began) : std::nullopt;
}

/// Judges an evaluation, and notes in `result` how it stands to the target.
inline Verdict judge(const EvaluationRecord& record, const std::optional<Target>& target, RunResult& result) {
  Verdict verdict;
  for (const Metric& metric : record.metrics) {
    if (!std::isfinite(metric.value)) verdict.finite = false;
    if (!target || metric.name != target->metric) continue;
    note_hit(*target, record, metric.value, result.hits);
    if (!result.hits.lasting || result.time_to_target) continue;
    verdict.reaches_target = true;
    result.time_to_target = result.hits.lasting->time;
    result.updates_to_target = result.hits.lasting->version;
  }
  return verdict;
}

}  // namespace tardigrad
