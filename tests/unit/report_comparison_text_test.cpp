// SPDX-License-Identifier: Apache-2.0
// What is said of a comparison: sentences, tables, files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "record/file.hpp"
#include "record/json.hpp"
#include "record_test_support.hpp"
#include "report/comparison_files.hpp"
#include "report/comparison_sentences.hpp"
#include "report/comparison_text.hpp"
#include "report_comparison_support.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Stage = RunRow::Stage;

TEST(ComparisonText, Sentences) {
  EXPECT_THAT(
      sentences(compare(example(), kTimeToLoss)),
      ElementsAre(
          "clipped-asgd reaches loss <= 0.001 first, at 40 s (2 seeds: 32 and 50 s), with step_size = 0.1.",
          "vanilla-asgd needs 2x as long (2x and 2x on 2 seeds): 80 s (2 seeds: 64 and 100 s), with step_size = "
          "0.05; two seeds do not settle the order.",
          "naive never reached loss <= 0.001 (2 capped).", "10 runs on 2 seeds: 7 reached, 1 diverged, 2 capped.",
          "Each method is shown at its best setting, chosen on these same seeds, which flatters it, the more "
          "the larger its grid; `search_seeds` in [compare] chooses on others."));
}

TEST(ComparisonText, ThreeSeedsHaveAnInterval) {
  const auto said = [](std::vector<std::optional<double>> slow) {
    return sentences(compare(joined(rows_of("a", {10, 20, 40}), rows_of("b", slow)), kTimeToLoss)).at(1);
  };
  EXPECT_EQ(said({20, 40, 80}),
            "b needs 2x as long (95 % CI 2x to 2x, paired over 3 seeds): 40 s (95 % CI 7.149 to 223.8, 3 seeds), with "
            "step_size = 1.");
  EXPECT_EQ(
      said({11, 19, 60}),
      "b needs 1.16x as long (95 % CI 0.651x to 2.07x, paired over 3 seeds): 23.23 s (95 % CI 2.703 to 199.7, 3 "
      "seeds), with step_size = 1; the interval holds 1, so the order is not settled: a is ahead on 2 of 3 seeds.");
  EXPECT_THAT(said({10, 40, 40}), HasSubstr("a is ahead on 1 of 3 seeds, level on 2."));
}

TEST(ComparisonText, OneSeedSettlesNothing) {
  EXPECT_THAT(sentences(compare(joined(rows_of("a", {40}), rows_of("b", {80})), kTimeToLoss)),
              ElementsAre("a reaches loss <= 0.001 first, at 40 s (1 seed), with step_size = 1.",
                          "b needs 2x as long (on 1 seed): 80 s (1 seed), with step_size = 1; one seed does not settle "
                          "the order.",
                          "2 runs on 1 seed: 2 reached."));
}

TEST(ComparisonText, NobodyIsFirstInATie) {
  EXPECT_THAT(sentences(compare(joined(rows_of("a", {40, 50, 60}), rows_of("b", {40, 50, 60})), kTimeToLoss)),
              AllOf(Contains(HasSubstr("a reaches loss <= 0.001 at 49.32 s")),
                    Contains(HasSubstr("the order is not settled: a is ahead on 0 of 3 seeds, level on 3."))));
}

TEST(ComparisonText, NobodyGotThere) {
  const std::vector<RunRow> rows = {row("a", 1, 1, kNever), ended(row("b", 1, 1, kNever), StopReason::diverged),
                                    ended(row("b", 2, 1, kNever), StopReason::diverged)};
  EXPECT_THAT(sentences(compare(rows, kTimeToLoss)),
              ElementsAre("No run reached loss <= 0.001.", "a never reached loss <= 0.001 (1 capped).",
                          "b never reached loss <= 0.001, at any of its 2 settings (2 diverged).",
                          "3 runs on 1 seed: 2 diverged, 1 capped."));
  EXPECT_THAT(sentences(compare({}, kTimeToLoss)), ElementsAre("There are no runs to compare."));
}

