// SPDX-License-Identifier: Apache-2.0
// What a run ends with, and what signals do to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

constexpr const char* kScenario = R"(
problem = { name = "quadratic", dimension = 4000, noise = { kind = "gaussian", scale = 0.2 } }
workers = { count = 4, compute_time = 1.0 }
method = { name = "vanilla-asgd", step_size = 0.05 }
run = { stop = { updates = 1000000 }, evaluate_every = { time = 50.0 }, events = false }
)";

class Ends : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("s.toml", kScenario);
  }
  Finished run_with(const std::string& assignment) {
    return run({"run", "s.toml", "--quiet", "--out", "r", "--overwrite", "--set", "run.stop.updates=400", "--set",
                assignment});
  }
  bool wait_until(const std::function<bool()>& holds) {
    for (int i = 0; i < 20000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return holds();
  }
  // A run that makes updates: its log has rows.
  pid_t start_run() {
    const pid_t pid = start({"run", "s.toml", "--quiet", "--out", "r"});
    EXPECT_TRUE(wait_until([&] { return !read(folder_ / "r" / "metrics.jsonl").empty(); }));
    return pid;
  }
  bool has_checkpoint() const {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder_ / "r" / "checkpoints", none))
      if (entry.path().extension() == ".checkpoint") return true;
    return false;
  }
};

TEST_F(Ends, EachHasItsExitCode) {
  EXPECT_EQ(run_with("run.seed=2").code, 0);
  const Finished diverged = run_with("method.step_size=5.0");
  EXPECT_EQ(diverged.code, 3);
  EXPECT_THAT(diverged.err, HasSubstr("the run has diverged: "));
  EXPECT_EQ(summary("r")["reason"], "diverged");
  EXPECT_EQ(run({"run", "--resume", "r", "--quiet"}).code, 3) << "it stays what it was";
  const Finished alone = run_with("workers.availability={up=20.0}");
  EXPECT_EQ(alone.code, 4);
  EXPECT_THAT(alone.err, HasSubstr("no worker is left, and none will return"));
  EXPECT_EQ(summary("r")["reason"], "no_workers");
  expect_refused({"run", "s.toml", "--set", "run.diverged_when.loss_factor=1.0", "--out", "x"},
                 "run.diverged_when.loss_factor = 1.0: must be a number > 1");
  expect_refused({"run", "s.toml", "--set", "run.put_aside_after=0", "--out", "x"}, "run.put_aside_after = 0: must be");
}

TEST_F(Ends, AClosedTerminalIsLikeSigterm) {
  const pid_t pid = start_run();
  kill(pid, SIGHUP);
  kill(pid, SIGHUP);  // a shell and its terminal may both say so
  EXPECT_EQ(finish(pid).code, 130);
  EXPECT_EQ(summary("r")["reason"], "interrupted");
  EXPECT_TRUE(has_checkpoint());
}

// `timeout`, systemd and batch systems say it more than once, whatever the program is at.
TEST_F(Ends, SigtermAgainAndAgainIsSaidOnce) {
  const pid_t pid = start({"run", "s.toml", "--quiet", "--out", "r"}, "any */r/* 60+ term");
  EXPECT_TRUE(wait_until([&] { return !read(folder_ / "r" / "metrics.jsonl").empty(); }));
  const Finished finished = finish(pid);
  EXPECT_EQ(finished.code, 130) << finished.err;
  EXPECT_EQ(summary("r")["reason"], "interrupted");
  EXPECT_TRUE(has_checkpoint());
}

TEST_F(Ends, CtrlCPressedAgainEndsAtOnceAndPassedOnTwiceDoesNot) {
  const std::string slow_end = "any */checkpoints/* 1-10 slow";
  for (const bool pressed_again : {false, true}) {
    const std::string directory = pressed_again ? "killed" : "ended";
    const pid_t pid = start({"run", "s.toml", "--quiet", "--out", directory}, slow_end);
    EXPECT_TRUE(wait_until([&] { return !read(folder_ / directory / "metrics.jsonl").empty(); }));
    kill(pid, SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(pressed_again ? 600 : 20));
    kill(pid, SIGINT);
    EXPECT_EQ(finish(pid).code, pressed_again ? 128 + SIGINT : 130);
    EXPECT_EQ(fs::exists(folder_ / directory / "summary.json"), !pressed_again);
  }
}

TEST_F(Ends, NohupIsHeeded) {
  signal(SIGHUP, SIG_IGN);  // what nohup does, and a program that is started inherits
  const pid_t pid = start_run();
  signal(SIGHUP, SIG_DFL);
  kill(pid, SIGHUP);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(kill(pid, 0), 0);
  EXPECT_FALSE(has_checkpoint());
  kill(pid, SIGTERM);
  EXPECT_EQ(finish(pid).code, 130);
}

TEST_F(Ends, SavedWhenAskedTheRunGoesOn) {
  const pid_t pid = start_run();
  kill(pid, SIGUSR1);
  EXPECT_TRUE(wait_until([&] { return has_checkpoint(); }));
  const std::string rows = read(folder_ / "r" / "metrics.jsonl");
  EXPECT_TRUE(wait_until([&] { return read(folder_ / "r" / "metrics.jsonl").size() > rows.size(); }));
  kill(pid, SIGKILL);
  EXPECT_EQ(finish(pid).code, 128 + SIGKILL);
}

// A comparison goes on by whole runs.
TEST_F(Ends, AComparisonIsInterruptedByAClosedTerminal) {
  write("c.toml", R"(
problem = { name = "quadratic", dimension = 4000, noise = { kind = "gaussian", scale = 0.2 } }
workers = { count = 4, compute_time = 1.0 }
run = { stop = { updates = 1000000 }, evaluate_every = { time = 50.0 } }
compare = { seeds = [1, 2], methods = [ { name = "vanilla-asgd", step_size = 0.05 } ] }
)");
  const pid_t pid = start({"compare", "c.toml", "--quiet", "--out", "c"});
  EXPECT_TRUE(wait_until([&] { return fs::exists(folder_ / "c" / "runs"); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  kill(pid, SIGUSR1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  kill(pid, SIGHUP);
  EXPECT_EQ(finish(pid).code, 130);
}

}  // namespace
}  // namespace tardigrad::e2e
