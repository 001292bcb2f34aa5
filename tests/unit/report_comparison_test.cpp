// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "record/file.hpp"
#include "record/json.hpp"
#include "record_test_support.hpp"
#include "report/comparison_files.hpp"
#include "report/comparison_text.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Goal kTimeToLoss{.metric = "loss", .direction = Target::Direction::at_most, .threshold = 0.001};
const Goal kFinalLoss{.metric = "loss", .direction = Target::Direction::at_most};
const Goal kFinalAccuracy{.metric = "accuracy", .direction = Target::Direction::at_least};

RunRow row(const std::string& method, double step_size, std::uint64_t seed, std::optional<double> time_to_target) {
  RunRow result;
  result.method = method;
  result.setting = {{"step_size", step_size}};
  result.seed = seed;
  result.reason = time_to_target ? StopReason::target : StopReason::time;
  result.time_to_target = time_to_target;
  result.time = time_to_target.value_or(300.0);
  result.updates = 1000;
  result.mean_delay = 2.5;
  result.delay_max = 9;
  result.clip_rate = 0.125;
  result.discarded_share = 0.01;
  result.utilisation = 0.987;
  result.last_metrics = {{"loss", time_to_target ? 0.001 : 0.5}};
  result.digest = "d";
  result.wall_seconds = 1.5;
  result.run_id = method + "/" + std::to_string(seed);
  return result;
}

RunRow ended(RunRow result, StopReason reason) {
  result.reason = reason;
  return result;
}

RunRow with_loss(RunRow result, double loss) {
  result.last_metrics = {{"loss", loss}};
  return result;
}

const std::optional<double> kNever;

std::vector<RunRow> example() {
  return {row("vanilla-asgd", 0.05, 1, 71), row("vanilla-asgd", 0.05, 2, 73),
          row("vanilla-asgd", 0.1, 1, 61),  ended(row("vanilla-asgd", 0.1, 2, kNever), StopReason::diverged),
          row("vanilla-asgd", 0.02, 1, 90), row("vanilla-asgd", 0.02, 2, 92),
          row("clipped-asgd", 0.1, 1, 41),  row("clipped-asgd", 0.1, 2, 43),
          row("naive", 0.1, 1, kNever),     row("naive", 0.1, 2, kNever)};
}

TEST(Comparison, BestHasMostSeedsThenLowestMean) {
  const Comparison comparison = compare(example(), kTimeToLoss);
  ASSERT_EQ(comparison.methods.size(), 3u);
  EXPECT_EQ(comparison.methods[0].method, "clipped-asgd");
  EXPECT_EQ(comparison.methods[1].method, "vanilla-asgd");
  EXPECT_EQ(comparison.methods[2].method, "naive");
  const SettingResult& best = comparison.methods[1].best_setting();
  EXPECT_EQ(best.setting, (Setting{{"step_size", 0.05}}));  // 0.1 is faster on the one seed that got there
  EXPECT_EQ(best.score->mean, 72.0);
  EXPECT_TRUE(best.complete());
  EXPECT_TRUE(comparison.methods[1].edges.empty());
  EXPECT_FALSE(comparison.methods[2].best_setting().score);
}

TEST(Comparison, TiesGoToTheFirstOfTheGrid) {
  const Comparison comparison = compare({row("m", 0.2, 1, 5), row("m", 0.1, 1, 5), row("k", 1, 1, 5)}, kTimeToLoss);
  EXPECT_EQ(comparison.methods[0].method, "m");
  EXPECT_EQ(comparison.methods[0].best, 0u);
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
                              ended(row("m", 1, 10, 6), StopReason::diverged)};
  rows.push_back(ended(row("m", 1, 11, kNever), StopReason::interrupted));
  rows.back().pruned = true;
  const Comparison comparison = compare(rows, kTimeToLoss);
  const EndCounts& ends = comparison.methods[0].ends;
  EXPECT_EQ(ends[RunEnd::reached], 2u);  // one of them diverged later
  EXPECT_EQ(ends[RunEnd::capped], 3u);
  EXPECT_EQ(ends[RunEnd::diverged], 2u);
  EXPECT_EQ(ends[RunEnd::interrupted], 1u);
  EXPECT_EQ(ends[RunEnd::stopped], 2u);
  EXPECT_EQ(ends[RunEnd::pruned], 1u);
  EXPECT_EQ(ends.total(), rows.size());
  EXPECT_EQ(comparison.ends.total(), rows.size());
  EXPECT_EQ(to_text(comparison.ends), "2 reached, 1 pruned, 2 diverged, 1 interrupted, 3 capped, 2 stopped");
}

