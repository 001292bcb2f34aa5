// SPDX-License-Identifier: Apache-2.0
// The program, run as a user runs it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/process.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::e2e {

namespace fs = std::filesystem;
using nlohmann::json;
using test::read;
using testing::HasSubstr;

inline const fs::path kBinary = fs::path(TARDIGRAD_BINARY_DIR) / "tardigrad";

// Four workers of random speed, and a method with a state; what a run does with it comes after.
inline constexpr const char* kSmallWorld = R"(
problem = { name = "quadratic", dimension = 20, noise = { kind = "gaussian", scale = 0.5 } }
workers = { count = 4, compute_time = { kind = "exponential", mean = 1.0 } }
method = { name = "vanilla-asgd", step_size = 0.05, update = { rule = "momentum" } }
)";

struct Finished {
  int code = -1;  // the exit code; 128 + signal when it was killed
  std::string out, err;
};

class Program : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (disk() / "tardigrad-e2e-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  /// Where the folder of the test is made.
  virtual fs::path disk() const { return fs::temp_directory_path(); }
  /// In memory where there is such a place: hundreds of runs wait for no disk.
  static fs::path memory() { return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : fs::temp_directory_path(); }

  /// With faults (tests/support/faults.cpp), and a log of the calls in the file `calls`.
  pid_t start(const std::vector<std::string>& words, const std::string& faults = "") {
    test::Start start{.words = words, .folder = folder_};
    start.words.insert(start.words.begin(), kBinary);
    if (!faults.empty())
      start.environment =
          test::under_faults(fs::path(TARDIGRAD_BINARY_DIR) / "libtardigrad_faults.so", faults, folder_ / "calls");
    return test::start(start);
  }
  Finished finish(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return {.code = test::code_of(status), .out = read(folder_ / "stdout"), .err = read(folder_ / "stderr")};
  }
  Finished run(const std::vector<std::string>& words, const std::string& faults = "") {
    return finish(start(words, faults));
  }

  // Gives commands again and again, and kills each at a random instant within `longest`, until there were so many
  // kills. Where a run came to its end, the last one in peace, `ended` looks at what it left, and clears it away.
  void kill_and_resume(int kills, std::chrono::duration<double> longest,
                       const std::function<std::vector<std::string>(std::uint64_t turn)>& command,
                       const std::function<void()>& ended) {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    Stream dice(1, Purpose::test, 0, std::hash<std::string>{}(test));
    int killed = 0;
    for (std::uint64_t turn = 0; killed < kills; ++turn) {
      ASSERT_LT(turn, 100u * static_cast<std::uint64_t>(kills)) << "it makes no progress";
      const pid_t pid = start(command(turn));
      std::this_thread::sleep_for(longest * dice.uniform());
      ::kill(pid, SIGKILL);
      const Finished leg = finish(pid);
      killed += leg.code == 128 + SIGKILL;
      if (leg.code == 128 + SIGKILL && killed < kills) continue;
      const Finished last = leg.code == 0 ? leg : run(command(turn));
      ASSERT_EQ(last.code, 0) << last.err;
      ended();
    }
  }

  // One clear line on stderr, nothing on stdout, exit code 2.
  void expect_refused(const std::vector<std::string>& words, const std::string& message) {
    const Finished finished = run(words);
    EXPECT_EQ(finished.code, 2) << message;
    EXPECT_THAT(finished.err, HasSubstr(message));
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
    EXPECT_EQ(finished.out, "");
  }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  json summary(const std::string& directory) { return json::parse(read(folder_ / directory / "summary.json")); }

  fs::path folder_;
};

}  // namespace tardigrad::e2e
