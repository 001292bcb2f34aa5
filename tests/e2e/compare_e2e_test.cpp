// SPDX-License-Identifier: Apache-2.0
// Comparisons as a user makes them: chosen settings, broken off, pruned, in several worlds.
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Not;
using testing::StartsWith;

const fs::path kScenario = fs::path(TARDIGRAD_SOURCE_DIR) / "scenarios" / "quadratic.toml";

TEST_F(Program, ComparesInSeveralWorlds) {
  write("worlds.toml", R"(
[problem]
name = "quadratic"
[workers]
count = 4
compute_time = [1, 1, 3, 7]
[run]
stop = { time = 60 }
[compare]
seeds = [1]
[[compare.worlds]]
label = "equal"
[[compare.worlds]]
label = "shifted"
problem.heterogeneity = { shift = 1.0 }
[[compare.methods]]
name = "vanilla-asgd"
step_size = 0.1
[[compare.methods]]
name = "minibatch-sgd"
step_size = 0.5
worlds = ["shifted"]
)");
  const Finished finished = run({"compare", "worlds.toml", "--out", "c", "--json", "-q"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const json both = json::parse(finished.out);
  EXPECT_EQ(both["equal"], json::parse(read(folder_ / "c" / "equal" / "compare.json")));
  EXPECT_EQ(both["shifted"], json::parse(read(folder_ / "c" / "shifted" / "compare.json")));
  EXPECT_EQ(both["equal"]["runs"].size(), 1u);
  EXPECT_EQ(both["shifted"]["runs"].size(), 2u);
  const Finished again = run({"compare", "worlds.toml", "--out", "c"});
  EXPECT_THAT(again.err, HasSubstr("3 of them are there already"));
  EXPECT_THAT(again.out, AllOf(HasSubstr("# equal"), HasSubstr("# shifted")));
}

// Each run's first file is not older than the last file of the run before.
TEST_F(Program, ComparesOnRealThreadsOneRunAfterAnother) {
  write("threads.toml",
        "problem = { name = 'quadratic' }\n"
        "workers = { count = 2, compute_time = [1, 4] }\n"
        "run = { runtime = 'threads', time_scale = 1e-3, stop = { updates = 30 } }\n"
        "compare = { seeds = [1, 2], methods = [ { name = 'vanilla-asgd', step_size = [0.1, 0.2] } ] }\n");
  const Finished finished = run({"compare", "threads.toml", "--out", "c", "--threads", "2"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("4 runs: 2 grid points x 2 seeds, on real threads, one after another"));
  std::map<fs::file_time_type, fs::file_time_type> runs;  // begin and end
  for (const auto& entry : fs::directory_iterator(folder_ / "c" / "runs")) {
    EXPECT_EQ(summary(entry.path().string())["runtime"]["name"], "threads");
    runs[fs::last_write_time(entry.path() / "scenario.toml")] = fs::last_write_time(entry.path() / "summary.json");
  }
  ASSERT_EQ(runs.size(), 4u);
  for (auto run = runs.begin(); std::next(run) != runs.end(); ++run) EXPECT_LE(run->second, std::next(run)->first);
}

TEST_F(Program, CompareTellsWhoIsFirst) {
  const Finished finished = run({"compare", kScenario, "--out", "c", "--threads", "2"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  for (const char* file : {"compare.json", "compare.csv", "compare.md", "compare.txt", "curves.svg"})
    EXPECT_TRUE(fs::exists(folder_ / "c" / file)) << file;
  EXPECT_THAT(finished.out, HasSubstr("27 runs on 3 seeds"));
  const std::string csv = read(folder_ / "c" / "compare.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 28);  // a header and every run
}

// Killed outright in the middle; the same command goes on, keeps what was finished, and ends with the same results.
TEST_F(Program, ABrokenOffComparisonGoesOn) {
  const std::vector<std::string> words = {"compare",   kScenario,
                                          "--out",     "c",
                                          "--threads", "1",
                                          "--set",     "run.stop.updates=400000",
                                          "--set",     "run.target.at_most=1e-30",
                                          "--set",     "run.evaluate_every.time=1000"};
  std::vector<std::string> elsewhere = words;
  elsewhere[3] = "whole";
  ASSERT_EQ(run(elsewhere).code, 0);

  const pid_t pid = start(words);
  const auto finished_runs = [&] {
    int count = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder_ / "c" / "runs", none))
      count += fs::exists(entry.path() / "summary.json");
    return count;
  };
  while (finished_runs() < 3) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  kill(pid, SIGKILL);
  EXPECT_EQ(finish(pid).code, 128 + SIGKILL);
  const int kept = finished_runs();
  ASSERT_LT(kept, 27);

  const Finished rest = run(words);
  EXPECT_EQ(rest.code, 0);
  EXPECT_THAT(rest.err, HasSubstr(std::to_string(kept) + " of them are there already"));
  json a = json::parse(read(folder_ / "whole" / "compare.json")), b = json::parse(read(folder_ / "c" / "compare.json"));
  ASSERT_EQ(a["runs"].size(), 27u);
  for (std::size_t i = 0; i < 27; ++i) EXPECT_EQ(a["runs"][i]["digest"], b["runs"][i]["digest"]);
}

const char* const kSearch = R"(
[problem]
name = "quadratic"
noise = { kind = "gaussian", scale = 1.0 }
[workers]
count = 4
compute_time = [1, 1, 3, 7]
[run]
stop = { time = 300 }
target = { metric = "loss", at_most = 0.5 }
evaluate_every = { time = 1.0 }
[compare]
seeds = [1, 2, 3]
search_seeds = [11, 12]
[[compare.methods]]
name = "clipped-asgd"
step_size = [0.001, 0.1]
clip_radius = [1.0, "auto"]
[[compare.methods]]
name = "vanilla-asgd"
step_size = [1e-6, 1e-7]
[[compare.methods]]
name = "minibatch-sgd"
step_size = 0.5
)";

TEST_F(Program, CompareChoosesOnSeedsThatItDoesNotReport) {
  write("search.toml", kSearch);
  const Finished finished = run({"compare", "search.toml", "--out", "c"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  // 4 + 2 settings on two search seeds; then the chosen one and the only one of minibatch-sgd on three.
  EXPECT_THAT(finished.err,
              AllOf(HasSubstr("at most 21 runs: 7 grid points, where there is a choice on 2 search seeds, "
                              "then "
                              "the chosen ones on 3 seeds"),
                    HasSubstr("the settings are chosen: 3 runs of them")));
  EXPECT_THAT(
      finished.out,
      AllOf(HasSubstr("Search: 12 runs on 2 search seeds: "), HasSubstr("Report: 6 runs on 3 seeds: 6 reached."),
            HasSubstr("vanilla-asgd never reached loss <= 0.5 on the search seeds, at any of its 2 settings")));
  const json whole = json::parse(read(folder_ / "c" / "compare.json"));
  EXPECT_TRUE(whole["complete"].get<bool>());
  EXPECT_EQ(whole["runs"].size(), 18u);
  std::set<int> searched, reported;
  for (const json& row : whole["runs"])
    (row["search"].get<bool>() ? searched : reported).insert(row["seed"].get<int>());
  EXPECT_THAT(searched, ElementsAre(11, 12));
  EXPECT_THAT(reported, ElementsAre(1, 2, 3));
  // The choice is the setting with the lowest product of times on the search seeds.
  std::map<std::string, double> product;
  for (const json& row : whole["runs"])
    if (row["search"].get<bool>() && row["method"] == "clipped-asgd" && row["time_to_target"].is_number())
      product.try_emplace(row["setting"].dump(), 1.0).first->second *= row["time_to_target"].get<double>();
  const auto best = std::ranges::min_element(product, {}, [](const auto& entry) { return entry.second; });
  ASSERT_EQ(whole["methods"][0]["method"], "clipped-asgd");
  EXPECT_EQ(whole["methods"][0]["best"]["setting"].dump(), best->first);
  // All of it is there when the same is asked for again.
  const Finished again = run({"compare", "search.toml", "--out", "c"});
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.err, AllOf(HasSubstr("15 of them are there already"), HasSubstr("3 are there already")));
  EXPECT_EQ(again.out, finished.out);
  expect_refused({"compare", "search.toml", "--set", "compare.search_seeds=[3,4]"}, "3 is in `seeds` too");
}

// Of runs that had not started nothing is said but that.
TEST_F(Program, AComparisonThatCtrlCEndedIsIncomplete) {
  const std::vector<std::string> words = {"compare",   kScenario,
                                          "--out",     "c",
                                          "--threads", "1",
                                          "--set",     "run.stop.updates=400000",
                                          "--set",     "run.target.at_most=1e-30",
                                          "--set",     "run.evaluate_every.time=1000"};
  const pid_t pid = start(words);
  const auto finished_runs = [&] {
    int count = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder_ / "c" / "runs", none))
      count += fs::exists(entry.path() / "summary.json");
    return count;
  };
  while (finished_runs() < 1) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_THAT(read(folder_ / "c" / "compare.md"), StartsWith("# INCOMPLETE comparison"));  // while it goes on, too
  kill(pid, SIGINT);
  const Finished finished = finish(pid);
  EXPECT_EQ(finished.code, 130);
  EXPECT_THAT(finished.err, HasSubstr("interrupted; the same command goes on from here"));
  EXPECT_THAT(finished.out, StartsWith("INCOMPLETE: "));
  EXPECT_THAT(read(folder_ / "c" / "compare.txt"), StartsWith("INCOMPLETE: "));
  EXPECT_THAT(read(folder_ / "c" / "compare.md"), StartsWith("# INCOMPLETE comparison"));
  EXPECT_THAT(read(folder_ / "c" / "compare.csv"), HasSubstr("\nINCOMPLETE,"));
  EXPECT_THAT(finished.out + read(folder_ / "c" / "compare.md"),
              AllOf(HasSubstr("not started"), Not(HasSubstr("never")), Not(HasSubstr("first, at"))));
  const json report = json::parse(read(folder_ / "c" / "compare.json"));
  EXPECT_FALSE(report["complete"].get<bool>());
  EXPECT_GE(report["ends"]["not_started"].get<int>(), 20);
  EXPECT_LE(report["ends"]["interrupted"].get<int>(), 1);
}

TEST_F(Program, ComparesByTheTimeThatLasts) {
  write("search.toml", kSearch);
  const std::vector<std::string> words = {"compare", "search.toml", "--set", "compare.rank_by=lasting", "--out", "c"};
  const Finished finished = run(words);
  ASSERT_EQ(finished.code, 0) << finished.err;
  const json report = json::parse(read(folder_ / "c" / "compare.json"));
  EXPECT_EQ(report["goal"]["score"], "lasting_time");
  for (const json& row : report["runs"]) {
    EXPECT_EQ(row["reason"], "time");  // nobody stopped at the target
    if (row["end"] == "reached") {
      EXPECT_LE(row["time_to_target"], row["lasting_time"]);
    }
  }
  expect_refused({"compare", "search.toml", "--set", "compare.rank_by=lasting", "--set", "run.stop.target=true"},
                 "compare.rank_by = \"lasting\": needs a run.target");
}

TEST_F(Program, PruningNeedsRunsThatEndAtTheirTarget) {
  write("search.toml", kSearch);
  expect_refused({"compare", "search.toml", "--prune", "--set", "run.stop.target=false"},
                 "pruning is for runs that end at their target");
}

// A run whose curve somebody has changed, or whose place something else has taken, is not adopted, and nothing is
// written over it unasked.
TEST_F(Program, RunsWhoseLogsHaveChangedAreNotAdopted) {
  const std::string file = write("few.toml", R"(
problem = { name = "quadratic" }
workers = { count = 2, compute_time = 1.0 }
run = { stop = { updates = 50 }, evaluate_every = { updates = 10 } }
compare = { seeds = [1, 2], methods = [ { name = "vanilla-asgd", step_size = 0.1 } ] }
)");
  const std::vector<std::string> words = {"compare", file, "--out", "c", "-q"};
  const Finished first = run(words);
  ASSERT_EQ(first.code, 0);
  const std::string table = read(folder_ / "c" / "compare.csv");
  const fs::path log = fs::directory_iterator(folder_ / "c" / "runs")->path() / "metrics.jsonl";
  const std::string rows = read(log);
  const auto expect_refused_and_left = [&](const char* problem) {
    const Finished again = run(words);
    EXPECT_EQ(again.code, 2) << again.err;
    EXPECT_THAT(again.err, HasSubstr("metrics.jsonl: " + std::string(problem)));
    EXPECT_THAT(again.err, HasSubstr("--fresh runs all of them again"));
    EXPECT_EQ(read(folder_ / "c" / "compare.csv"), table);
    fs::remove(log);
  };
  std::ofstream(log) << "{\"time\": \"late\", \"metrics\": 3}\n";
  expect_refused_and_left("has ");
  ASSERT_EQ(mkfifo(log.c_str(), 0600), 0);
  expect_refused_and_left("cannot read: is a pipe, not a file");
  fs::create_symlink("/dev/zero", log);
  expect_refused_and_left("cannot read: is a device, not a file");
  expect_refused_and_left("is missing");
  std::ofstream(log) << rows;
  EXPECT_EQ(run(words).code, 0);
  EXPECT_EQ(run({"compare", file, "--out", "c", "-q", "--fresh"}).code, 0);
}

TEST_F(Program, PruningIsAnnouncedAndKeepsTheBest) {
  // Slow settings first: they are still running when the fast one is done.
  const std::string file = write("prune.toml", R"(
[problem]
name = "quadratic"
dimension = 100
mu = 0.01
smoothness = 1.0
[workers]
count = 4
compute_time = 1.0
[run]
stop = { updates = 1000000 }
target = { metric = "loss", at_most = 1e-3 }
evaluate_every = { time = 100.0 }
[compare]
seeds = [1]
[[compare.methods]]
name = "vanilla-asgd"
step_size = [1e-7, 0.2]
)");
  const Finished pruned = run({"compare", file, "--out", "p", "--prune", "--threads", "2"});
  ASSERT_EQ(pruned.code, 0) << pruned.err;
  EXPECT_THAT(pruned.err, HasSubstr("pruning: "));
  const json with = json::parse(read(folder_ / "p" / "compare.json"));
  ASSERT_EQ(run({"compare", file, "--out", "q", "--threads", "2"}).code, 0);
  const json without = json::parse(read(folder_ / "q" / "compare.json"));
  EXPECT_EQ(with["runs"][1]["time_to_target"], without["runs"][1]["time_to_target"]);
  EXPECT_EQ(with["runs"].size(), 2u);
  EXPECT_TRUE(with["runs"][0]["pruned"].get<bool>());
  EXPECT_FALSE(without["runs"][0]["pruned"].get<bool>());
}

}  // namespace
}  // namespace tardigrad::e2e