TEST(Comparison, WithoutATargetByTheLastValue) {
  const std::vector<RunRow> rows = {with_loss(row("a", 1, 1, kNever), 0.5), with_loss(row("a", 2, 1, kNever), 0.4),
                                    with_loss(row("b", 1, 1, kNever), 0.2),
                                    ended(with_loss(row("b", 2, 1, kNever), 0.1), StopReason::diverged)};
  const Comparison comparison = compare(rows, kFinalLoss);
  EXPECT_EQ(comparison.methods[0].method, "b");
  EXPECT_EQ(comparison.methods[0].best_setting().score->mean, 0.2);
  EXPECT_EQ(comparison.methods[1].best_setting().score->mean, 0.4);

  std::vector<RunRow> accuracies = rows;
  for (RunRow& run : accuracies) run.last_metrics[0].name = "accuracy";
  EXPECT_EQ(compare(accuracies, kFinalAccuracy).methods[0].method, "a");
  EXPECT_EQ(compare(accuracies, kFinalAccuracy).methods[0].best, 0u);
}

TEST(Comparison, EdgesOfTheGrid) {
  const auto edges = [](std::vector<double> losses, std::vector<double> sizes) {
    std::vector<RunRow> rows;
    for (std::size_t i = 0; i < sizes.size(); ++i) rows.push_back(row("m", sizes[i], 1, losses[i]));
    return compare(rows, kTimeToLoss).methods[0].edges;
  };
  EXPECT_TRUE(edges({3, 1, 2}, {0.1, 0.2, 0.4}).empty());
  EXPECT_EQ(edges({1, 2, 3}, {0.1, 0.2, 0.4}).at(0).side, GridEdge::Side::smallest);
  EXPECT_EQ(edges({3, 2, 1}, {0.1, 0.2, 0.4}).at(0).side, GridEdge::Side::largest);
  EXPECT_EQ(edges({3, 2, 1}, {0.1, 0.2, 0.4}).at(0).value, 0.4);
  EXPECT_TRUE(edges({1}, {0.1}).empty());                       // nothing to be at the edge of
  EXPECT_TRUE(edges({3, 2, 1}, {0.1, 0.2, INFINITY}).empty());  // beyond infinity is nothing
}

TEST(ComparisonText, Sentences) {
  EXPECT_THAT(sentences(compare(example(), kTimeToLoss)),
              ElementsAre("clipped-asgd reaches loss <= 0.001 first, at 42 s (95 % CI 29.29 to 54.71, 2 seeds), "
                          "with step_size = 0.1.",
                          "vanilla-asgd needs 1.71x as long: 72 s (95 % CI 59.29 to 84.71, 2 seeds), "
                          "with step_size = 0.05.",
                          "naive never reached loss <= 0.001 (2 capped).",
                          "10 runs on 2 seeds: 7 reached, 1 diverged, 2 capped.",
                          "Each method is shown at its best setting, chosen on these same seeds."));
}

TEST(ComparisonText, OverlapIsSaid) {
  const std::vector<RunRow> rows = {row("a", 1, 1, 40), row("a", 1, 2, 44), row("b", 1, 1, 41), row("b", 1, 2, 45)};
  EXPECT_THAT(sentences(compare(rows, kTimeToLoss)),
              Contains("b needs 1.02x as long: 43 s (95 % CI 17.59 to 68.41, 2 seeds), with step_size = 1; the two "
                       "intervals overlap; a is ahead on 2 of 2 common seeds."));
}

TEST(ComparisonText, OneSeedSettlesNothing) {
  const std::vector<RunRow> rows = {row("a", 1, 1, 40), row("b", 1, 1, 80)};
  EXPECT_THAT(
      sentences(compare(rows, kTimeToLoss)),
      ElementsAre("a reaches loss <= 0.001 first, at 40 s (1 seed), with step_size = 1.",
                  "b needs 2.00x as long: 80 s (1 seed), with step_size = 1; one seed does not settle the order.",
                  "2 runs on 1 seed: 2 reached."));
}

TEST(ComparisonText, NobodyGotThere) {
  const std::vector<RunRow> rows = {row("a", 1, 1, kNever), ended(row("b", 1, 1, kNever), StopReason::diverged)};
  EXPECT_THAT(sentences(compare(rows, kTimeToLoss)),
              ElementsAre("No run reached loss <= 0.001.", "a never reached loss <= 0.001 (1 capped).",
                          "b never reached loss <= 0.001 (1 diverged).", "2 runs on 1 seed: 1 diverged, 1 capped."));
  EXPECT_THAT(sentences(compare({}, kTimeToLoss)), ElementsAre("There are no runs to compare."));
}

