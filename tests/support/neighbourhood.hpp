// SPDX-License-Identifier: Apache-2.0
// A noisy quadratic on which the resting state of methods is known: d = 10, E||noise||^2 = 10, eight workers of which
// half are four times slower.
//
// A gradient that enters x with the weight w in all, whenever that is, adds w^2/2 tr(A) 10/d of noise to the loss, and
// A takes 2 w lambda of each mode's share: for weights that are small against 1/L = 1 the mean gap at rest is
//   G = (sum w^2)/(sum w) * 10/4.
// Above that: a mode with a = w lambda and a delay tau has (1 + sin(a tau))/cos(a tau) of its share.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "problems/catalogue.hpp"
#include "support/fake_world.hpp"

namespace tardigrad::test {

struct Settled {
  std::vector<ArrivalRecord> arrivals;  ///< of the whole run
  Time since{};                         ///< it counts as settled
  double gap = 0.0;                     ///< its mean from then on
};

/// Runs for this long, of which the first quarter is to settle.
inline Settled settle(SettingValue::Table method_settings, double seconds) {
  problems::ProblemCatalogue catalogue;
  const SettingValue::Table noise = {{"kind", word("gaussian")}, {"scale", num(std::sqrt(10.0))}};
  Settings problem_settings({{"dimension", whole(10)}, {"noise", {noise}}}, "problem");
  const auto problem =
      catalogue.row("quadratic-tridiagonal").make(problem_settings, {.workers = 8, .seed = 1, .data_root = {}});
  const auto method = make(std::move(method_settings), 8);
  RunOptions options = stop_after_time(seconds);
  options.evaluate_every.time = from_seconds(20);
  Outcomes run = simulate(*problem, FixedTimes::fast_and_slow(4, 4, 4.0), *method, {.workers = 8, .run = options});
  Settled settled{.arrivals = std::move(run.arrivals), .since = from_seconds(seconds / 4)};
  double evaluations = 0.0;
  for (const EvaluationRecord& e : run.evaluations) {
    if (e.time <= settled.since) continue;
    settled.gap += e.metrics[0].value;
    evaluations += 1;
  }
  settled.gap /= evaluations;
  return settled;
}

/// G, of the weights of the arrivals since then.
inline double predicted_gap(const Settled& settled, const std::vector<double>& weights) {
  double sum = 0.0, squares = 0.0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (settled.arrivals[k].time <= settled.since) continue;
    sum += weights[k];
    squares += weights[k] * weights[k];
  }
  return squares / sum * 10 / 4;
}

}  // namespace tardigrad::test
