// SPDX-License-Identifier: Apache-2.0
// How settings and methods are chosen, counted and paired.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "report/pairing.hpp"
#include "report_comparison_support.hpp"

namespace tardigrad::report {
namespace {

using testing::ElementsAre;
using Stage = RunRow::Stage;

TEST(Comparison, BestHasMostSeedsThenLowestGeometricMean) {
  const Comparison comparison = compare(example(), kTimeToLoss);
  ASSERT_EQ(comparison.methods.size(), 3u);
  EXPECT_EQ(comparison.methods[0].method, "clipped-asgd");
  EXPECT_EQ(comparison.methods[1].method, "vanilla-asgd");
  EXPECT_EQ(comparison.methods[2].method, "naive");
  const MethodResult& vanilla = comparison.methods[1];
  EXPECT_EQ(vanilla.best_setting()->setting, (Setting{{"step_size", 0.05}}));  // 0.1 is faster where it gets there
  EXPECT_NEAR(vanilla.result().score->centre, 80.0, 1e-12);
  EXPECT_TRUE(vanilla.result().complete());
  EXPECT_TRUE(vanilla.edges.empty());
  EXPECT_EQ(comparison.methods[2].best, 0u);  // its only setting
  EXPECT_FALSE(comparison.methods[2].result().score);
}

TEST(Comparison, TiesGoToTheFirstOfTheGrid) {
  const Comparison comparison = compare({row("m", 0.2, 1, 5), row("m", 0.1, 1, 5), row("k", 1, 1, 5)}, kTimeToLoss);
  EXPECT_EQ(comparison.methods[0].method, "m");
  EXPECT_EQ(comparison.methods[0].best, 0u);
}

TEST(Comparison, NoSettingIsBestWhereNoneHasAScore) {
  const Comparison comparison = compare({row("m", 0.2, 1, kNever), row("m", 0.1, 1, kNever)}, kTimeToLoss);
  EXPECT_FALSE(comparison.methods[0].best);
  EXPECT_TRUE(comparison.methods[0].result().runs.empty());
}

TEST(Comparison, NothingIsDropped) {
  std::vector<RunRow> rows = {row("m", 1, 1, 5),
                              row("m", 1, 2, kNever),
                              ended(row("m", 1, 3, kNever), StopReason::updates),
                              ended(row("m", 1, 4, kNever), StopReason::gradients),
                              ended(row("m", 1, 5, kNever), StopReason::diverged),
                              ended(row("m", 1, 6, kNever), StopReason::interrupted),
                              ended(row("m", 1, 7, kNever), StopReason::method),
                              ended(row("m", 1, 8, kNever), StopReason::idle),
                              with_loss(row("m", 1, 9, kNever), NAN),
                              ended(row("m", 1, 10, 6), StopReason::diverged),
                              at_stage(row("m", 1, 12, kNever), Stage::not_started),
                              at_stage(row("m", 1, 13, kNever), Stage::running),
                              at_stage(row("m", 1, 14, kNever), Stage::broken_off),
                              ended(row("m", 1, 15, 6), StopReason::interrupted)};
  rows.push_back(ended(row("m", 1, 11, kNever), StopReason::interrupted));
  rows.back().pruned = true;
  const Comparison comparison = compare(rows, kTimeToLoss);
  const EndCounts& ends = comparison.methods[0].ends;
  EXPECT_EQ(ends[RunEnd::reached], 2u);  // one of them diverged later
  EXPECT_EQ(ends[RunEnd::capped], 3u);
  EXPECT_EQ(ends[RunEnd::diverged], 2u);
  EXPECT_EQ(ends[RunEnd::interrupted], 3u);  // one after it had reached the target: it is run again
  EXPECT_EQ(ends[RunEnd::stopped], 2u);
  EXPECT_EQ(ends[RunEnd::pruned], 1u);
  EXPECT_EQ(ends[RunEnd::running], 1u);
  EXPECT_EQ(ends[RunEnd::not_started], 1u);
  EXPECT_EQ(ends.total(), rows.size());
  EXPECT_EQ(ends.over(), rows.size() - 5);
  EXPECT_EQ(comparison.ends.total(), rows.size());
  EXPECT_FALSE(comparison.complete());
}

TEST(Comparison, WithoutATargetByTheLastValue) {
  const std::vector<RunRow> rows = {with_loss(row("a", 1, 1, kNever), 0.5), with_loss(row("a", 2, 1, kNever), 0.4),
                                    with_loss(row("b", 1, 1, kNever), 0.2),
                                    ended(with_loss(row("b", 2, 1, kNever), 0.1), StopReason::diverged)};
  const Comparison comparison = compare(rows, kFinalLoss);
  EXPECT_EQ(comparison.methods[0].method, "b");
  EXPECT_EQ(comparison.methods[0].result().score->centre, 0.2);
  EXPECT_EQ(comparison.methods[1].result().score->centre, 0.4);

  std::vector<RunRow> accuracies = rows;
  for (RunRow& run : accuracies) run.last_metrics[0].name = "accuracy";
  EXPECT_EQ(compare(accuracies, kFinalAccuracy).methods[0].method, "a");
  EXPECT_EQ(compare(accuracies, kFinalAccuracy).methods[0].best, 0u);
}

TEST(Comparison, EdgesOfTheGrid) {
  const auto edges = [](std::vector<double> losses, std::vector<Value> sizes) {
    std::vector<RunRow> rows;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      rows.push_back(row("m", 0, 1, losses[i]));
      rows.back().setting[0].second = sizes[i];
    }
    return compare(rows, kTimeToLoss).methods[0].edges;
  };
  EXPECT_TRUE(edges({3, 1, 2}, {0.1, 0.2, 0.4}).empty());
  EXPECT_EQ(edges({1, 2, 3}, {0.1, 0.2, 0.4}).at(0).side, GridEdge::Side::smallest);
  EXPECT_EQ(edges({3, 2, 1}, {0.1, 0.2, 0.4}).at(0).side, GridEdge::Side::largest);
  EXPECT_EQ(edges({3, 2, 1}, {0.1, 0.2, 0.4}).at(0).value, 0.4);
  EXPECT_TRUE(edges({1}, {0.1}).empty());                       // nothing to be at the edge of
  EXPECT_TRUE(edges({3, 2, 1}, {0.1, 0.2, INFINITY}).empty());  // beyond infinity is nothing
  EXPECT_TRUE(edges({3, 2, 1}, {0.1, 0.2, "auto"}).empty());    // and so is beyond a word
  EXPECT_EQ(edges({3, 1, 2}, {0.1, 0.2, "auto"}).at(0).side, GridEdge::Side::largest);
  EXPECT_TRUE(edges({3, 1}, {"auto", 0.2}).empty());  // the only number
}

// What is best on the search seeds is not best on those of the report, and is shown all the same.
TEST(Comparison, SearchSeedsChooseAndAreNotReported) {
  const std::vector<RunRow> rows = {for_search(row("m", 0.1, 11, 20)),
                                    for_search(row("m", 0.2, 11, 10)),
                                    row("m", 0.2, 1, 40),
                                    row("m", 0.2, 2, 90),
                                    row("k", 1, 1, 50),
                                    row("k", 1, 2, 50)};
  const Comparison comparison = compare(rows, kTimeToLoss);
  EXPECT_TRUE(comparison.complete() && comparison.searched());
  ASSERT_EQ(comparison.methods[0].method, "k");
  EXPECT_FALSE(comparison.methods[0].searched());
  const MethodResult& m = comparison.methods[1];
  EXPECT_EQ(m.best, 1u);
  EXPECT_THAT(m.result().runs, ElementsAre(2u, 3u));
  EXPECT_NEAR(m.result().score->centre, 60.0, 1e-12);
  EXPECT_EQ(m.search_ends.total(), 2u);
  EXPECT_EQ(m.ends.total(), 2u);
}

TEST(Comparison, WhatFailedTheSearchHasNoBest) {
  const Comparison comparison = compare(
      {for_search(row("m", 0.1, 11, kNever)), for_search(row("m", 0.2, 11, kNever)), row("k", 1, 1, 50)}, kTimeToLoss);
  EXPECT_TRUE(comparison.complete());
  EXPECT_FALSE(comparison.methods[1].best);
}

TEST(Comparison, RunsStillToBeChosenLeaveItIncomplete) {
  const Comparison comparison = compare({for_search(row("m", 0.1, 11, 5))}, kTimeToLoss, 3);
  EXPECT_FALSE(comparison.complete());
  EXPECT_EQ(comparison.total(), 4u);
  EXPECT_EQ(comparison.over(), 1u);
}

TEST(Comparison, WhatHasNotEndedIsInNoMean) {
  const Comparison comparison =
      compare({row("m", 1, 1, 5), at_stage(row("m", 1, 2, kNever), Stage::not_started)}, kTimeToLoss);
  const SeedsResult& runs = comparison.methods[0].result();
  EXPECT_EQ(mean_over(comparison, runs, [](const RunRow& run) { return run.utilisation; }), 0.987);
  EXPECT_FALSE(mean_over(comparison, SeedsResult{}, [](const RunRow& run) { return run.utilisation; }));
}

Pairing paired(const std::vector<std::optional<double>>& own, const std::vector<std::optional<double>>& other) {
  const Comparison comparison = compare(joined(rows_of("own", own), rows_of("other", other)), kTimeToLoss);
  const std::size_t first = comparison.methods[0].method == "own" ? 0 : 1;
  return pair(comparison, comparison.methods[first].result(), comparison.methods[1 - first].result());
}

// Ratios 2, 4, 8: 4 by their geometric mean, whatever the seeds took by themselves.
TEST(Pairing, RatiosOfTheSameSeeds) {
  const Pairing pairing = paired({20, 400, 8}, {10, 100, 1});
  EXPECT_NEAR(pairing.estimate->centre, 4.0, 1e-12);
  EXPECT_NEAR(std::log2(pairing.estimate->interval->low), 2.0 - 4.30265 / std::sqrt(3.0), 1e-5);
  EXPECT_NEAR(std::log2(pairing.estimate->interval->high), 2.0 + 4.30265 / std::sqrt(3.0), 1e-5);
  EXPECT_EQ(pairing.behind, 3u);
  EXPECT_FALSE(pairing.settled());  // from 0.7 to 22
  EXPECT_TRUE(paired({20, 400, 2}, {10, 200, 1}).settled());
}

TEST(Pairing, SeedsThatOneDidNotReachAreCounted) {
  const Pairing pairing = paired({20, kNever, 30, kNever, 7}, {10, 10, kNever, kNever, 7});
  EXPECT_NEAR(pairing.estimate->centre, std::sqrt(2.0), 1e-12);
  EXPECT_EQ(pairing.own_missing, 1u);
  EXPECT_EQ(pairing.other_missing, 1u);
  EXPECT_EQ(pairing.both_missing, 1u);
  EXPECT_EQ(pairing.left_out(), 3u);
  EXPECT_EQ(pairing.level, 1u);
  EXPECT_EQ(pairing.behind, 1u);
  EXPECT_FALSE(paired({kNever, 3}, {3, kNever}).estimate);
}

TEST(Pairing, TimesOfZero) {
  const Pairing pairing = paired({0, 0, 5, 6}, {0, 5, 0, 3});
  EXPECT_NEAR(pairing.estimate->centre, std::sqrt(2.0), 1e-12);  // of 1 and 2
  EXPECT_EQ(pairing.without_ratio, 2u);
  EXPECT_EQ(pairing.ahead, 1u);
  EXPECT_EQ(pairing.level, 1u);
  EXPECT_EQ(pairing.behind, 2u);
}

TEST(Pairing, MetricsByTheirDifference) {
  std::vector<RunRow> rows;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    rows.push_back(with_loss(row("a", 1, seed, kNever), 0.5));
    rows.push_back(with_loss(row("b", 1, seed, kNever), 0.25));
  }
  const Comparison comparison = compare(rows, kFinalLoss);
  const Pairing pairing = pair(comparison, comparison.methods[1].result(), comparison.methods[0].result());
  EXPECT_EQ(pairing.estimate->centre, 0.25);
  EXPECT_TRUE(pairing.settled());
}

