// SPDX-License-Identifier: Apache-2.0
// A method from a plugin is a method like another; one that does what it must not ends the run in one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <map>
#include <string>
#include <thread>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

using testing::Not;

constexpr const char* kScenario = R"(
problem = { name = "quadratic", dimension = 20, noise = { kind = "gaussian", scale = 0.1 } }
workers = { count = 4, compute_time = { kind = "exponential", mean = 0.001 } }
method = { name = "sign-majority", step_size = 0.01, voters = 3 }
[run]
stop = { updates = 200 }
evaluate_every = { updates = 50 }
checkpoint_every = { updates = 40 }
record = true
)";

class PluginMethod : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("s.toml", kScenario);
  }
  static std::string plugin(const std::string& name) { return std::string(TARDIGRAD_BINARY_DIR) + "/" + name + ".so"; }
  Finished run_here(std::vector<std::string> words, const std::string& library = "tardigrad_sign_majority") {
    words.insert(words.end(), {"--plugin", plugin(library)});
    return run(words);
  }
};

TEST_F(PluginMethod, IsListedWithItsSettings) {
  EXPECT_THAT(run_here({"list", "methods"}).out, HasSubstr("sign-majority"));
  EXPECT_THAT(run({"list", "methods"}).out, Not(HasSubstr("sign-majority")));
  const Finished one = run_here({"list", "methods", "sign-majority"});
  EXPECT_THAT(one.out, HasSubstr("so many arrivals make a step"));
  EXPECT_THAT(one.out, Not(HasSubstr("clip_radius")));
  const Finished near = run({"run", "s.toml", "--out", "r"});
  EXPECT_EQ(near.code, 2);
  EXPECT_THAT(near.err, HasSubstr("method.name = \"sign-majority\": is no method"));
  EXPECT_THAT(near.err, HasSubstr("; --plugin FILE names a shared library that brings it\n"));
  const Finished slip = run_here({"run", "s.toml", "--out", "r", "--set", "method.name=sign-mayority"});
  EXPECT_EQ(slip.code, 2);
  EXPECT_THAT(slip.err, HasSubstr("did you mean `sign-majority`?"));
  const Finished json_list = run_here({"list", "methods", "sign-majority", "--json"});
  EXPECT_EQ(json::parse(json_list.out)["sign-majority"][0]["setting"], "step_size");
}

// What it asks for beside its own settings is refused as of any other method.
TEST_F(PluginMethod, ASettingThatItDoesNotHaveIsRefused) {
  const Finished finished = run_here({"run", "s.toml", "--out", "r", "--set", "method.voter=2"});
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, HasSubstr("did you mean `voters`?"));
  const Finished range = run_here({"run", "s.toml", "--out", "r", "--set", "method.voters=0"});
  EXPECT_EQ(range.code, 2);
  EXPECT_THAT(range.err, HasSubstr("method.voters = 0: must be an integer in [1, "));
  EXPECT_FALSE(fs::exists(folder_ / "r"));
}

// The same method in both runtimes: every third arrival makes a version.
TEST_F(PluginMethod, RunsInTheSimulatorAndOnThreads) {
  for (const std::string runtime : {"sim", "threads"}) {
    const Finished finished = run_here({"run", "s.toml", "--quiet", "--out", runtime, "--runtime", runtime});
    ASSERT_EQ(finished.code, 0) << finished.err;
    const json counters = summary(runtime)["counters"];
    EXPECT_EQ(counters["updates"], 200);
    EXPECT_EQ(counters["applied"], 600);
    EXPECT_EQ(counters["discarded"], 0);
  }
}

TEST_F(PluginMethod, IsReplayedWithItsPluginFoundAgain) {
  for (const std::string runtime : {"sim", "threads"}) {
    ASSERT_EQ(run_here({"run", "s.toml", "--quiet", "--out", runtime, "--runtime", runtime}).code, 0);
    const json provenance = json::parse(read(folder_ / runtime / "provenance.json"))["provenance"];
    EXPECT_EQ(provenance["method_plugin"]["name"], fs::canonical(plugin("tardigrad_sign_majority")).string());
    EXPECT_EQ(provenance["plugin"], nullptr);
    EXPECT_EQ(summary(runtime)["provenance"], provenance);
    const Finished replayed = run({"replay", runtime});
    EXPECT_EQ(replayed.code, 0) << replayed.err;
    EXPECT_EQ(replayed.err, "");
  }
  const Finished settings = run({"what-if", "sim", "--set", "method.voters=2"});
  EXPECT_EQ(settings.code, 0) << settings.err;
  const Finished other = run({"what-if", "sim", "--method", "vanilla-asgd", "--set", "method.step_size=0.1"});
  EXPECT_EQ(other.code, 0) << other.err;
}

