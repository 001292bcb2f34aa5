// SPDX-License-Identifier: Apache-2.0
// The program as a user meets it: words in; text, files and exit codes out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

using testing::Not;
using testing::StartsWith;

const fs::path kScenario = fs::path(TARDIGRAD_SOURCE_DIR) / "scenarios" / "quadratic.toml";

TEST_F(Program, RunLeavesADirectoryThatDescribesItself) {
  const Finished finished = run({"run", kScenario, "--out", "r", "--seed", "7"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("ended by        updates"));
  for (const char* file : {"scenario.toml", "summary.json", "metrics.jsonl", "events.jsonl", "model.safetensors"})
    EXPECT_TRUE(fs::exists(folder_ / "r" / file)) << file;
  const json s = summary("r");
  EXPECT_EQ(s["updates"], 1000);
  EXPECT_EQ(s["seed"], 7);
  EXPECT_EQ(s["counters"]["applied"], 1000);
  EXPECT_TRUE(s["time_to_target"].is_null());

  std::ifstream events(folder_ / "r" / "events.jsonl");
  std::string line;
  std::size_t rows = 0;
  for (; std::getline(events, line); ++rows) {
    const json row = json::parse(line);
    for (const char* key : {"time", "worker", "order", "version", "delay", "norm", "compute_time", "local_steps",
                            "coefficient", "outcome"})
      ASSERT_TRUE(row.contains(key)) << key;
  }
  EXPECT_EQ(rows, 1000u);

  // The resolved scenario is a scenario, and gives the same run.
  ASSERT_EQ(run({"run", "r/scenario.toml", "--out", "again"}).code, 0);
  EXPECT_EQ(summary("again")["digest"], s["digest"]);
  EXPECT_EQ(read(folder_ / "again" / "scenario.toml"), read(folder_ / "r" / "scenario.toml"));
  EXPECT_EQ(read(folder_ / "again" / "events.jsonl"), read(folder_ / "r" / "events.jsonl"));
  EXPECT_EQ(read(folder_ / "again" / "metrics.jsonl"), read(folder_ / "r" / "metrics.jsonl"));
}

// z = 2, eight arrivals of the one worker: rho = 8/(2 * 4) = 1; delta = 1/(2 e): epsilon = 3 - ln 2.
TEST_F(Program, RunTellsWhatItsPrivacyIs) {
  const std::string scenario = write("private.toml",
                                     "problem = { name = 'quadratic' }\n"
                                     "workers = { count = 1, compute_time = 1.0 }\n"
                                     "method = { name = 'clipped-asgd', step_size = 0.1, clip_radius = 1.0, "
                                     "privacy = { noise_multiplier = 2.0, delta = 0.18393972058572117 } }\n"
                                     "run = { stop = { updates = 8 } }\n");
  const Finished finished = run({"run", scenario, "--out", "r"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("epsilon         2.30685\n"));
  EXPECT_THAT(finished.out, HasSubstr("delta           0.18394\n"));
  EXPECT_THAT(finished.out, HasSubstr("rho             1\n"));
  EXPECT_NEAR(summary("r")["figures"]["epsilon"].get<double>(), 3 - std::log(2.0), 1e-12);
  // What is exact is marked, on the screen and in the file; the share of clipped gradients is not told.
  EXPECT_THAT(finished.out, HasSubstr("not private     metrics, finite, reason"));
  EXPECT_THAT(finished.out, HasSubstr("events.jsonl, metrics.jsonl, recording.bin, checkpoints: these are exact"));
  EXPECT_THAT(summary("r")["not_private"], testing::Contains("metrics"));
  EXPECT_FALSE(summary("r")["figures"].contains("clip_fraction"));
  const Finished plain = run({"run", kScenario, "--out", "p"});
  EXPECT_THAT(plain.out, testing::Not(HasSubstr("not private")));
  EXPECT_TRUE(summary("p")["not_private"].is_null());
}

TEST_F(Program, TheNumberOfThreadsNeverChangesADigest) {
  std::string digest;
  for (const char* threads : {"1", "2", "4"}) {
    // Large enough that gradients are worth a thread.
    ASSERT_EQ(
        run({"run", kScenario, "--set", "problem.dimension=20000", "--set", "problem.noise={kind=\"gaussian\",scale=1}",
             "--set", "run.stop.updates=300", "--threads", threads, "--out", std::string("r") + threads})
            .code,
        0);
    const json s = summary(std::string("r") + threads);
    if (digest.empty()) digest = s["digest"];
    EXPECT_EQ(s["digest"], digest);
  }
}

TEST_F(Program, EventsCanBeThinnedOrSwitchedOff) {
  ASSERT_EQ(run({"run", kScenario, "--out", "thin", "--set", "run.events={every=100}"}).code, 0);
  const std::string events = read(folder_ / "thin" / "events.jsonl");
  EXPECT_EQ(std::count(events.begin(), events.end(), '\n'), 10);
  ASSERT_EQ(run({"run", kScenario, "--out", "off", "--set", "run.events=false"}).code, 0);
  EXPECT_FALSE(fs::exists(folder_ / "off" / "events.jsonl"));
  EXPECT_EQ(summary("thin")["digest"], summary("off")["digest"]);
}

TEST_F(Program, JsonOnStandardOutput) {
  const Finished finished = run({"run", kScenario, "--out", "r", "--json", "-q"});
  EXPECT_EQ(json::parse(finished.out), summary("r"));
  EXPECT_EQ(finished.err, "");
  const json methods = json::parse(run({"list", "methods", "--json"}).out)["methods"];
  EXPECT_TRUE(std::any_of(methods.begin(), methods.end(), [](const json& row) {
    return row["name"] == "clipped-asgd" && row["needs"] == "queues" && row["vectors"] == "0";
  }));
}

TEST_F(Program, WithoutOutTheResultsGoUnderRuns) {
  ASSERT_EQ(run({"run", kScenario}).code, 0);
  ASSERT_EQ(run({"run", kScenario}).code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "runs" / "quadratic" / "summary.json"));
  EXPECT_TRUE(fs::exists(folder_ / "runs" / "quadratic-2" / "summary.json"));
}

TEST_F(Program, FinishedRunsAreNotOverwrittenUnasked) {
  ASSERT_EQ(run({"run", kScenario, "--out", "r"}).code, 0);
  const std::string before = read(folder_ / "r" / "summary.json");
  const Finished refused = run({"run", kScenario, "--out", "r"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("finished run"));
  EXPECT_EQ(read(folder_ / "r" / "summary.json"), before);
  EXPECT_EQ(run({"run", kScenario, "--out", "r", "--overwrite", "--seed", "2"}).code, 0);
  EXPECT_EQ(summary("r")["seed"], 2);
}

TEST_F(Program, MistakesGetOneLineAndExitCodeTwo) {
  const std::string file = kScenario.string();
  expect_refused({"rum", file},
                 "`rum` is no command: must be one of run, serve, work, status, certs, token, compare, replay, "
                 "what-if, list, schema, data; did you mean `run`?");
  expect_refused({}, "subcommand is required");
  expect_refused({"run"}, "scenario is required");
  expect_refused({"run", file, "--theads", "2"}, "did you mean `--threads`?");
  expect_refused({"run", file, "--threads", "0"}, "--threads");
  expect_refused({"run", "missing.toml"}, "missing.toml: cannot read: No such file or directory");
  expect_refused({"run", file, "--set", "nonsense"}, "assignment nonsense: must be KEY=VALUE");
  expect_refused({"run", file, "--set", "method.step_sise=1"},
                 "method.step_sise = 1: unknown key; did you mean `step_size`?");
  expect_refused({"run", file, "--set", "method.name=cliped-asgd"}, "did you mean `clipped-asgd`?");
  expect_refused({"run", write("torn.toml", "[problem\n")}, "torn.toml:1:");
  expect_refused({"run", write("line.toml",
                               "[problem]\nname = \"quadratic\"\ndimension = 0\nmu = 1\nsmoothness = 1\n"
                               "[workers]\ncount = 1\ncompute_time = 1\n[run]\nstop = { updates = 1 }\n")},
                 "line.toml:3: problem.dimension = 0: must be");
  expect_refused({"run", file, "--plugin", "libmissing.so"}, "libmissing.so");
  expect_refused({"compare", file, "--set", "compare.seeds=[1,1]"}, "holds a seed twice");
  expect_refused({"list", "method"},
                 "must be one of methods, problems, datasets, timing, runtimes; did you mean `methods`?");
  expect_refused({"schema", "--plugin", "libmissing.so"}, "libmissing.so");
  expect_refused({"data", "get", "cifar100", "--data-root", "."}, "did you mean `cifar10`?");
  expect_refused({"data", "import", "cifar10", "nowhere", "--data-root", "."}, "nowhere");
  expect_refused({"run", file, "--out", "/proc/nope"}, "/proc/nope");
  EXPECT_FALSE(fs::exists(folder_ / "runs"));  // nothing half-written
}

TEST_F(Program, HelpHasExamplesAtEveryLevel) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"run"},
                                                {"compare"},
                                                {"list"},
                                                {"schema"},
                                                {"data"},
                                                {"data", "get"},
                                                {"data", "import"},
                                                {"data", "verify"}}) {
    std::vector<std::string> call = words;
    call.push_back("--help");
    const Finished finished = run(call);
    EXPECT_EQ(finished.code, 0);
    EXPECT_THAT(finished.out, HasSubstr("Examples:\n  tardigrad "));
  }
  EXPECT_THAT(run({"--help"}).out, HasSubstr("Exit codes: 0 done; "));
  EXPECT_THAT(run({"--version"}).out, StartsWith("tardigrad 0."));
}

