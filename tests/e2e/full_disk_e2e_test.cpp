// SPDX-License-Identifier: Apache-2.0
// Disks that are full and directories that go away under a run: it goes on, says so, and leaves what an undisturbed run
// leaves. A limit on the size of files is what a full disk is to a program, and can be lifted while it runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

constexpr const char* kWorld = R"(
problem = { name = "quadratic", dimension = 1000, noise = { kind = "gaussian", scale = 0.2 } }
workers = { count = 4, compute_time = { kind = "exponential", mean = 1.0 } }
run = { stop = { updates = 20000 }, evaluate_every = { time = 20.0 } }
)";
constexpr const char* kMethod = R"(
method = { name = "vanilla-asgd", step_size = 0.005, update = { rule = "momentum" } }
)";
constexpr const char* kComparison = R"(
compare = { seeds = [1, 2, 3], methods = [ { name = "vanilla-asgd", step_size = [0.02, 0.05] } ] }
)";

class FullDisk : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("s.toml", std::string(kWorld) + kMethod);
    write("c.toml", std::string(kWorld) + kComparison);
  }
  pid_t start_in(const std::string& directory, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"run", "s.toml", "--quiet", "--out", directory});
    return start(more);
  }
  Finished run_in(const std::string& directory, std::vector<std::string> more = {}) {
    return finish(start_in(directory, std::move(more)));
  }
  static void limit_files(pid_t pid, rlim_t bytes) {
    rlimit limit{};
    ASSERT_EQ(prlimit(pid, RLIMIT_FSIZE, nullptr, &limit), 0);
    limit.rlim_cur = std::min(bytes, limit.rlim_max);
    ASSERT_EQ(prlimit(pid, RLIMIT_FSIZE, &limit, nullptr), 0);
  }
  static void wait_until(const std::function<bool()>& holds) {
    for (int i = 0; i < 20000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(holds());
  }
  std::string said() const { return read(folder_ / "stderr"); }
  void expect_same(const std::string& a, const std::string& b) {
    expect_same_logs(a, b);
    for (const char* file : {"events.jsonl", "model.safetensors"})
      EXPECT_TRUE(read(folder_ / a / file) == read(folder_ / b / file)) << file;
  }
  void expect_same_logs(const std::string& a, const std::string& b) {
    EXPECT_EQ(summary(a)["digest"], summary(b)["digest"]);
    EXPECT_EQ(summary(a)["missing"], json::object());
    for (const char* file : {"scenario.toml", "metrics.jsonl"})
      EXPECT_TRUE(read(folder_ / a / file) == read(folder_ / b / file)) << file;
  }
};

TEST_F(FullDisk, ALimitThatIsHitAndLiftedLeavesNoTrace) {
  ASSERT_EQ(run_in("whole", {"--record"}).code, 0);
  const pid_t pid = start_in("r", {"--record"});
  limit_files(pid, 40'001);  // in the middle of a row, or of a block
  for (const char* file : {"events.jsonl", "metrics.jsonl", "recording.bin"})
    wait_until([&] { return said().find(std::string("r/") + file + ": cannot write: File too large") != said().npos; });
  limit_files(pid, RLIM_INFINITY);
  const Finished finished = finish(pid);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(std::ranges::count(finished.err, '\n'), 6) << finished.err;
  for (const char* file : {"events.jsonl", "metrics.jsonl", "recording.bin"})
    EXPECT_THAT(finished.err, HasSubstr(std::string("r/") + file + ": is written again, and nothing of it is missing"));
  expect_same("r", "whole");
  EXPECT_EQ(run({"replay", "r"}).code, 0);
}

// Moved or removed, with all that was in it: what could be made again is there in the end.
TEST_F(FullDisk, ADirectoryThatGoesAwayIsMadeAgain) {
  ASSERT_EQ(run_in("whole", {"--record"}).code, 0);
  const pid_t pid = start_in("r", {"--record"});
  wait_until([&] { return read(folder_ / "r" / "metrics.jsonl").size() > 1000; });
  fs::rename(folder_ / "r", folder_ / "away");
  wait_until([&] { return fs::exists(folder_ / "r" / "metrics.jsonl"); });
  fs::rename(folder_ / "r", folder_ / "gone");
  fs::remove_all(folder_ / "gone");
  const Finished finished = finish(pid);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("tardigrad: warning: r: has gone, with the checkpoints in it; it is made again"));
  EXPECT_THAT(finished.err, HasSubstr("r/metrics.jsonl: had gone; it is made again, with all that was in it"));
  expect_same("r", "whole");
  EXPECT_EQ(run({"replay", "r"}).code, 0);
}