// The method that touched the target first lost it again: by lasting time the other one wins.
TEST(Comparison, RanksByTheFirstHitOrByTheLastingOne) {
  RunRow early = ended(row("early", 1, 1, 10), StopReason::time), late = ended(row("late", 1, 1, 30), StopReason::time);
  early.lasting_time = 250;
  late.lasting_time = 40;
  Goal goal = kTimeToLoss;
  EXPECT_EQ(compare({early, late}, goal).methods[0].method, "early");
  goal.rank = Goal::Rank::lasting;
  EXPECT_EQ(compare({early, late}, goal).methods[0].method, "late");
  EXPECT_EQ(compare({early, late}, goal).methods[0].result().score->centre, 40.0);
  late.lasting_time.reset();
  EXPECT_EQ(end_of(late, goal), RunEnd::capped);
}

TEST(Comparison, OrdersAndWorkerTimeThatBoughtNothing) {
  const RunRow run = row("m", 1, 1, 5);  // 700 applied, 10 discarded, 240 cancelled, 50 lost; 750 s used, 250 s wasted
  EXPECT_EQ(run.share_of_orders(run.cancelled), 0.24);
  EXPECT_EQ(run.wasted_share(), 0.25);
  EXPECT_EQ(RunRow{}.share_of_orders(0), 0.0);
  EXPECT_EQ(RunRow{}.wasted_share(), 0.0);
}

// A grid of ten thousand runs is ordered in no time that anybody would notice.
TEST(Comparison, OfTenThousandRuns) {
  std::vector<RunRow> rows;
  for (int setting = 0; setting < 1000; ++setting)
    for (std::uint64_t seed = 1; seed <= 10; ++seed) rows.push_back(row("m", setting, seed, 1000.0 - setting));
  const Comparison comparison = compare(rows, kTimeToLoss);
  EXPECT_EQ(comparison.methods[0].best, 999u);
  EXPECT_EQ(comparison.ends[RunEnd::reached], 10'000u);
}

}  // namespace
}  // namespace tardigrad::report