TEST_F(Program, ListsWhatThereIs) {
  const std::string all = run({"list"}).out;
  for (const char* name : {"clipped-asgd", "quadratic-tridiagonal", "glyphs", "pareto", "sim"})
    EXPECT_THAT(all, HasSubstr(name));
}

TEST_F(Program, ListsTheSettingsOfOneMethod) {
  const std::string all = run({"list", "methods", "ringmaster-asgd"}).out;
  for (const char* text :
       {"delay_limit  ", "(must be given)", "R >= 1: delays of 0 ... R-1 are used", "clip_radius", "inf"})
    EXPECT_THAT(all, HasSubstr(text));
  expect_refused({"list", "methods", "ringmaster"},
                 "tardigrad list methods ringmaster: there is no such method; did you mean `ringmaster-asgd`?");
  const std::string threads = run({"list", "runtimes", "threads"}).out;
  for (const char* text : {"run.time_scale  ", "workers.restart_after  ", "never", "a number in [1e-06, 1000000]"})
    EXPECT_THAT(threads, HasSubstr(text));
  expect_refused({"list", "runtimes", "thread"}, "there is no such runtime; did you mean `threads`?");
  const std::string quadratic = run({"list", "problems", "quadratic"}).out;
  for (const char* text : {"heterogeneity.shift  ", "noise.kind  ", "\"none\", \"gaussian\", ", "noise.tail  ",
                           "1 sub-exponential (of", "start  "})
    EXPECT_THAT(quadratic, HasSubstr(text));
  EXPECT_THAT(run({"list", "problems", "cnn"}).out,
              HasSubstr(R"("channels-last", "contiguous")"));  // without LibTorch, too
  expect_refused({"list", "problems", "cn"}, "there is no such problem; did you mean `cnn`?");
  expect_refused({"list", "timing", "pareto"},
                 "tardigrad list timing pareto: only methods, problems and runtimes are listed one by one");
  expect_refused({"list", "timing", "--markdown"}, "only `list methods` has such a page");
  EXPECT_THAT(run({"list", "methods", "--markdown"}).out, HasSubstr("| [clipped-asgd](clipped-asgd.md) "));
}

