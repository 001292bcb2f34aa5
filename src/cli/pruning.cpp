// SPDX-License-Identifier: Apache-2.0
#include "cli/pruning.hpp"

#include <limits>
#include <map>

namespace tardigrad::cli {
namespace {

struct PointState {
  std::string method;
  double sum = 0.0;      // a lower bound of the sum of the times to target
  bool complete = true;  // all seeds have reached the target
  bool failed = false;   // one has ended without
};

}  // namespace

std::vector<bool> find_hopeless(const std::vector<PruningCandidate>& runs) {
  std::map<std::size_t, PointState> points;
  for (const PruningCandidate& run : runs) {
    PointState& point = points[run.point];
    point.method = run.method;
    point.sum += run.time_to_target.value_or(run.elapsed);
    if (!run.time_to_target) point.complete = false;
    if (run.ended && !run.time_to_target) point.failed = true;
  }
  std::map<std::string, double> best;  // of the complete points of each method; all points have the same seeds
  for (const auto& [index, point] : points) {
    if (!point.complete) continue;
    const auto [entry, fresh] = best.try_emplace(point.method, point.sum);
    if (!fresh && point.sum < entry->second) entry->second = point.sum;
  }
  std::vector<bool> hopeless(runs.size(), false);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const PointState& point = points[runs[i].point];
    const auto bar = best.find(point.method);
    hopeless[i] = !runs[i].ended && bar != best.end() && (point.failed || point.sum > bar->second);
  }
  return hopeless;
}

}  // namespace tardigrad::cli