TEST(ComparisonText, AFlatteredAverageIsSaid) {
  const Comparison comparison = compare(joined(rows_of("a", {32, 50}), rows_of("b", {16, kNever})), kTimeToLoss);
  EXPECT_EQ(comparison.methods[0].method, "a");
  EXPECT_THAT(sentences(comparison),
              ElementsAre("a reaches loss <= 0.001 on the most seeds (2 of 2), at 40 s (2 seeds: 32 and 50 s), with "
                          "step_size = 1.",
                          "b, on the seeds where it gets there, needs 0.5x the time (on 1 seed): 16 s (1 seed), with "
                          "step_size = 1; one seed does not settle the order; left out: 1 where b did not get there, "
                          "which flatters b.",
                          "b reaches loss <= 0.001 on 1 of 2 seeds only (1 capped); its average leaves the others out.",
                          "4 runs on 2 seeds: 3 reached, 1 capped."));
  EXPECT_EQ(best_table(comparison).rows[1][2], "(16)");
  EXPECT_EQ(best_table(comparison).rows[1][4], "0.5x on 1 of 2 seeds");
}

TEST(ComparisonText, WithoutACommonSeedThereIsNoRatio) {
  const Comparison comparison =
      compare(joined(rows_of("a", {32, 50, kNever}), rows_of("b", {kNever, kNever, 16})), kTimeToLoss);
  EXPECT_THAT(sentences(comparison)[2],
              AllOf(HasSubstr("b, on the seeds where it gets there, needs 16 s (1 seed)"),
                    HasSubstr("there is no seed that would tell the two apart; left out: 2 where b did not get there, "
                              "1 where a did not get there, which flatters b.")));
  EXPECT_EQ(best_table(comparison).rows[1][4], "n/a");
}

TEST(ComparisonText, ATargetThatIsMetAtTheStartIsToldOf) {
  const Comparison comparison = compare(joined(rows_of("a", {0, 0, 0}), rows_of("b", {0, 0, 0})), kTimeToLoss);
  EXPECT_THAT(sentences(comparison),
              ElementsAre("a reaches loss <= 0.001 at 0 s (values from 0 to 0, 3 seeds), with step_size = 1.",
                          "b needs 1x as long (95 % CI 1x to 1x, paired over 3 seeds): 0 s (values from 0 to 0, 3 "
                          "seeds), with step_size = 1; the interval holds 1, so the order is not settled: a is ahead "
                          "on 0 of 3 seeds, level on 3.",
                          "Warning: 6 runs met loss <= 0.001 at time 0, before any update: of the methods that says "
                          "nothing.",
                          "6 runs on 3 seeds: 6 reached."));
  EXPECT_EQ(record::Json::parse(to_json_text(comparison))["methods"][1]["ratio_to_best"]["estimate"]["geometric_mean"],
            1.0);
}

TEST(ComparisonText, TheEdgeIsSaid) {
  const std::vector<RunRow> rows = {row("a", 1, 1, 40), row("a", 2, 1, 30)};
  EXPECT_THAT(sentences(compare(rows, kTimeToLoss)),
              Contains("a: the best step_size, 2, is at the edge of the grid (the largest tried); a better one may lie "
                       "beyond."));
}

TEST(ComparisonText, WithoutATarget) {
  const std::vector<RunRow> rows = {with_loss(row("a", 1, 1, kNever), 0.5), with_loss(row("b", 1, 1, kNever), 0.2),
                                    ended(with_loss(row("c", 1, 1, kNever), 0.1), StopReason::diverged)};
  EXPECT_THAT(sentences(compare(rows, kFinalLoss)),
              ElementsAre("b ends with the lowest loss, 0.2 (1 seed), with step_size = 1.",
                          "a ends with 0.5 (1 seed), 0.3 more than b (on 1 seed), with step_size = 1; one seed does "
                          "not settle the order.",
                          "c never came to a final loss (1 diverged).", "3 runs on 1 seed: 1 diverged, 2 capped."));
  EXPECT_EQ(best_table(compare(rows, kFinalLoss)).rows[1][4], "+0.3");
  EXPECT_THAT(sentences(compare({rows[2]}, kFinalLoss)), Contains("No run came to a final loss."));
}

// ---- search seeds

TEST(ComparisonText, TheSearchIsToldApart) {
  const std::vector<RunRow> rows = {for_search(row("m", 0.1, 11, 20)),
                                    for_search(row("m", 0.2, 11, 10)),
                                    row("m", 0.2, 1, 40),
                                    row("m", 0.2, 2, 90),
                                    row("k", 1, 1, 50),
                                    row("k", 1, 2, 50)};
  const Comparison comparison = compare(rows, kTimeToLoss);
  const std::vector<std::string> text = sentences(comparison);
  EXPECT_THAT(text, Contains("Search: 2 runs on 1 search seed: 2 reached. Report: 4 runs on 2 seeds: 4 reached."));
  EXPECT_EQ(text.back(), "Settings were chosen on the search seeds, which are in no other figure.");
  const Table best = best_table(comparison);
  EXPECT_EQ(best.columns[13].header, "search");
  EXPECT_EQ(best.rows[1][13], "2 reached");
  EXPECT_EQ(best.rows[1][14], "2 reached");
  EXPECT_THAT(to_text(grid_table(comparison)), AllOf(HasSubstr("m *           0.2  search"), HasSubstr("report")));
}

