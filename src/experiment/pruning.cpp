// SPDX-License-Identifier: Apache-2.0
#include "experiment/pruning.hpp"

#include <cmath>
#include <map>
#include <utility>

namespace tardigrad {
namespace {

struct PointState {
  double sum = 0.0;      // a lower bound of the sum of the logarithms of the times to target
  bool complete = true;  // all seeds have reached the target
  bool failed = false;   // one has ended without
};

}  // namespace

std::vector<bool> find_hopeless(const std::vector<PruningCandidate>& runs) {
  using Key = std::pair<std::string, std::size_t>;
  std::map<Key, PointState> points;
  for (const PruningCandidate& run : runs) {
    PointState& point = points[{run.method, run.point}];
    point.sum += std::log(run.time_to_target.value_or(run.elapsed));  // of 0: minus infinity
    if (!run.time_to_target) point.complete = false;
    if (run.ended && !run.time_to_target) point.failed = true;
  }
  std::map<std::string, double> best;  // of the complete points of each method; all points have the same seeds
  for (const auto& [key, point] : points) {
    if (!point.complete) continue;
    const auto [entry, fresh] = best.try_emplace(key.first, point.sum);
    if (!fresh && point.sum < entry->second) entry->second = point.sum;
  }
  std::vector<bool> hopeless(runs.size(), false);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const PointState& point = points[Key{runs[i].method, runs[i].point}];
    const auto bar = best.find(runs[i].method);
    hopeless[i] =
        !runs[i].ended && bar != best.end() && std::isfinite(bar->second) && (point.failed || point.sum > bar->second);
  }
  return hopeless;
}

}  // namespace tardigrad
