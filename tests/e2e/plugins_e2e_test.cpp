// SPDX-License-Identifier: Apache-2.0
// Plugins that do what they must not, and readers that go away: the program ends as it should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <thread>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

constexpr const char* kScenario = R"(
problem = { name = "hostile" }
workers = { count = 3, compute_time = 0.001 }
method = { name = "vanilla-asgd", step_size = 0.001 }
run = { stop = { updates = 1000000 }, evaluate_every = { updates = 10 }, checkpoint_every = { updates = 5 } }
)";

class HostilePlugin : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("s.toml", kScenario);
  }
  static std::vector<std::string> words(const std::string& fault, const std::string& runtime) {
    return {"run",
            "s.toml",
            "--quiet",
            "--out",
            "r",
            "--plugin",
            std::string(TARDIGRAD_BINARY_DIR) + "/hostile_plugin.so",
            "--set",
            "problem.fault=" + fault,
            "--runtime",
            runtime,
            "--overwrite"};
  }
  bool wait_until(const std::function<bool()>& holds) {
    for (int i = 0; i < 20000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return holds();
  }
};

TEST_F(HostilePlugin, WhatItDoesWrongIsOneBoundedLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"throws 7 in make", "problem `hostile`: make threw something that is no std::exception\n"},
      {"makes nothing", "problem `hostile`: make gave nothing\n"},
      {"says too much in make", "problem `hostile`: make threw `it broke at a [31mplace xxx"},
      {"gives no replica", "problem `hostile`: make_replica gave nothing\n"},
      {"declares no metrics", "problem `hostile`: metric_names gave no names, or one of them twice\n"},
      {"gives no metrics", "problem `hostile`: metrics gave none, and metric_names says loss\n"},
      {"gives others", "problem `hostile`: metrics gave accuracy, and metric_names says loss\n"},
      {"throws 7 in evaluate", "problem `hostile`: evaluate threw something that is no std::exception\n"}};
  for (const std::string runtime : {"sim", "threads"}) {
    for (const auto& [fault, message] : cases) {
      const Finished finished = run(words(fault, runtime));
      EXPECT_EQ(finished.code, 2) << fault << ", " << runtime;
      EXPECT_THAT(finished.err, HasSubstr(message));
      EXPECT_LT(finished.err.size(), 1000u);
      EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
    }
  }
}

// A worker whose gradient throws is lost, whatever was thrown; a run that has none left says so by its exit code.
TEST_F(HostilePlugin, AGradientThatThrowsCostsItsWorker) {
  for (const std::string runtime : {"sim", "threads"}) {
    for (const char* fault : {"throws 7", "says too much"}) {
      const Finished finished = run(words(fault, runtime));
      EXPECT_EQ(finished.code, 4) << finished.err.substr(0, 1000);
      EXPECT_THAT(finished.err, HasSubstr("gradient threw "));
      EXPECT_LT(finished.err.size(), 5000u);
      EXPECT_LE(std::ranges::count(finished.err, '\n'), 5);
    }
  }
}

// On threads all is saved and printed, and then nobody waits for the sleeper.
TEST_F(HostilePlugin, AGradientThatSleepsHoldsUpNoCtrlCOnThreads) {
  const pid_t pid = start(words("sleeps", "threads"));
  ASSERT_TRUE(wait_until([&] { return fs::exists(folder_ / "asleep"); }));
  kill(pid, SIGINT);
  const Finished finished = finish(pid);
  EXPECT_EQ(finished.code, 130);
  EXPECT_THAT(finished.err, HasSubstr("problem `hostile` has not given back all threads: they are not waited for\n"));
  EXPECT_THAT(finished.out, HasSubstr("ended by        interrupted"));
  EXPECT_EQ(summary("r")["reason"], "interrupted");
  EXPECT_FALSE(fs::is_empty(folder_ / "r" / "checkpoints"));
}

// A run that fails does not wait for the sleeper either: not for ever, that is.
TEST_F(HostilePlugin, NorTheEndOfARunThatFails) {
  const std::string message = "problem `hostile`: evaluate threw something that is no std::exception\n";
  const Finished finished = run(words("sleeps, then throws", "threads"));
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, HasSubstr(message));
  EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
  write("c.toml",
        "problem = { name = 'hostile', fault = 'sleeps, then throws' }\n"
        "workers = { count = 3, compute_time = 0.001 }\n"
        "run = { stop = { updates = 1000000 }, evaluate_every = { updates = 10 }, runtime = 'threads' }\n"
        "compare = { seeds = [1], methods = [ { name = 'vanilla-asgd', step_size = 0.001 } ] }\n");
  const Finished compared = run({"compare", "c.toml", "--quiet", "--out", "c", "--plugin",
                                 std::string(TARDIGRAD_BINARY_DIR) + "/hostile_plugin.so"});
  EXPECT_EQ(compared.code, 2);
  EXPECT_THAT(compared.err, HasSubstr(message));
}

