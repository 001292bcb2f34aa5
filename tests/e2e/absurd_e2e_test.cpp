// SPDX-License-Identifier: Apache-2.0
// Requests that nothing could fulfil: one line, before the work is begun.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

constexpr const char* kScenario = R"(
problem = { name = "quadratic", dimension = 10, noise = { kind = "gaussian", scale = 0.2 } }
workers = { count = 4, compute_time = 1.0 }
method = { name = "vanilla-asgd", step_size = 0.0005 }
run = { stop = { updates = 100 } }
)";

class Absurd : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("s.toml", kScenario);
  }
  void expect_no_run(const std::string& assignment, const std::string& message) {
    expect_refused({"run", "s.toml", "--quiet", "--out", "r", "--overwrite", "--set", assignment}, message);
  }
};

TEST_F(Absurd, WhatNoMemoryHoldsIsNotBegun) {
  expect_no_run("workers.count=4000000000", "4000000000 workers need about 1024 GB of memory, and ");

  EXPECT_FALSE(fs::exists(folder_ / "r"));
}

TEST_F(Absurd, AGridOfAHundredMillionPointsIsNotMade) {
  std::string axis = "[";
  for (int i = 1; i <= 100; ++i) axis += (i > 1 ? ", " : "") + std::to_string(i) + ".5";
  axis += "]";
  write("c.toml",
        "problem = { name = \"quadratic\" }\nworkers = { count = 4, compute_time = 1.0 }\n"
        "run = { stop = { updates = 10 }, target = { metric = \"loss\", at_most = 0.1 } }\n"
        "compare = { seeds = [1, 2], methods = [ { name = \"clipped-asgd\", step_size = " +
            axis + ", clip_radius = " + axis + ", a = " + axis + ", b = " + axis + " } ] }\n");
  expect_refused({"compare", "c.toml", "--out", "c"},
                 "compare.methods[0] is a grid of 100000000 points, which makes 2e+08 runs on 2 seeds in 1 worlds; a "
                 "comparison has at most 1000000 runs");
  EXPECT_FALSE(fs::exists(folder_ / "c"));
}

TEST_F(Absurd, WorkersThatAreNeverThereLongEnoughEndTheRun) {
  const Finished finished = run({"run", "s.toml", "--quiet", "--out", "r", "--set",
                                 "workers.availability={up=1e-9,down=1e-9}", "--set", "run.events=false"});
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, HasSubstr("times, and no gradient arrived in between, up to 0.0005"));
  EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
}

// Gradients are work, however short: a run that makes them goes on until it is stopped. Evaluations of the same
// parameters again and again are not.
TEST_F(Absurd, EvaluationsWithoutEndAreNotMade) {
  expect_no_run("run={stop={time=1000.0},evaluate_every={time=1e-9}}",
                "run.evaluate_every.time = 1e-09: makes 1e+12 evaluations until the run stops; 10000000 are the most");
  expect_no_run("run={stop={updates=1000000000},evaluate_every={updates=1}}",
                "run.evaluate_every.updates = 1: makes 1e+09 evaluations until the run stops; 10000000 are the most");
  EXPECT_FALSE(fs::exists(folder_ / "r"));
  expect_refused(
      {"run", "s.toml", "--quiet", "--out", "none", "--set", "run={stop={updates=10},evaluate_every={time=1e-9}}"},
      "evaluated 1000000 times, and nothing happened in between, up to 0.001");
}

TEST_F(Absurd, WhatRunsOutOfMemoryOnTheWaySaysWhatItWas) {
  if (std::string(TARDIGRAD_SANITIZE) != "") GTEST_SKIP() << "sanitizers need address space of their own";
  const std::string command = "cd " + folder_.string() + " && ulimit -v 350000 && " + kBinary.string() +
                              " run s.toml --threads 1 --out r --set problem.dimension=8000000 > out 2> err";
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 2);
  EXPECT_THAT(read(folder_ / "err"), HasSubstr("out of memory: "));
  EXPECT_THAT(read(folder_ / "err"), HasSubstr(" with 4 workers"));
}

TEST_F(Absurd, NestingWithoutEndIsOneLine) {
  const std::string deep(40'000, '[');
  write("deep.toml", "a = " + deep);
  expect_refused({"run", "deep.toml"}, "deep.toml:1: tables are nested more than 32 deep");
  expect_no_run("a=" + deep, "nested more than 32 deep");
  std::string keys = "a";
  for (int i = 0; i < 10'000; ++i) keys += ".a";
  expect_no_run(keys + "=1", "assignment: a key of more than 32 parts");
}

TEST_F(Absurd, NothingAtAllAndFarTooMuchAreOneBoundedLine) {
  write("empty.toml", "");
  expect_refused({"run", "empty.toml"}, "empty.toml: there is no [run] table");
  for (const auto& words : std::vector<std::vector<std::string>>{{"run", std::string(5000, 'x')},
                                                                 {"list", std::string(5000, 'x')},
                                                                 {"run", "s.toml", "--out", std::string(300, 'x')},
                                                                 {"run", "s.toml", "--set", std::string(5000, 'x')},
                                                                 {"replay", std::string(5000, 'x')}}) {
    const Finished finished = run(words);
    EXPECT_EQ(finished.code, 2) << words[0];
    EXPECT_LT(finished.err.size(), 1100u) << words[0];
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
  }
}

}  // namespace
}  // namespace tardigrad::e2e
