// SPDX-License-Identifier: Apache-2.0
// Runs that were broken off, and go on: what a user says, and what is said in return.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

using testing::StartsWith;

constexpr const char* kScenario = R"(
problem = { name = "quadratic", dimension = 4000, noise = { kind = "gaussian", scale = 0.2 } }
workers = { count = 4, compute_time = { kind = "exponential", mean = 1.0 } }
method = { name = "vanilla-asgd", step_size = 0.05, update = { rule = "momentum" } }
run = { stop = { updates = 6000 }, evaluate_every = { time = 50.0 }, checkpoint_every = { seconds = 0.02 } }
)";

class Resume : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("s.toml", kScenario);
  }
  Finished run_in(const std::string& directory, std::vector<std::string> more = {}) {
    return finish(start_in(directory, std::move(more)));
  }
  pid_t start_in(const std::string& directory, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"run", "s.toml", "--quiet", "--out", directory});
    return start(more);
  }
  static void wait_until(const std::function<bool()>& holds) {
    for (int i = 0; i < 20000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(holds());
  }
  std::vector<fs::path> checkpoints(const std::string& directory) const {
    std::vector<fs::path> files;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder_ / directory / "checkpoints", none))
      if (entry.path().extension() == ".checkpoint") files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
  }
  // Leaves a run that was interrupted when it had a few checkpoints.
  void interrupt(const std::string& directory, std::vector<std::string> more = {}) {
    const pid_t pid = start_in(directory, std::move(more));
    wait_until([&] { return checkpoints(directory).size() >= 2; });
    kill(pid, SIGINT);
    ASSERT_EQ(finish(pid).code, 130);
    ASSERT_EQ(summary(directory)["reason"], "interrupted");
  }
  void expect_same(const std::string& a, const std::string& b) {
    EXPECT_EQ(summary(a)["digest"], summary(b)["digest"]);
    for (const char* file : {"events.jsonl", "metrics.jsonl", "model.safetensors"})
      EXPECT_TRUE(read(folder_ / a / file) == read(folder_ / b / file)) << file;
  }
};

