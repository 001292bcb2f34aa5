// SPDX-License-Identifier: Apache-2.0
// Disks that are full and directories that go away under a run: it goes on, says so, and leaves what an undisturbed run
// leaves. A limit on the size of files is what a full disk is to a program, and can be lifted while it runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

constexpr const char* kScenario = R"(
problem = { name = "quadratic", dimension = 1000, noise = { kind = "gaussian", scale = 0.2 } }
workers = { count = 4, compute_time = { kind = "exponential", mean = 1.0 } }
method = { name = "vanilla-asgd", step_size = 0.05, update = { rule = "momentum" } }
run = { stop = { updates = 20000 }, evaluate_every = { time = 20.0 } }
)";

class FullDisk : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("s.toml", kScenario);
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
    limit.rlim_cur = bytes;
    ASSERT_EQ(prlimit(pid, RLIMIT_FSIZE, &limit, nullptr), 0);
  }
  static void wait_until(const std::function<bool()>& holds) {
    for (int i = 0; i < 20000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(holds());
  }
  std::string said() const { return read(folder_ / "stderr"); }
  void expect_same(const std::string& a, const std::string& b) {
    EXPECT_EQ(summary(a)["digest"], summary(b)["digest"]);
    for (const char* file : {"scenario.toml", "events.jsonl", "metrics.jsonl", "model.safetensors"})
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

}  // namespace
}  // namespace tardigrad::e2e
