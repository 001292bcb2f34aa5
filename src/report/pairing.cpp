// SPDX-License-Identifier: Apache-2.0
#include "report/pairing.hpp"

#include <map>
#include <vector>

namespace tardigrad::report {
namespace {

struct Scores {
  std::optional<double> own = {}, other = {};
  bool has_own = false, has_other = false;
};

std::map<std::uint64_t, Scores> by_seed(const Comparison& comparison, const SeedsResult& own,
                                        const SeedsResult& other) {
  std::map<std::uint64_t, Scores> seeds;
  for (const std::size_t run : own.runs) {
    Scores& scores = seeds[comparison.rows[run].seed];
    scores.has_own = true;
    scores.own = score_of(comparison.rows[run], comparison.goal);
  }
  for (const std::size_t run : other.runs) {
    Scores& scores = seeds[comparison.rows[run].seed];
    scores.has_other = true;
    scores.other = score_of(comparison.rows[run], comparison.goal);
  }
  return seeds;
}

}  // namespace

bool Pairing::settled() const {
  if (!estimate || !estimate->interval) return false;
  return !estimate->interval->holds(estimate->averaging == Averaging::geometric ? 1.0 : 0.0);
}

Pairing pair(const Comparison& comparison, const SeedsResult& own, const SeedsResult& other) {
  const Goal& goal = comparison.goal;
  const bool times = goal.averaging() == Averaging::geometric;
  Pairing pairing;
  std::vector<double> sample;
  for (const auto& [seed, scores] : by_seed(comparison, own, other)) {
    if (!scores.has_own || !scores.has_other) continue;  // no pair to begin with
    if (!scores.own || !scores.other) {
      ++(scores.own ? pairing.other_missing : scores.other ? pairing.own_missing : pairing.both_missing);
      continue;
    }
    const double a = *scores.own, b = *scores.other;
    ++(a == b ? pairing.level : better_score(a, b, goal) ? pairing.ahead : pairing.behind);
    if (times && a != b && (a == 0.0 || b == 0.0))
      ++pairing.without_ratio;
    else
      sample.push_back(!times ? a - b : a == b ? 1.0 : a / b);
  }
  if (!sample.empty()) pairing.estimate = estimate(sample, goal.averaging());
  return pairing;
}

}  // namespace tardigrad::report
