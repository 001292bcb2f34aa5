// SPDX-License-Identifier: Apache-2.0
// Where methods that collect gradients of the present x, or keep a table with a row for every worker, end on a noisy
// quadratic: in the predicted neighbourhood.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <ostream>
#include <set>

#include "support/neighbourhood.hpp"

namespace tardigrad {
namespace {

using test::num;
using test::whole;
using test::word;

constexpr std::size_t kWorkers = 8;
using Weights = std::vector<double>;  // of each arrival, in all the updates that it is part of
using Arrivals = std::vector<ArrivalRecord>;

// Batches: what it was told at its arrival, 0 where it came too late.
Weights at_arrival(const Arrivals& arrivals, double) {
  Weights weights;
  for (const ArrivalRecord& a : arrivals) weights.push_back(a.coefficient);
  return weights;
}

// One of B_i that share gamma/n.
Weights in_rounds(const Arrivals& arrivals, double step) {
  std::map<std::pair<Version, WorkerId>, double> counts;
  for (const ArrivalRecord& a : arrivals)
    if (a.outcome == Outcome::applied) counts[{a.order.version, a.order.worker}] += 1;
  Weights weights;
  for (const ArrivalRecord& a : arrivals)
    weights.push_back(a.outcome == Outcome::applied ? step / kWorkers / counts[{a.order.version, a.order.worker}] : 0);
  return weights;
}

// gamma/n in every update until its worker's next gradient takes its place.
Weights while_latest(const Arrivals& arrivals, double step) {
  Weights weights(arrivals.size(), 0.0);
  std::array<std::size_t, kWorkers> last{};
  for (std::size_t k = 0; k < arrivals.size(); ++k) {
    const std::size_t before = std::exchange(last[arrivals[k].order.worker], k);
    weights[before] = step / kWorkers * static_cast<double>(k - before);
  }
  return weights;
}

// One of b_j that share gamma/n, in every update of its round from its arrival on.
Weights in_tables(const Arrivals& arrivals, double step) {
  Weights weights(arrivals.size(), 0.0);
  using Table = std::array<std::vector<std::size_t>, kWorkers>;
  Table now, next;
  std::set<WorkerId> updated;
  std::uint64_t updates = 0;
  for (std::size_t k = 0; k < arrivals.size(); ++k) {
    const WorkerId worker = arrivals[k].order.worker;
    (updated.contains(worker) ? next : now)[worker].push_back(k);
    if (std::exchange(updates, arrivals[k].updates) == arrivals[k].updates) continue;
    for (const std::vector<std::size_t>& row : now)
      for (const std::size_t each : row) weights[each] += step / kWorkers / static_cast<double>(row.size());
    updated.insert(worker);
    if (updated.size() < kWorkers) continue;
    now = std::exchange(next, {});
    updated.clear();
  }
  return weights;
}

struct Case {
  const char* name;
  double step;
  Weights (*weights)(const Arrivals& arrivals, double step);
  SettingValue::Table own = {};
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class TablesNeighbourhood : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Methods, TablesNeighbourhood,
                         testing::Values(Case{"rennala-sgd", 0.08, at_arrival, {{"batch_target", whole(4)}}},
                                         Case{"async-minibatch-sgd", 0.08, at_arrival, {{"batch_target", whole(4)}}},
                                         Case{"malenia-sgd", 0.1, in_rounds}, Case{"ringleader-asgd", 0.02, in_tables},
                                         Case{"ia2sgd", 0.01, while_latest}),
                         [](const auto& one) {
                           std::string name = one.param.name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

// The slowest mode, lambda = 0.02, forgets in at most 2500 of 600,000 updates (ia2sgd), 160 of 15,000 rounds of gamma n
// = 0.16 (ringleader-asgd), fewer elsewhere: its tenth of the gap is known to sqrt(4 * 160/15,000) = 21 %, all together
// to 3 %; five of that: 0.15. From above: a step of a = 0.1 has 1/(1 - a/2) of its share, and the gradients of tables
// are used for up to 40 updates after their points, a tau <= 0.4: less than 1.25 in the mean of all modes.
TEST_P(TablesNeighbourhood, IsThePredictedOne) {
  SettingValue::Table settings = GetParam().own;
  settings["name"] = word(GetParam().name);
  settings["step_size"] = num(GetParam().step);
  const test::Settled settled = test::settle(settings, 160'000);
  const double predicted = test::predicted_gap(settled, GetParam().weights(settled.arrivals, GetParam().step));
  EXPECT_GE(settled.gap, 0.85 * predicted);
  EXPECT_LE(settled.gap, 1.4 * predicted);
}

}  // namespace
}  // namespace tardigrad