TEST(ComparisonText, AFlatteredMeanIsSaid) {
  const std::vector<RunRow> rows = {row("a", 1, 1, 40), row("a", 1, 2, 44), row("b", 1, 1, 20), row("b", 1, 2, kNever)};
  const Comparison comparison = compare(rows, kTimeToLoss);
  EXPECT_EQ(comparison.methods[0].method, "a");
  EXPECT_THAT(sentences(comparison),
              Contains("b, on the seeds where it gets there, needs 0.48x the time: 20 s (1 seed), with step_size = 1; "
                       "one seed does not settle the order."));
  EXPECT_THAT(sentences(comparison),
              Contains("b reaches loss <= 0.001 on 1 of 2 seeds only, even at its best setting; its mean leaves the "
                       "others out."));
  EXPECT_EQ(best_table(comparison).rows[1][4], "(0.48x)");
}

TEST(ComparisonText, TheEdgeIsSaid) {
  const std::vector<RunRow> rows = {row("a", 1, 1, 40), row("a", 2, 1, 30)};
  EXPECT_THAT(sentences(compare(rows, kTimeToLoss)),
              Contains("a: the best step_size, 2, is at the edge of the grid (the largest tried); a better one may lie "
                       "beyond."));
}

TEST(ComparisonText, WithoutATarget) {
  const std::vector<RunRow> rows = {with_loss(row("a", 1, 1, kNever), 0.5), with_loss(row("b", 1, 1, kNever), 0.2),
                                    ended(with_loss(row("c", 1, 1, kNever), 0.1), StopReason::interrupted)};
  EXPECT_THAT(
      sentences(compare(rows, kFinalLoss)),
      ElementsAre("b ends with the lowest loss, 0.2 (1 seed), with step_size = 1.",
                  "a ends with 0.5 (1 seed), 0.3 more than the best, with step_size = 1; one seed does not "
                  "settle the order.",
                  "c never came to a final loss (1 interrupted).", "3 runs on 1 seed: 1 interrupted, 2 capped."));
  EXPECT_EQ(best_table(compare(rows, kFinalLoss)).rows[1][4], "+0.3");
  EXPECT_THAT(sentences(compare({rows[2]}, kFinalLoss)), Contains("No run came to a final loss."));
}

TEST(ComparisonText, BestTable) {
  EXPECT_EQ(to_text(best_table(compare(example(), kTimeToLoss))),
            "method        best setting      s to loss <= 0.001         95 % CI  vs best  seeds  "
            "mean delay  clipped  discarded    busy  grid\n"
            "------------  ----------------  ------------------  --------------  -------  -----  "
            "----------  -------  ---------  ------  ---------------------\n"
            "clipped-asgd  step_size = 0.1                   42  29.29 to 54.71    1.00x    2/2      "
            "   2.5   12.5 %      1.0 %  98.7 %  2 reached\n"
            "vanilla-asgd  step_size = 0.05                  72  59.29 to 84.71    1.71x    2/2      "
            "   2.5   12.5 %      1.0 %  98.7 %  5 reached, 1 diverged\n"
            "naive         step_size = 0.1                    -               -        -    0/2      "
            "   2.5   12.5 %      1.0 %  98.7 %  2 capped\n");
}

TEST(ComparisonText, GridTableHasEveryRun) {
  EXPECT_EQ(
      to_text(grid_table(compare({row("b", 0.1, 1, 41), row("a", 0.5, 1, 40.5), row("a", 1, 1, kNever)}, kTimeToLoss))),
      "method  step_size  seed      end  s to target     s  updates   loss  mean delay  "
      "max delay  clipped  discarded    busy  run\n"
      "------  ---------  ----  -------  -----------  ----  -------  -----  ----------  "
      "---------  -------  ---------  ------  ---\n"
      "a *           0.5     1  reached         40.5  40.5     1000  0.001         2.5         "
      " 9   12.5 %      1.0 %  98.7 %  a/1\n"
      "a               1     1   capped            -   300     1000    0.5         2.5         "
      " 9   12.5 %      1.0 %  98.7 %  a/1\n"
      "b *           0.1     1  reached           41    41     1000  0.001         2.5         "
      " 9   12.5 %      1.0 %  98.7 %  b/1\n");
}

TEST(ComparisonText, Page) {
  const Comparison comparison = compare(example(), kTimeToLoss);
  EXPECT_THAT(comparison_page(comparison, Markup::text), HasSubstr("\nmethod        best setting"));
  const std::string page = comparison_page(comparison, Markup::markdown);
  EXPECT_THAT(page, HasSubstr("# Comparison by loss <= 0.001\n\n- clipped-asgd reaches"));
  EXPECT_THAT(page, HasSubstr("\n## All runs\n\n| method "));
  EXPECT_EQ(comparison_page(compare({}, kTimeToLoss), Markup::text), "There are no runs to compare.\n");
}