TEST(ComparisonText, WhoFailedTheSearchOrTheReport) {
  const std::vector<RunRow> rows = {for_search(row("m", 0.1, 11, kNever)), for_search(row("m", 0.2, 11, kNever)),
                                    for_search(row("k", 0.1, 11, kNever)), for_search(row("k", 0.2, 11, 9)),
                                    row("k", 0.2, 1, kNever)};
  const Comparison comparison = compare(rows, kTimeToLoss);
  EXPECT_THAT(sentences(comparison),
              AllOf(Contains("No run of the report reached loss <= 0.001."),
                    Contains("m never reached loss <= 0.001 on the search seeds, at any of its 2 settings (2 capped): "
                             "none was chosen, and it was not run on the seeds of the report."),
                    Contains("k, with step_size = 0.2, never reached loss <= 0.001 on the seeds of the report (1 "
                             "capped); on the search seeds this setting had 1 reached.")));
  EXPECT_EQ(best_table(comparison).rows[0][1], "-");
}

// ---- before all runs are over

std::vector<RunRow> broken_off() {
  std::vector<RunRow> rows = rows_of("a", {40, 50});
  rows.push_back(ended(row("b", 1, 1, kNever), StopReason::interrupted));
  rows.push_back(at_stage(row("b", 1, 2, kNever), Stage::running));
  for (std::uint64_t seed = 1; seed <= 2; ++seed)
    rows.push_back(at_stage(row("ringmaster", 1, seed, kNever), Stage::not_started));
  return rows;
}

TEST(ComparisonText, NothingIsAResultBeforeAllRunsAreOver) {
  const Comparison comparison = compare(broken_off(), kTimeToLoss);
  const std::string headline =
      "INCOMPLETE: 2 of 6 runs are over (1 interrupted, 1 running, 2 not started). No result is told before all are.";
  EXPECT_THAT(sentences(comparison),
              ElementsAre(headline, "a so far: 2 reached.", "b so far: 1 interrupted, 1 running.",
                          "ringmaster so far: 2 not started."));
  EXPECT_THAT(comparison_page(comparison, Markup::text),
              AllOf(StartsWith(headline), HasSubstr("\nSo far:\n"), Not(HasSubstr("never"))));
  EXPECT_THAT(comparison_page(comparison, Markup::markdown),
              AllOf(StartsWith("# INCOMPLETE comparison by loss <= 0.001\n\n- INCOMPLETE: 2 of 6"),
                    HasSubstr("## Best settings so far")));
  const Table best = best_table(comparison);
  EXPECT_EQ(best.rows[0][4], "-");
  EXPECT_THAT(best.rows[2], ElementsAre("ringmaster", "step_size = 1", "-", "-", "-", "0/2", "-", "-", "-", "-", "-",
                                        "-", "-", "2 not started"));
  EXPECT_THAT(to_text(grid_table(comparison)), HasSubstr("not started            -    -        -      -"));
}

TEST(ComparisonText, AMethodWhoseSettingIsNotChosenYet) {
  const std::vector<RunRow> rows = {for_search(row("m", 0.1, 11, 20)),
                                    at_stage(for_search(row("m", 0.2, 11, kNever)), Stage::not_started)};
  EXPECT_THAT(sentences(compare(rows, kTimeToLoss, 3)),
              ElementsAre("INCOMPLETE: 1 of 5 runs are over (1 not started, 3 on the seeds of the report, which wait "
                          "for the search). No result is told before all are.",
                          "m so far: search 1 reached, 1 not started; report: its setting is not chosen yet."));
}

TEST(ComparisonFiles, OfAnIncompleteComparisonSaySo) {
  const Comparison comparison = compare(broken_off(), kTimeToLoss);
  const record::Json json = record::Json::parse(to_json_text(comparison));
  EXPECT_EQ(json["complete"], false);
  EXPECT_EQ(json["ends"]["not_started"], 2);
  EXPECT_TRUE(json["methods"][0]["ratio_to_best"].is_null());
  EXPECT_EQ(json["runs"][4]["end"], "not_started");
  EXPECT_TRUE(json["runs"][4]["reason"].is_null());
  EXPECT_TRUE(json["runs"][4]["updates"].is_null());
  const std::string csv = to_csv(comparison);
  EXPECT_THAT(csv, HasSubstr("\nINCOMPLETE,a/1,a,1,report,1,reached,target,40,"));
  EXPECT_THAT(csv, HasSubstr("\nINCOMPLETE,ringmaster/2,ringmaster,1,report,2,not_started,,,,,,,,,,,,,,,,,,,\n"));
}