// Listing opens no plugin, and says what is not installed.
TEST_F(Program, ListSaysWhatIsAbsent) {
  const std::string problems = run({"list", "problems"}).out;
  EXPECT_THAT(problems, HasSubstr("two-layer convolutional network"));
  const bool installed = fs::exists(fs::path(TARDIGRAD_BINARY_DIR) / "libtardigrad_torch.so");
  EXPECT_EQ(problems.find("NOT INSTALLED") == std::string::npos, installed);
}

TEST_F(Program, DataVerifyTellsGoodFromBad) {
  EXPECT_THAT(run({"data", "list", "--data-root", "."}).out, HasSubstr("absent"));
  fs::create_directories(folder_ / "libsvm");
  write("libsvm/heart_scale", "+1 1:0.5\n-1 2:oops\n");
  const Finished bad = run({"data", "verify", "heart_scale", "--data-root", "."});
  EXPECT_EQ(bad.code, 2);
  EXPECT_THAT(bad.out, HasSubstr("NOT GOOD"));
  EXPECT_THAT(bad.out, HasSubstr(":2:"));
  EXPECT_EQ(run({"data", "verify", "glyphs", "--data-root", "."}).code, 0);
}

TEST_F(Program, AProblemOfOnesOwn) {
  const fs::path plugin = fs::path(TARDIGRAD_BINARY_DIR) / "tardigrad_example.so";
  const Finished finished =
      run({"run", kScenario, "--plugin", plugin, "--set", "problem={name=\"rosenbrock\",dimension=2}", "--set",
           "method.step_size=0.001", "--set", "run.target={metric=\"loss\",at_most=1e-3}", "--out", "r"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(summary("r")["problem"], "rosenbrock");
}

TEST_F(Program, CtrlCEndsARunWithWhatThereIs) {
  const pid_t pid =
      start({"run", kScenario, "--set", "run.stop.updates=1e12", "--set", "run.events=false", "--out", "r"});
  const auto evaluations = [&] {
    const std::string rows = read(folder_ / "r" / "metrics.jsonl");
    return std::ranges::count(rows, '\n');
  };
  while (evaluations() < 2) std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the first is of the start
  kill(pid, SIGINT);
  const Finished finished = finish(pid);
  EXPECT_EQ(finished.code, 130);
  EXPECT_EQ(summary("r")["reason"], "interrupted");
  EXPECT_GT(summary("r")["updates"], 0);
  EXPECT_TRUE(fs::exists(folder_ / "r" / "model.safetensors"));
}

TEST_F(Program, RunsOnRealThreads) {
  const Finished finished =
      run({"run", kScenario, "--runtime", "threads", "--set", "run.time_scale=1e-4", "--out", "r"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("threads"));
  EXPECT_EQ(summary("r")["runtime"]["name"], "threads");
  EXPECT_EQ(summary("r")["updates"], 1000);
  EXPECT_THAT(read(folder_ / "r" / "scenario.toml"), HasSubstr("runtime = \"threads\""));
  const std::string events = read(folder_ / "r" / "events.jsonl");
  EXPECT_EQ(std::count(events.begin(), events.end(), '\n'), 1000);
  const std::string file = kScenario.string();
  expect_refused({"run", file, "--runtime", "thread"},
                 "must be one of sim, threads, hogwild, grpc; did you mean `threads`?");
  expect_refused({"run", file, "--runtime", "threads", "--set", "workers={count=5000}"}, "at most 4096 workers");
}

// 100 ns an order is more than any machine does; without a pace there is nothing to keep.
TEST_F(Program, APaceThatTheMachineCannotKeepIsSaid) {
  const std::vector<std::string> words = {"run", kScenario, "--runtime", "threads", "--overwrite", "--out", "r"};
  const auto said_with = [&](const std::string& workers) {
    std::vector<std::string> call = words;
    call.insert(call.end(), {"--set", "workers=" + workers});
    const Finished finished = run(call);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return finished.err;
  };
  EXPECT_THAT(said_with("{count=2,compute_time=1e-7}"), HasSubstr("did not keep the pace that compute_time asks for"));
  EXPECT_EQ(summary("r")["runtime"]["paced"], summary("r")["runtime"]["late"]);
  EXPECT_THAT(said_with("{count=2}"), Not(HasSubstr("pace")));
}

// Workers that would sleep for an hour.
TEST_F(Program, CtrlCEndsARunOnThreadsAtOnce) {
  const pid_t pid =
      start({"run", kScenario, "--runtime", "threads", "--set", "workers={count=4,compute_time=3600}", "--out", "r"});
  const auto evaluations = [&] {
    const std::string rows = read(folder_ / "r" / "metrics.jsonl");
    return std::ranges::count(rows, '\n');
  };
  while (evaluations() < 2) std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the first is of the start
  kill(pid, SIGINT);
  EXPECT_EQ(finish(pid).code, 130);
  EXPECT_EQ(summary("r")["reason"], "interrupted");
  EXPECT_EQ(summary("r")["updates"], 0);
}

}  // namespace
}  // namespace tardigrad::e2e