TEST_F(Resume, AnInterruptedRunGoesOnToTheSameEnd) {
  ASSERT_EQ(run_in("whole", {"--resume"}).code, 0);  // nothing to resume: it begins
  interrupt("broken");
  const Finished again = run_in("broken");
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("holds a run that was broken off; --resume goes on with it, --overwrite begins"));
  ASSERT_EQ(run_in("broken", {"--resume", "--threads", "2"}).code, 0);
  expect_same("broken", "whole");
  EXPECT_LE(checkpoints("broken").size(), 3u);

  // A finished one stays as it is.
  const std::string before = read(folder_ / "broken" / "summary.json");
  const Finished finished = run_in("broken", {"--resume", "--json"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_EQ(finished.out, before);
  EXPECT_THAT(run_in("broken").err, HasSubstr("holds a finished run"));
  ASSERT_EQ(run_in("broken", {"--overwrite"}).code, 0);
  expect_same("broken", "whole");
}

TEST_F(Resume, WithoutASettingCtrlCIsEnough) {
  interrupt("first");  // the scenario has it as a setting: a run without it has the one of its interruption
  write("s.toml",
        "problem = { name = 'quadratic', dimension = 4000 }\n"
        "workers = { count = 4, compute_time = 1.0 }\n"
        "method = { name = 'vanilla-asgd', step_size = 0.05 }\n"
        "run = { stop = { updates = 60000 }, events = false }\n");
  ASSERT_EQ(run_in("whole").code, 0);
  EXPECT_EQ(checkpoints("whole").size(), 0u);
  const pid_t pid = start_in("broken");
  wait_until([&] { return fs::exists(folder_ / "broken" / "metrics.jsonl"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  kill(pid, SIGTERM);
  ASSERT_EQ(finish(pid).code, 130);
  EXPECT_EQ(checkpoints("broken").size(), 1u);
  ASSERT_EQ(run_in("broken", {"--resume"}).code, 0);
  EXPECT_EQ(summary("broken")["digest"], summary("whole")["digest"]);
}

TEST_F(Resume, InThePlaceOfADamagedCheckpointThePreviousIsTaken) {
  ASSERT_EQ(run_in("whole").code, 0);
  interrupt("broken");
  const std::vector<fs::path> files = checkpoints("broken");
  ASSERT_GE(files.size(), 2u);
  fs::resize_file(files.back(), fs::file_size(files.back()) / 2);
  const Finished resumed = run_in("broken", {"--resume"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, StartsWith("tardigrad: warning: broken/checkpoints/"));
  EXPECT_THAT(resumed.err, HasSubstr("not a checkpoint: it is shorter or longer than it says; it is put aside, "));
  EXPECT_EQ(std::ranges::count(resumed.err, '\n'), 1);
  expect_same("broken", "whole");
}

TEST_F(Resume, ARecordedRunGoesOnAndItsReplayMeetsEverything) {
  ASSERT_EQ(run_in("whole", {"--record"}).code, 0);
  interrupt("broken", {"--record"});
  const Finished part = run({"replay", "broken"});
  EXPECT_EQ(part.code, 0) << part.err;
  EXPECT_THAT(part.out, HasSubstr("The run ended by interrupted, and its digest is met"));
  expect_refused({"run", "s.toml", "--out", "broken", "--resume"}, "it has run.record = true, here run.record = false");
  ASSERT_EQ(run_in("broken", {"--record", "--resume"}).code, 0);
  expect_same("broken", "whole");
  const Finished replayed = run({"replay", "broken"});
  ASSERT_EQ(replayed.code, 0) << replayed.err;
  EXPECT_THAT(replayed.out,
              HasSubstr("ended by updates, and its digest is met: " + summary("whole")["digest"].get<std::string>()));
}

// The directory alone says all: its scenario is the run's, with what was changed on the way.
TEST_F(Resume, TheDirectoryIsEnough) {
  const std::vector<std::string> changed = {"--set", "method.step_size=0.04", "--seed", "5", "--record"};
  ASSERT_EQ(run_in("whole", changed).code, 0);
  interrupt("broken", changed);
  const auto updates = summary("broken")["updates"].get<std::uint64_t>();
  const Finished resumed = run({"run", "--resume", "broken"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr(fmt::format("tardigrad: broken: goes on after {} updates\n", updates)));
  expect_same("broken", "whole");
  EXPECT_EQ(read(folder_ / "broken" / "scenario.toml"), read(folder_ / "whole" / "scenario.toml"));
  const Finished fresh = run({"run", "s.toml", "--resume", "fresh", "--out", "./fresh/"});
  EXPECT_EQ(fresh.code, 0);
  EXPECT_THAT(fresh.err, HasSubstr("tardigrad: fresh: holds no checkpoint, so the run begins at its beginning\n"));
  EXPECT_TRUE(fs::exists(folder_ / "fresh" / "summary.json"));
}

// Until the first has ended, in whatever way.
TEST_F(Resume, TwoRunsInOneDirectoryDoNotMeet) {
  const pid_t pid = start_in("r", {"--set", "run.stop.updates=100000000"});
  wait_until([&] { return !checkpoints("r").empty(); });
  const std::string refusal = "r: a run is going on in it; wait until it has ended, or name another directory\n";
  expect_refused({"run", "s.toml", "--out", "r"}, refusal);
  expect_refused({"run", "s.toml", "--out", "r", "--resume"}, refusal);
  expect_refused({"run", "s.toml", "--out", "r", "--overwrite"}, refusal);
  kill(pid, SIGKILL);
  EXPECT_EQ(finish(pid).code, 128 + SIGKILL);
  EXPECT_EQ(run_in("r", {"--overwrite"}).code, 0);
}

TEST_F(Resume, MistakesAreNamed) {
  expect_refused({"run", "s.toml", "--resume"}, "--resume: say which run to go on with: --resume DIR");
  expect_refused({"run", "--resume", "s.toml"}, "s.toml: holds no run to go on with: there is no scenario.toml in it");
  expect_refused({"run", "--out", "r", "--resume", "s.toml"}, "--resume s.toml and --out r: name one directory");
  expect_refused({"run", "--out", "r"}, "scenario is required");
  expect_refused({"run", "s.toml", "--out", "r", "--resume", "--overwrite"}, "say one of them");
  expect_refused({"run", "s.toml", "--set", "run.checkpoint_every={updates=1,seconds=1}"},
                 "must be { updates = N } or { seconds = S }, of real time");
  expect_refused({"run", "s.toml", "--set", "run.checkpoint_every={updates=0}"}, "run.checkpoint_every.updates = 0");
  expect_refused({"run", "s.toml", "--set", "run.keep_checkpoints=0"}, "run.keep_checkpoints = 0");
  interrupt("r");
  expect_refused({"run", "s.toml", "--out", "r", "--resume", "--set", "method.step_size=0.1"},
                 "it has method.step_size = 0.05, here method.step_size = 0.1");
  write("s.toml",
        "problem = { name = 'quadratic' }\nworkers = { count = 1, compute_time = 1.0 }\n"
        "method = { name = 'vanilla-asgd', step_size = 0.1 }\n"
        "run = { stop = { updates = 5 }, keep_checkpoints = 2 }\n");
  expect_refused({"run", "s.toml"}, "run.keep_checkpoints = 2: needs checkpoint_every beside it");
  write("c.toml",
        "problem = { name = 'quadratic' }\nworkers = { count = 1, compute_time = 1.0 }\n"
        "run = { stop = { updates = 5 }, checkpoint_every = { updates = 2 } }\n"
        "compare = { seeds = 1, methods = [ { name = 'vanilla-asgd', step_size = 0.1 } ] }\n");
  expect_refused({"compare", "c.toml"}, "is for `run`");
}

// What the user changed, and not a default that came from it.
TEST_F(Resume, TheKeyThatWasChangedIsNamed) {
  write("f.toml",
        "problem = { name = 'quadratic' }\nworkers = { count = 4, compute_time = 1.0 }\n"
        "method = { name = 'delay-adaptive-asgd', step_size = 0.1 }\n"
        "run = { stop = { updates = 40 }, checkpoint_every = { updates = 20 } }\n");
  ASSERT_EQ(run({"run", "f.toml", "--out", "r"}).code, 0);
  const auto refused = [&](const std::string& assignment, const std::string& message) {
    expect_refused({"run", "f.toml", "--out", "r", "--resume", "--set", assignment}, message);
  };
  refused("workers.count=5", "it has workers.count = 4, here workers.count = 5; --out names");
  refused("run.seed=2", "it has run.seed = 1, here run.seed = 2; --out");
  refused("problem.dimension=11", "it has problem.dimension = 10, here problem.dimension = 11; --out");
  refused("problem.noise={kind=\"gaussian\",scale=1.0}", "here problem.noise.");
  refused("method.name=vanilla-asgd",
          "it has method.name = \"delay-adaptive-asgd\", here method.name = \"vanilla-asgd\"");
  refused("run.events=false", "run.events");
  refused("run.target={metric=\"loss\",at_most=0.1}", "it has no run.target.");
  const Finished same = run({"run", "f.toml", "--out", "r", "--resume", "--set", "workers.compute_time=1"});
  EXPECT_EQ(same.code, 0) << same.err;  // 1 and 1.0 are one number
}

class Longer : public Resume {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("s.toml", std::string(kSmallWorld) +
                        "run = { stop = { updates = 100 }, evaluate_every = { updates = 30 }, "
                        "checkpoint_every = { updates = 40 } }\n");
  }
  // To this stop, then to a later one, is what the later one gives at once: logs and digest.
  void expect_to_go_on(const std::string& stop, const std::string& later, std::vector<std::string> more = {}) {
    const auto with = [&](const std::string& value, std::vector<std::string> words) {
      words.insert(words.end(), {"--set", "run.stop=" + value});
      words.insert(words.end(), more.begin(), more.end());
      return words;
    };
    ASSERT_EQ(run_in("whole", with(later, {})).code, 0);
    ASSERT_EQ(run_in("broken", with(stop, {})).code, 0);
    const Finished on = run_in("broken", with(later, {"--resume"}));
    ASSERT_EQ(on.code, 0) << on.err;
    expect_same("broken", "whole");
    EXPECT_EQ(read(folder_ / "broken" / "scenario.toml"), read(folder_ / "whole" / "scenario.toml"));
    const Finished again = run({"run", "--resume", "broken", "--json"});  // it has ended
    EXPECT_EQ(again.code, 0);
    EXPECT_EQ(again.out, read(folder_ / "broken" / "summary.json"));
    for (const char* directory : {"whole", "broken"}) fs::remove_all(folder_ / directory);
  }
};

TEST_F(Longer, AFinishedRunGoesOn) {
  expect_to_go_on("{updates=100}", "{updates=250}");
  expect_to_go_on("{gradients=101}", "{gradients=250}");
  expect_to_go_on("{time=33.3}", "{time=71.0}");
  expect_to_go_on("{time=33.3}", "{time=71.0}", {"--set", "run.evaluate_every={time=5.0}"});
  expect_to_go_on("{time=33.3,updates=1000}", "{updates=1000}");  // without one of them is later, too
  expect_to_go_on("{updates=1000,target=true}", "{updates=1000,target=false}",
                  {"--set", "run.target={metric=\"loss\",at_most=0.5}"});
}

TEST_F(Longer, ARecordedOneIsReplayedToItsEnd) {
  ASSERT_EQ(run_in("r", {"--record"}).code, 0);
  ASSERT_EQ(run_in("r", {"--record", "--resume", "--set", "run.stop.updates=250"}).code, 0);
  const Finished replayed = run({"replay", "r"});
  ASSERT_EQ(replayed.code, 0) << replayed.err;
  EXPECT_THAT(replayed.out, HasSubstr("its digest is met: " + summary("r")["digest"].get<std::string>()));
}

// A broken-off one as well.
TEST_F(Longer, ABrokenOffRunMayStopLater) {
  const std::string much = "run.stop.updates=100000000";
  const std::string stable = "method.step_size=0.005";  // at the usual one some bursts of delays diverge, in the end
  const pid_t pid = start_in("r", {"--set", much, "--set", stable, "--set", "run.events=false"});
  wait_until([&] { return !checkpoints("r").empty(); });
  kill(pid, SIGINT);
  ASSERT_EQ(finish(pid).code, 130);
  const std::uint64_t made = summary("r")["updates"];
  expect_refused({"run", "--resume", "r", "--set", "run.stop.updates=50000000"},
                 "a run that goes on may stop later, not earlier: it has run.stop.updates = 100000000, here "
                 "run.stop.updates = 50000000");
  const pid_t again = start({"run", "--resume", "r", "-q", "--set", "run.stop.updates=200000000"});
  wait_until([&] { return read(folder_ / "r" / "scenario.toml").find("200000000") != std::string::npos; });
  kill(again, SIGINT);
  ASSERT_EQ(finish(again).code, 130);
  EXPECT_GE(summary("r")["updates"].get<std::uint64_t>(), made);
}

TEST_F(Longer, WhatCannotGoOnIsLeftAsItIs) {
  ASSERT_EQ(run_in("r").code, 0);
  const std::string before = read(folder_ / "r" / "summary.json");
  expect_refused({"run", "--resume", "r", "--set", "run.stop.updates=50"}, "may stop later, not earlier");
  expect_refused({"run", "--resume", "r", "--set", "run.stop.time=500.0"},
                 "it has no run.stop.time, here run.stop.time");
  fs::remove_all(folder_ / "r" / "checkpoints");
  expect_refused({"run", "--resume", "r", "--set", "run.stop.updates=200"},
                 "the run has ended and left no checkpoint to go on from; with run.checkpoint_every it leaves one");
  EXPECT_EQ(read(folder_ / "r" / "summary.json"), before);
  ASSERT_EQ(run_in("d", {"--set", "run.stop={updates=100,time=20.0}"}).code, 0);
  expect_refused({"run", "--resume", "d", "--set", "run.stop.updates=200"},
                 "the run ended by time: only another run.stop.time lets it go on");
  for (const fs::path& file : checkpoints("d")) fs::resize_file(file, 10);
  EXPECT_THAT(run({"run", "--resume", "d", "--set", "run.stop.time=40.0"}).err,
              HasSubstr("it ends too early; no other checkpoint can be gone on from; nothing was changed"));
  EXPECT_EQ(summary("d")["reason"], "time");
}

// A default that comes from the stop stays what it was, and that is said.
TEST_F(Longer, EvaluationsGoOnAsTheyBegan) {
  const std::string plain = read(folder_ / "s.toml");
  const std::string every = "evaluate_every = { updates = 30 }, ";
  write("s.toml", std::string(plain).replace(plain.find(every), every.size(), ""));
  ASSERT_EQ(run_in("r").code, 0);
  const Finished on = run({"run", "s.toml", "--out", "r", "--resume", "--set", "run.stop.updates=250"});
  ASSERT_EQ(on.code, 0) << on.err;
  EXPECT_THAT(on.err, HasSubstr("r: is evaluated as it began, evaluate_every = { updates = 2 }\n"));
  write("s.toml", std::string(plain).replace(plain.find(every), every.size(), "evaluate_every = { updates = 2 }, "));
  ASSERT_EQ(run_in("whole", {"--set", "run.stop.updates=250"}).code, 0);
  expect_same("r", "whole");
}

TEST_F(Longer, ARunBeginsFromAModel) {
  ASSERT_EQ(run_in("first").code, 0);
  const std::vector<std::string> start = {"--set", "problem.start=first/model.safetensors"};
  ASSERT_EQ(run_in("second", start).code, 0);
  const auto first_loss = [&](const std::string& directory) {
    std::istringstream rows(read(folder_ / directory / "metrics.jsonl"));
    std::string row;
    std::getline(rows, row);
    return json::parse(row)["metrics"]["loss"].get<double>();
  };
  EXPECT_EQ(first_loss("second"), summary("first")["metrics"]["loss"].get<double>());  // it begins where that ended
  const json data = summary("second")["provenance"]["data"];
  ASSERT_EQ(data.size(), 1u);
  EXPECT_EQ(data[0]["name"], (folder_ / "first" / "model.safetensors").string());

  const auto refused = [&](const std::string& message, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"run", "s.toml", "--out", "none"});
    more.insert(more.end(), start.begin(), start.end());
    expect_refused(more, message);
  };
  refused("tensor `x` has the shape [20], and that of the problem [7]", {"--set", "problem.dimension=7"});
  const fs::path file = folder_ / "first" / "model.safetensors";
  const std::string model = read(file);
  std::ofstream(file, std::ios::binary) << model.substr(0, model.size() - 1);
  refused("not a safetensors file of float32");
  expect_refused({"run", "--resume", "second", "--set", "run.stop.updates=200"}, "not a safetensors file of float32");
  std::string other = model;
  other.back() = static_cast<char>(other.back() ^ 1);
  std::ofstream(file, std::ios::binary) << other;
  expect_refused({"run", "--resume", "second", "--set", "run.stop.updates=200"}, "model.safetensors has changed (");
  other.replace(other.size() - 4, 4, std::string("\0\0\xc0\x7f", 4));
  std::ofstream(file, std::ios::binary) << other;
  refused("tensor `x` holds a value that is not finite");
  fs::remove(file);
  refused("model.safetensors: cannot read: No such file");
}

}  // namespace
}  // namespace tardigrad::e2e