// A run of a method that is built in, asked what one of a plugin would have made of it.
TEST_F(PluginMethod, IsTheOtherMethodOfAWhatIf) {
  ASSERT_EQ(
      run({"run", "s.toml", "--quiet", "--out", "r", "--set", "method={name=\"vanilla-asgd\",step_size=0.1}"}).code, 0);
  const std::vector<std::string> words = {"what-if", "r", "--method", "sign-majority", "--set", "method.voters=2"};
  expect_refused(words, "method sign-majority: there is no such method");
  const Finished asked = run_here(words);
  EXPECT_EQ(asked.code, 0) << asked.err;
}

// A run knows its method by what is in the library: one that was made again, or has gone, is one line.
TEST_F(PluginMethod, AnotherLibraryIsNotTaken) {
  fs::copy_file(plugin("tardigrad_sign_majority"), folder_ / "mine.so");
  const std::vector<std::string> words = {
      "run", "s.toml", "--quiet", "--out", "r", "--plugin", "mine.so", "--set", "run.stop.updates=40"};
  ASSERT_EQ(run(words).code, 0);
  write("c.toml",
        "problem = { name = 'quadratic', dimension = 20 }\n"
        "workers = { count = 4, compute_time = 1.0 }\n"
        "run = { stop = { updates = 100 }, target = { metric = 'loss', at_most = 0.5 } }\n"
        "compare = { seeds = [1], methods = [ { name = 'sign-majority', step_size = 0.05 } ] }\n");
  const std::vector<std::string> compared = {"compare", "c.toml", "--quiet", "--out", "c", "--plugin", "mine.so"};
  ASSERT_EQ(run(compared).code, 0);

  std::ofstream(folder_ / "mine.so", std::ios::app) << "another";
  const std::string differs = "the plugin " + (fs::canonical(folder_) / "mine.so").string() + " has changed (";
  expect_refused({"replay", "r"}, differs);
  expect_refused({"what-if", "r", "--set", "method.voters=2"}, differs);
  expect_refused({"run", "--resume", "r", "--set", "run.stop.updates=80"}, differs);
  expect_refused(compared, differs);

  fs::remove(folder_ / "mine.so");
  const std::string gone = "its method `sign-majority` came from the plugin " +
                           (fs::canonical(folder_) / "mine.so").string() + ", which has gone; --plugin FILE names";
  expect_refused({"replay", "r"}, gone);
  expect_refused({"what-if", "r", "--set", "method.voters=2"}, gone);
  expect_refused({"run", "--resume", "r", "--set", "run.stop.updates=80"}, gone);

  fs::copy_file(plugin("tardigrad_sign_majority"), folder_ / "moved.so");
  const Finished resumed =
      run({"run", "--resume", "r", "--set", "run.stop.updates=80", "--quiet", "--plugin", "moved.so"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(summary("r")["counters"]["updates"], 80);
}

// On threads nothing is repeatable, but that no vote is lost or counted twice.
TEST_F(PluginMethod, IsKilledAndGoesOn) {
  const std::map<std::string, std::string> updates = {{"sim", "20000"}, {"threads", "800"}};
  const std::string stop = "run.stop.updates=";
  ASSERT_EQ(run_here({"run", "s.toml", "--quiet", "--out", "whole", "--set", stop + updates.at("sim")}).code, 0);
  for (const auto& [runtime, end] : updates) {
    const pid_t pid = start({"run", "s.toml", "--quiet", "--out", runtime, "--runtime", runtime, "--set", stop + end,
                             "--plugin", plugin("tardigrad_sign_majority")});
    const fs::path checkpoints = folder_ / runtime / "checkpoints";
    for (int i = 0; i < 20000 && !(fs::exists(checkpoints) && !fs::is_empty(checkpoints)); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    kill(pid, SIGKILL);
    finish(pid);
    const Finished resumed = run({"run", "--resume", runtime, "--quiet"});
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(summary(runtime)["counters"]["updates"], std::stoi(end));
    EXPECT_EQ(summary(runtime)["counters"]["applied"], 3 * std::stoi(end));
    const Finished replayed = run({"replay", runtime});
    EXPECT_EQ(replayed.code, 0) << replayed.err;
  }
  EXPECT_EQ(summary("sim")["digest"], summary("whole")["digest"]);
}

TEST_F(PluginMethod, IsCompared) {
  write("c.toml",
        "problem = { name = 'quadratic', dimension = 20 }\n"
        "workers = { count = 4, compute_time = 1.0 }\n"
        "run = { stop = { updates = 100 }, target = { metric = 'loss', at_most = 0.5 } }\n"
        "compare = { seeds = [1], methods = [ { name = 'vanilla-asgd', step_size = 0.1 },\n"
        "  { name = 'sign-majority', step_size = [0.01, 0.05] } ] }\n");
  const Finished compared = run_here({"compare", "c.toml", "--quiet", "--out", "c"});
  EXPECT_EQ(compared.code, 0) << compared.err;
  EXPECT_THAT(read(folder_ / "c" / "compare.json"), HasSubstr("sign-majority"));
}

TEST_F(PluginMethod, NeedsAServer) {
  const Finished finished =
      run_here({"run", "s.toml", "--out", "r", "--runtime", "hogwild", "--set", "run.record=false"});
  EXPECT_EQ(finished.code, 2);
  EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
}

TEST_F(PluginMethod, WhatCannotBeAddedIsOneLine) {
  expect_refused(
      {"list", "methods", "--plugin", plugin("tardigrad_sign_majority"), "--plugin", plugin("tardigrad_sign_majority")},
      "brings a method `sign-majority`, but that name is taken\n");
  const auto refused = [&](const char* variable, const std::string& value, const std::string& message) {
    setenv(variable, value.c_str(), 1);
    for (const std::vector<std::string>& words : {std::vector<std::string>{"list", "methods"}, {"run", "s.toml"}}) {
      std::vector<std::string> with_plugin = words;
      with_plugin.insert(with_plugin.end(), {"--plugin", plugin("hostile_method")});
      expect_refused(with_plugin, "plugin " + plugin("hostile_method") + ": " + message);
    }
    unsetenv(variable);
  };
  refused("HOSTILE_NAME", "vanilla-asgd", "brings a method `vanilla-asgd`, but that name is taken\n");
  refused("HOSTILE_NAME", "a\nname", "brings a method named `a name`: a name is 1 to 60 letters, digits, - and _\n");
  refused("HOSTILE_NAME", "", "brings a method named ``: ");
  refused("HOSTILE_NAME", std::string(100'000, 'n'), "brings a method named `nnn");
  refused("HOSTILE_INTERFACE", "8", "made for plugin interface 8, this program has 9; compile it again with");
}

TEST_F(PluginMethod, WhatItDoesWrongIsOneBoundedLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"throws 7 in make", "make threw something that is no std::exception\n"},
      {"makes nothing", "make gave nothing\n"},
      {"reads on", "reads the setting `other`, and its row does not list it\n"},
      {"throws 7", "on_worker_joined threw something that is no std::exception\n"},
      {"says too much", "on_gradient threw `it broke at a [31mplace xxx"},
      {"sends others", "on_worker_joined does what it must not: a command to worker 100, which is not there\n"},
      {"queues", "it needs queues, which required_capabilities does not ask for\n"},
      {"asks for more", "it needs cancel, which its row does not list\n"},
      {"names no vector", "on_gradient does what it must not: there is no work vector 7\n"},
      {"makes two versions", "on_gradient does what it must not: it makes more than one version of x\n"},
      {"cancels arrivals", "an arrival is applied, discarded or not finite, and nothing else\n"},
      {"says nan", "its coefficient is not finite\n"},
      {"throws in serialize", "serialize threw something that is no std::exception\n"},
      {"figures twice", "figures does what it must not: a figure without a name"}};
  write("h.toml",
        "problem = { name = 'quadratic', dimension = 3 }\n"
        "workers = { count = 3, compute_time = 0.001 }\n"
        "method = { name = 'hostile-method' }\n"
        "run = { stop = { updates = 20 }, checkpoint_every = { updates = 5 } }\n");
  for (const std::string runtime : {"sim", "threads"}) {
    for (const auto& [fault, message] : cases) {
      const Finished finished = run_here({"run", "h.toml", "--quiet", "--out", "r", "--set",
                                          std::string("method.fault=") + fault, "--runtime", runtime, "--overwrite"},
                                         "hostile_method");
      EXPECT_EQ(finished.code, 2) << fault << ", " << runtime << finished.err.substr(0, 1000);
      EXPECT_THAT(finished.err, HasSubstr("hostile_method.so: method `hostile-method`: "));
      EXPECT_THAT(finished.err, HasSubstr(message));
      EXPECT_LT(finished.err.size(), 1000u);
      EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err.substr(0, 1000);
    }
  }
  const Finished long_notes =
      run_here({"run", "h.toml", "--quiet", "--out", "n", "--set", "method.fault=notes"}, "hostile_method");
  EXPECT_EQ(long_notes.code, 0) << long_notes.err.substr(0, 1000);
}

// A check of the plugin's own is a bug of the plugin's: it aborts, and says whose it is.
TEST_F(PluginMethod, ABugOfItsOwnNamesIt) {
  const Finished finished =
      run_here({"run", "s.toml", "--quiet", "--out", "r", "--set", "method={name=\"hostile-method\",fault=\"checks\"}"},
               "hostile_method");
  EXPECT_EQ(finished.code, 128 + SIGABRT);
  EXPECT_THAT(finished.err, HasSubstr("does not hold: a check of its own\n  in plugin " + plugin("hostile_method") +
                                      ": method `hostile-method`: on_gradient\n"));
}

}  // namespace
}  // namespace tardigrad::e2e