// In the simulator the sleeper holds up everything: the run is left as a kill leaves it. So it is by a method that
// sleeps, in any runtime.
TEST_F(HostilePlugin, NorInTheSimulator) {
  const fs::path other = folder_ / "method";
  fs::create_directory(other);
  const pid_t pid = start(words("sleeps", "sim"));
  const pid_t of_method = test::start({.words = {kBinary, "run", "../s.toml", "--quiet", "--out", "r", "--plugin",
                                                 std::string(TARDIGRAD_BINARY_DIR) + "/hostile_method.so", "--set",
                                                 "method={name=\"hostile-method\",fault=\"sleeps\"}", "--set",
                                                 "problem={name=\"quadratic\",dimension=3}", "--runtime", "threads"},
                                       .folder = other});
  ASSERT_TRUE(wait_until([&] { return fs::exists(folder_ / "asleep") && fs::exists(other / "asleep"); }));
  kill(pid, SIGINT);
  kill(of_method, SIGINT);
  const Finished finished = finish(pid);
  EXPECT_EQ(finished.code, 130);
  EXPECT_THAT(finished.err, HasSubstr("tardigrad: interrupted, and problem `hostile` has not come back for 3"));
  EXPECT_THAT(finished.err, HasSubstr("what it left goes on by tardigrad run --resume r\n"));
  int status = 0;
  waitpid(of_method, &status, 0);
  EXPECT_EQ(test::code_of(status), 130);
  EXPECT_THAT(read(other / "stderr"), HasSubstr("tardigrad: interrupted, and method `hostile-method` or problem "
                                                "`quadratic` has not come back for 3"));
}

class Readers : public Program {
 protected:
  // The program's standard output and error go to readers that leave after a line, and at once.
  int run_for_nobody(const std::string& words) {
    const std::string command =
        "cd " + folder_.string() + " && { " + kBinary.string() + " " + words + "; echo $? > code; } 2>&1 | true";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return std::stoi(read(folder_ / "code"));
  }
};

TEST_F(Readers, WhoGoesAwayEndsNothing) {
  write("s.toml", R"(
problem = { name = "quadratic", dimension = 10, noise = { kind = "gaussian", scale = 0.2 } }
workers = { count = 4, compute_time = 1.0 }
method = { name = "vanilla-asgd", step_size = 0.05 }
run = { stop = { updates = 20000 }, record = true, evaluate_every = { time = 1.0 } }
)");
  write("c.toml", R"(
problem = { name = "quadratic", dimension = 10, noise = { kind = "gaussian", scale = 0.2 } }
workers = { count = 4, compute_time = 1.0 }
run = { stop = { updates = 1000 }, target = { metric = "loss", at_most = 0.001 } }
compare = { seeds = [1, 2], methods = [ { name = "vanilla-asgd", step_size = [0.05, 0.1] } ] }
)");
  EXPECT_EQ(run_for_nobody("run s.toml --out r"), 0);
  EXPECT_EQ(summary("r")["reason"], "updates");
  EXPECT_EQ(run_for_nobody("run s.toml --out d --set method.step_size=5.0"), 3);
  EXPECT_EQ(run_for_nobody("compare c.toml --out c"), 0);
  EXPECT_TRUE(json::parse(read(folder_ / "c" / "compare.json"))["complete"].get<bool>());
  EXPECT_EQ(run_for_nobody("replay r"), 0);
  EXPECT_EQ(run_for_nobody("what-if r --set method.step_size=0.1"), 0);
  for (const char* words : {"list", "list methods", "data list", "--help", "run --help", "run r --out x"})
    EXPECT_EQ(run_for_nobody(words), std::string(words) == "run r --out x" ? 2 : 0) << words;
}

// A disk that is full is no reader that has gone: what was to be kept there is not.
TEST_F(Readers, AFullDiskBehindStandardOutputIsNoSuccess) {
  const std::string command = kBinary.string() + " list methods > /dev/full 2> " + (folder_ / "err").string();
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 2);
  EXPECT_EQ(read(folder_ / "err"), "tardigrad: standard output: cannot be written: No space left on device\n");
}

}  // namespace
}  // namespace tardigrad::e2e