TEST(Tables, Markdown) {
  const Table table{.columns = {{"a|b"}, {"n", Column::Align::right}}, .rows = {{"γ", "10"}, {"x", "-"}}};
  EXPECT_EQ(to_markdown(table), "| a\\|b |   n |\n| ---- | --: |\n| γ    |  10 |\n| x    |   - |\n");
  EXPECT_EQ(to_text(table), "a|b   n\n---  --\nγ    10\nx     -\n");
  const Table wrapped{.columns = {{"a"}, {.header = "b", .wrap = 7}},
                      .rows = {{"1", "one two three"}, {"2", "unbreakable"}}};
  EXPECT_EQ(to_text(wrapped), "a  b\n-  -----------\n1  one two\n   three\n\n2  unbreakable\n");
  EXPECT_EQ(to_markdown(wrapped).find("one two three") != std::string::npos, true);
  EXPECT_DEATH(to_text({.columns = {{"a"}}, .rows = {{"1", "2"}}}), "2 cells in a table of 1 columns");
}

TEST(ComparisonFiles, Csv) {
  std::vector<RunRow> rows = {row("a", 0.1, 1, 41.25), with_loss(row("b", INFINITY, 2, kNever), NAN)};
  rows[0].run_id = "a, \"1\"";
  rows[1].setting.push_back({"delay_limit", 40});
  EXPECT_EQ(to_csv(compare(rows, kTimeToLoss)),
            "run_id,method,step_size,delay_limit,seed,end,reason,time_to_target,time,updates,mean_delay,delay_max,"
            "clip_rate,discarded_share,utilisation,loss,digest,wall_seconds\n"
            "\"a, \"\"1\"\"\",a,0.1,,1,reached,target,41.25,41.25,1000,2.5,9,0.125,0.01,0.987,0.001,d,1.5\n"
            "b/2,b,inf,40,2,diverged,time,,300,1000,2.5,9,0.125,0.01,0.987,nan,d,1.5\n");
}

TEST(ComparisonFiles, JsonHoldsEverything) {
  std::vector<RunRow> rows = example();
  rows[9].setting[0].second = INFINITY;
  const record::Json json = record::Json::parse(to_json_text(compare(rows, kTimeToLoss)));
  EXPECT_EQ(json["format"], 1);
  EXPECT_EQ(json["goal"]["threshold"], 0.001);
  EXPECT_EQ(json["goal"]["direction"], "at_most");
  EXPECT_EQ(json["runs"].size(), rows.size());
  EXPECT_EQ(json["runs"][9]["setting"]["step_size"], "inf");
  EXPECT_TRUE(json["runs"][9]["time_to_target"].is_null());
  EXPECT_EQ(json["runs"][0]["time_to_target"], 71.0);
  EXPECT_EQ(json["methods"][0]["method"], "clipped-asgd");
  EXPECT_EQ(json["methods"][0]["best"]["score"]["mean"], 42.0);
  EXPECT_EQ(json["methods"][0]["best"]["score"]["confidence_interval_95"].size(), 2u);
  EXPECT_EQ(json["methods"][1]["settings"].size(), 3u);
  EXPECT_EQ(json["methods"][1]["ratio_to_best"], 72.0 / 42.0);
  EXPECT_TRUE(json["methods"][2]["ratio_to_best"].is_null());
  EXPECT_TRUE(json["methods"][2]["best"]["score"].is_null());
  EXPECT_EQ(json["ends"]["reached"], 7);
  EXPECT_FALSE(json["sentences"].empty());
  EXPECT_EQ(record::Json::parse(to_json_text(compare({}, kFinalLoss)))["goal"]["threshold"], nullptr);
}

TEST(ComparisonFiles, AreWritten) {
  const record::TemporaryDirectory directory;
  const Comparison comparison = compare(example(), kTimeToLoss);
  write_comparison(directory.path(), comparison);
  EXPECT_EQ(record::read_file(directory / "compare.json"), to_json_text(comparison));
  EXPECT_EQ(record::read_file(directory / "compare.csv"), to_csv(comparison));
  EXPECT_EQ(record::read_file(directory / "compare.md"), comparison_page(comparison, Markup::markdown));
  EXPECT_EQ(record::read_file(directory / "compare.txt"), comparison_page(comparison, Markup::text));
  EXPECT_THROW(write_comparison("/nonexistent", comparison), Error);
}

}  // namespace
}  // namespace tardigrad::report