// ---- tables and files

TEST(ComparisonText, BestTable) {
  EXPECT_EQ(to_text(best_table(compare(example(), kTimeToLoss))),
            "method        best setting      s to loss <= 0.001  95 % CI, or both         vs best  seeds  mean delay  "
            "clipped  discarded  cancelled   lost  wasted    busy  grid\n"
            "------------  ----------------  ------------------  ----------------  --------------  -----  ----------  "
            "-------  ---------  ---------  -----  ------  ------  ---------------------\n"
            "clipped-asgd  step_size = 0.1                   40         32 and 50              1x    2/2         2.5  "
            " 12.5 %      1.0 %     24.0 %  5.0 %  25.0 %  98.7 %  2 reached\n"
            "vanilla-asgd  step_size = 0.05                  80        64 and 100  2x (2x and 2x)    2/2         2.5  "
            " 12.5 %      1.0 %     24.0 %  5.0 %  25.0 %  98.7 %  5 reached, 1 diverged\n"
            "naive         step_size = 0.1                    -                 -               -    0/2         2.5  "
            " 12.5 %      1.0 %     24.0 %  5.0 %  25.0 %  98.7 %  2 capped\n");
}

TEST(ComparisonText, GridTableHasEveryRun) {
  EXPECT_EQ(
      to_text(grid_table(compare({row("b", 0.1, 1, 41), row("a", 0.5, 1, 40.5), row("a", 1, 1, kNever)}, kTimeToLoss))),
      "method  step_size  seed      end  s to target     s  updates   loss  mean delay  max delay  clipped  discarded  "
      "cancelled  lost  wasted s    busy  run\n"
      "------  ---------  ----  -------  -----------  ----  -------  -----  ----------  ---------  -------  ---------  "
      "---------  ----  --------  ------  ---\n"
      "a *           0.5     1  reached         40.5  40.5     1000  0.001         2.5          9   12.5 %         10  "
      "      240    50       250  98.7 %  a/1\n"
      "a               1     1   capped            -   300     1000    0.5         2.5          9   12.5 %         10  "
      "      240    50       250  98.7 %  a/1\n"
      "b *           0.1     1  reached           41    41     1000  0.001         2.5          9   12.5 %         10  "
      "      240    50       250  98.7 %  b/1\n");
}

// 100 evaluations after the first hit of which 30 met the target, and 20 of which 18 did.
TEST(ComparisonText, ATargetThatNoiseMetIsToldOf) {
  std::vector<RunRow> rows = joined(rows_of("a", {40}), rows_of("b", {50}));
  rows[0].later = 100;
  rows[0].later_met = 30;
  rows[1].later = 20;
  rows[1].later_met = 18;
  Goal goal = kTimeToLoss;
  EXPECT_THAT(
      sentences(compare(rows, goal)),
      AllOf(Contains("Warning: a missed loss <= 0.001 at 70 of 100 evaluations after it had met it first: noise "
                     "met it, for a moment. Ask for more with target = { ..., hold = 3 }, or rank with rank_by "
                     "= \"lasting\"."),
            Not(Contains(HasSubstr("Warning: b")))));
  const Table best = best_table(compare(rows, goal));
  EXPECT_EQ(best.columns[13].header, "later met");
  EXPECT_EQ(best.rows[0][13], "30.0 %");
  goal.hold = 3;
  goal.rank = Goal::Rank::lasting;
  rows[0].lasting_time = 60;
  EXPECT_THAT(sentences(compare(rows, goal)),
              AllOf(Contains("a reaches loss <= 0.001, 3 evaluations in a row for good first, at 60 s (1 seed), with "
                             "step_size = 1."),
                    Contains(HasSubstr("met it, for a moment. Ask for more with target = { ..., hold = 3 }."))));
  EXPECT_EQ(record::Json::parse(to_json_text(compare(rows, goal)))["goal"]["score"], "lasting_time");
}