// Nothing of the first run is mixed up with what the second has left.
TEST_F(FullDisk, ADirectoryThatHasBecomeAnotherRunsIsLeftToIt) {
  const std::vector<std::string> second = {"--set", "run.seed=2", "--record"};
  ASSERT_EQ(run_in("whole", second).code, 0);
  const pid_t first = start_in("r", {"--record", "--set", "run.checkpoint_every.updates=500"});
  wait_until([&] { return read(folder_ / "r" / "metrics.jsonl").size() > 1000; });
  kill(first, SIGSTOP);
  fs::rename(folder_ / "r", folder_ / "away");
  ASSERT_EQ(run_in("r", second).code, 0);
  kill(first, SIGCONT);
  const Finished finished = finish(first);
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, HasSubstr("r: has become another run's"));
  expect_same("r", "whole");
  EXPECT_FALSE(fs::exists(folder_ / "r" / "checkpoints"));
  EXPECT_EQ(run({"replay", "r"}).code, 0);
}

TEST_F(FullDisk, TablesThatCannotBeWrittenArePrinted) {
  const std::vector<std::string> few = {"compare", "c.toml", "--quiet", "--set", "run.evaluate_every={time=2000.0}"};
  const auto into = [&](const std::string& directory) {
    std::vector<std::string> words = few;
    words.insert(words.end(), {"--out", directory});
    return words;
  };
  const Finished whole = run(into("whole"));
  ASSERT_EQ(whole.code, 0);
  const pid_t pid = start(into("c"));
  limit_files(pid, 3'000);  // enough for each run, but not for all in one table
  const Finished finished = finish(pid);
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, HasSubstr("\ntardigrad: c/compare.json: cannot write: File too large; what is printed "
                                      "is complete, the directory is not\n"));
  EXPECT_EQ(finished.out, whole.out.substr(0, whole.out.find("\nEvery run, and the curves")));
  // What was written while the runs went on, if anything, says so.
  const std::string early = read(folder_ / "c" / "compare.json");
  EXPECT_TRUE(early.empty() || !json::parse(early)["complete"].get<bool>());
  for (const auto& entry : fs::directory_iterator(folder_ / "c")) EXPECT_NE(entry.path().extension(), ".tmp");
}

// A disk of its own, where the tests may mount one.
class SmallDisk : public FullDisk {
 protected:
  void SetUp() override {
    FullDisk::SetUp();
    disk_ = folder_ / "disk";
    fs::create_directory(disk_);
    if (mount("none", disk_.c_str(), "tmpfs", 0, "size=200k") != 0) GTEST_SKIP() << "may not mount a file system";
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) {
      EXPECT_EQ(umount(disk_.c_str()), 0);
    }
    FullDisk::TearDown();
  }
  void remount(unsigned long flags, const char* options) {
    ASSERT_EQ(mount("none", disk_.c_str(), "tmpfs", MS_REMOUNT | flags, options), 0);
  }

 private:
  fs::path disk_;
  bool mounted_ = false;
};

TEST_F(SmallDisk, FullAndEmptiedLeavesNoTrace) {
  ASSERT_EQ(run_in("whole", {"--record"}).code, 0);
  const pid_t pid = start_in("disk/r", {"--record"});
  wait_until([&] { return said().find("No space left on device") != said().npos; });
  remount(0, "size=64m");
  const Finished finished = finish(pid);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("disk/r/events.jsonl: is written again, and nothing of it is missing"));
  expect_same("disk/r", "whole");
  EXPECT_EQ(run({"replay", "disk/r"}).code, 0);
}

TEST_F(SmallDisk, ThatIsReadOnlyIsToldOfBeforeTheRun) {
  remount(MS_RDONLY, "size=200k");
  expect_refused({"run", "s.toml", "--out", "disk/r"}, "disk/r: cannot make the directory: Read-only file system");
  expect_refused({"compare", "c.toml", "--out", "disk/c"},
                 "disk/c/runs: cannot make the directory: Read-only file system");
}

TEST_F(FullDisk, PlacesThatCannotBeWrittenAreToldOfBeforeTheRun) {
  write("file", "");
  expect_refused({"run", "s.toml", "--out", "file/r"}, "file/r: cannot make the directory: Not a directory");
  expect_refused({"compare", "c.toml", "--out", "file/c"}, "file/c/runs: cannot make the directory: Not a directory");
  limit_files(getpid(), 30);  // of the processes that this one starts
  const pid_t one = start_in("r");
  limit_files(getpid(), RLIM_INFINITY);
  EXPECT_EQ(finish(one).code, 2);
  EXPECT_FALSE(fs::exists(folder_ / "r" / "scenario.toml"));
  limit_files(getpid(), 30);
  const pid_t many = start({"compare", "c.toml", "--out", "c"});
  limit_files(getpid(), RLIM_INFINITY);
  EXPECT_EQ(finish(many).code, 2);
  EXPECT_TRUE(fs::is_empty(folder_ / "c" / "runs"));
}

