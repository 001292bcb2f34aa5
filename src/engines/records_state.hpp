// SPDX-License-Identifier: Apache-2.0
// How the records that observers see are saved and loaded.
#pragma once

#include "tardigrad/archive.hpp"
#include "tardigrad/observer.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad {

inline void serialize(Archive& archive, Counters& c) {
  archive(c.assigned, c.applied, c.discarded, c.cancelled, c.lost, c.not_finite, c.clipped, c.updates, c.delay_sum,
          c.delay_max, c.used_seconds, c.wasted_seconds);
}
inline void serialize(Archive& archive, ArrivalRecord& r) {
  archive(r.time, r.order, r.delay, r.norm, r.coefficient, r.outcome, r.updates);
}
inline void serialize(Archive& archive, Moment& moment) { archive(moment.time, moment.version); }
inline void serialize(Archive& archive, TargetHits& hits) {
  archive(hits.first, hits.lasting, hits.later, hits.later_met, hits.in_a_row, hits.row_began);
}
inline void serialize(Archive& archive, EvaluationRecord& r) { archive(r.time, r.version, r.counters, r.metrics); }

}  // namespace tardigrad
