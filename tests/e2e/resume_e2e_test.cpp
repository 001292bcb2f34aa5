// SPDX-License-Identifier: Apache-2.0
// Runs that were broken off, and go on: what a user says, and what is said in return.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <functional>
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
  EXPECT_THAT(resumed.err, HasSubstr("not a checkpoint: it is shorter or longer than it says; the one before it is"));
  EXPECT_EQ(std::ranges::count(resumed.err, '\n'), 1);
  expect_same("broken", "whole");
}

TEST_F(Resume, ARecordedRunGoesOnAndItsReplayMeetsEverything) {
  ASSERT_EQ(run_in("whole", {"--record"}).code, 0);
  interrupt("broken", {"--record"});
  const Finished part = run({"replay", "broken"});
  EXPECT_EQ(part.code, 0) << part.err;
  EXPECT_THAT(part.out, HasSubstr("The run ended by interrupted, and its digest is met"));
  expect_refused({"run", "s.toml", "--out", "broken", "--resume"},
                 "of its scenario.toml is `record = true`, here `record = false`");
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
                 "of its scenario.toml is `step_size = 0.05`, here `step_size = 0.1`");
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

}  // namespace
}  // namespace tardigrad::e2e