// All that is left is one line of the run's end: what its files lack.
TEST_F(FullDisk, WhatIsMissingInTheEndIsToldAndNothingIsTorn) {
  const pid_t pid = start_in("r", {"--set", "run.evaluate_every={time=2000.0}", "--record"});
  limit_files(pid, 40'001);
  const Finished finished = finish(pid);
  ASSERT_EQ(finished.code, 2) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("r/events.jsonl: cannot write: File too large; this is tried again for 10 s"));
  EXPECT_THAT(finished.err, HasSubstr("\ntardigrad: r: rows could not be written; what is printed is complete, the "
                                      "directory is not; --resume makes them again"));
  const std::string events = read(folder_ / "r" / "events.jsonl");
  const auto rows = static_cast<std::uint64_t>(std::ranges::count(events, '\n'));
  EXPECT_TRUE(events.empty() || events.back() == '\n');
  const json missing = summary("r")["missing"];
  EXPECT_EQ(missing["events.jsonl"], summary("r")["counters"]["assigned"].get<std::uint64_t>() - 4 - rows);
  EXPECT_GT(missing["recording.bin"], 0);
  EXPECT_EQ(missing.size(), 2u);
  EXPECT_THAT(finished.out, HasSubstr(" rows of events.jsonl, which could not be written"));
  EXPECT_THAT(run({"replay", "r"}).out + read(folder_ / "stderr"), HasSubstr("torn"));
}

TEST_F(FullDisk, AModelThatCannotBeWrittenEndsARunThatPrintsItsResult) {
  std::vector<std::string> few = {"--set", "run.events=false", "--set", "run.evaluate_every={time=2000.0}"};
  ASSERT_EQ(run_in("whole", few).code, 0);
  const pid_t pid = start_in("r", few);
  limit_files(pid, 3'500);  // a model has 4 kB and more
  const Finished finished = finish(pid);
  EXPECT_EQ(finished.code, 2);
  EXPECT_EQ(std::ranges::count(finished.err, '\n'), 2) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("\ntardigrad: r/model.safetensors: cannot write: File too large; what is "
                                      "printed is complete, the directory is not\n"));
  EXPECT_THAT(finished.out, HasSubstr(summary("whole")["digest"]));
  for (const auto& entry : fs::directory_iterator(folder_ / "r"))
    EXPECT_THAT(entry.path().filename(), testing::AnyOf("scenario.toml", "provenance.json", "metrics.jsonl"));

  // Had there been room within the ten seconds, all would be well.
  few.emplace_back("--overwrite");
  const pid_t again = start_in("r", few);
  limit_files(again, 3'500);
  wait_until([&] { return !said().empty(); });
  limit_files(again, RLIM_INFINITY);
  EXPECT_EQ(finish(again).code, 0);
  expect_same("r", "whole");
}

TEST_F(FullDisk, ACheckpointOfAnInterruptionThatCannotBeWrittenIsToldOf) {
  const pid_t pid = start_in("r", {"--set", "run.events=false", "--set", "run.evaluate_every={time=2000.0}", "--set",
                                   "run.stop.updates=100000000"});
  wait_until([&] { return !read(folder_ / "r" / "metrics.jsonl").empty(); });
  limit_files(pid, 3'500);
  kill(pid, SIGINT);
  const Finished finished = finish(pid);
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, HasSubstr(".checkpoint: cannot write: File too large; this is tried again for 10 s"));
  EXPECT_THAT(finished.out, HasSubstr("interrupted"));
  EXPECT_TRUE(!fs::exists(folder_ / "r" / "checkpoints") || fs::is_empty(folder_ / "r" / "checkpoints"));
}

TEST_F(FullDisk, AComparisonGoesOnToo) {
  ASSERT_EQ(run({"compare", "c.toml", "--out", "whole", "--quiet"}).code, 0);
  const pid_t pid = start({"compare", "c.toml", "--out", "c", "--quiet"});
  wait_until([&] { return fs::exists(folder_ / "c" / "runs"); });
  limit_files(pid, 2'500);
  wait_until([&] { return said().find("this is tried again every 5 s") != said().npos; });
  limit_files(pid, RLIM_INFINITY);
  const Finished finished = finish(pid);
  ASSERT_EQ(finished.code, 0) << finished.err;
  for (const auto& entry : fs::directory_iterator(folder_ / "whole" / "runs"))
    expect_same_logs("c/runs/" + entry.path().filename().string(), "whole/runs/" + entry.path().filename().string());
}

}  // namespace
}  // namespace tardigrad::e2e
