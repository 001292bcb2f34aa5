// SPDX-License-Identifier: Apache-2.0
// The program, run as a user runs it.
#pragma once

#include <fcntl.h>
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

#include "tardigrad/rng.hpp"

namespace tardigrad::e2e {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

inline const fs::path kBinary = fs::path(TARDIGRAD_BINARY_DIR) / "tardigrad";

inline std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

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
    std::vector<char*> argv = {const_cast<char*>(kBinary.c_str())};
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const pid_t pid = fork();
    if (pid == 0) {
      const int out = open((folder_ / "stdout").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
      const int err = open((folder_ / "stderr").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
      if (!faults.empty()) set_faults(faults);
      if (chdir(folder_.c_str()) != 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) _exit(99);
      execv(argv[0], argv.data());
      _exit(98);
    }
    return pid;
  }
  Finished finish(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            .out = read(folder_ / "stdout"),
            .err = read(folder_ / "stderr")};
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

 private:
  void set_faults(const std::string& faults) const {
    const char* const sanitizer = std::getenv("ASAN_OPTIONS");
    setenv("ASAN_OPTIONS", ((sanitizer ? sanitizer : "") + std::string(":verify_asan_link_order=0")).c_str(), 1);
    setenv("LD_PRELOAD", (fs::path(TARDIGRAD_BINARY_DIR) / "libtardigrad_faults.so").c_str(), 1);
    setenv("TARDIGRAD_FAULTS", faults.c_str(), 1);
    setenv("TARDIGRAD_FAULTS_LOG", (folder_ / "calls").c_str(), 1);
  }
};

}  // namespace tardigrad::e2e