TEST(ComparisonText, WordsAndTruthValuesAreSettings) {
  std::vector<RunRow> rows = {row("a", 1, 1, 40), row("a", 1, 1, 50)};
  rows[0].setting = {{"clip_radius", "auto"}, {"stop", true}};
  rows[1].setting = {{"clip_radius", 2.0}, {"stop", true}};
  const Comparison comparison = compare(rows, kTimeToLoss);
  EXPECT_EQ(comparison.methods[0].settings.size(), 2u);
  EXPECT_EQ(best_table(comparison).rows[0][1], "clip_radius = auto, stop = true");
  EXPECT_THAT(to_csv(comparison), HasSubstr("complete,a/1,a,auto,true,report,1,reached"));
  const record::Json json = record::Json::parse(to_json_text(comparison));
  EXPECT_EQ(json["runs"][0]["setting"]["clip_radius"], "auto");
  EXPECT_EQ(json["runs"][0]["setting"]["stop"], true);
  EXPECT_EQ(json["runs"][1]["setting"]["clip_radius"], 2.0);
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
  rows[1].setting.push_back({"delay_limit", 40.0});
  EXPECT_EQ(
      to_csv(compare(rows, kTimeToLoss)),
      "comparison,run_id,method,step_size,delay_limit,for,seed,end,reason,time_to_target,lasting_time,time,"
      "updates,mean_delay,delay_max,clip_rate,applied,discarded,cancelled,lost,not_finite,used_seconds,"
      "wasted_seconds,utilisation,loss,digest,wall_seconds\n"
      "complete,\"a, \"\"1\"\"\",a,0.1,,report,1,reached,target,41.25,,41.25,1000,2.5,9,0.125,700,10,240,50,0,750,"
      "250,0.987,0.001,d,1.5\n"
      "complete,b/2,b,inf,40,report,2,diverged,time,,,300,1000,2.5,9,0.125,700,10,240,50,0,750,250,0.987,nan,d,"
      "1.5\n");
}

TEST(ComparisonText, WhatIsComparedIsNotPrivate) {
  std::vector<RunRow> rows = {row("clipped-asgd", 0.1, 1, 32.0), row("clipped-asgd", 0.1, 2, 50.0),
                              row("vanilla-asgd", 0.1, 1, 64.0), row("vanilla-asgd", 0.1, 2, 80.0)};
  const std::string plain = sentences(compare(rows, kTimeToLoss)).back();
  EXPECT_THAT(plain, testing::Not(HasSubstr("privacy")));
  rows[0].epsilon = 2.5;
  rows[1].epsilon = 3.5;
  EXPECT_EQ(
      sentences(compare(rows, kTimeToLoss)).back(),
      "clipped-asgd kept an account of privacy, epsilon up to 3.5: what is compared here is exact, and no epsilon "
      "covers it, nor the choice of a setting by it.");
}

TEST(ComparisonFiles, JsonHoldsEverything) {
  std::vector<RunRow> rows = example();
  rows[9].setting[0].second = INFINITY;
  const record::Json json = record::Json::parse(to_json_text(compare(rows, kTimeToLoss)));
  EXPECT_EQ(json["format"], 2);
  EXPECT_EQ(json["complete"], true);
  EXPECT_EQ(json["goal"]["threshold"], 0.001);
  EXPECT_EQ(json["goal"]["direction"], "at_most");
  EXPECT_EQ(json["runs"].size(), rows.size());
  EXPECT_EQ(json["runs"][9]["setting"]["step_size"], "inf");
  EXPECT_TRUE(json["runs"][9]["time_to_target"].is_null());
  EXPECT_EQ(json["runs"][0]["time_to_target"], 64.0);
  EXPECT_EQ(json["methods"][0]["method"], "clipped-asgd");
  EXPECT_NEAR(json["methods"][0]["best"]["score"]["geometric_mean"].get<double>(), 40.0, 1e-12);
  EXPECT_TRUE(json["methods"][0]["best"]["score"]["confidence_interval_95"].is_null());  // of two seeds
  EXPECT_THAT(json["methods"][0]["best"]["score"]["values"], ElementsAre(32.0, 50.0));
  EXPECT_EQ(json["methods"][1]["settings"].size(), 3u);
  EXPECT_NEAR(json["methods"][1]["ratio_to_best"]["estimate"]["geometric_mean"].get<double>(), 2.0, 1e-12);
  EXPECT_EQ(json["methods"][1]["ratio_to_best"]["behind"], 2);
  EXPECT_TRUE(json["methods"][2]["ratio_to_best"].is_null());
  EXPECT_TRUE(json["methods"][2]["best"].is_null());  // none of its two settings got there
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
