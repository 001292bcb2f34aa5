// SPDX-License-Identifier: Apache-2.0
// A coordinator and workers as processes of this machine.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "program.hpp"
#include "support/accounts.hpp"

namespace tardigrad::e2e {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class Network : public Program {
 protected:
  void TearDown() override {
    for (const auto& [name, pid] : running_) {
      ::kill(pid, SIGCONT);
      ::kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
    Program::TearDown();
  }

  void write_scenario(const std::string& run) { write("s.toml", world_ + "run = { " + run + " }\n"); }

  /// Starts a process whose words go to NAME.out and NAME.err.
  pid_t begin(const std::string& name, std::vector<std::string> words) {
    words.insert(words.begin(), kBinary);
    const pid_t pid =
        test::start({.words = std::move(words), .folder = folder_, .out = name + ".out", .err = name + ".err"});
    return running_[name] = pid;
  }
  /// Serves s.toml in r, or goes on with it; returns when workers may come.
  void serve(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"serve",    "s.toml",  "--out",    "r",
                                      "--record", "--quiet", "--listen", "127.0.0.1:" + std::to_string(port_)};
    if (std::ranges::find(more, "--overwrite") == more.end()) words.emplace_back("--resume");
    words.insert(words.end(), more.begin(), more.end());
    std::filesystem::remove(folder_ / "server.err");  // of an earlier start
    begin("server", words);
    const std::regex address("--connect 127\\.0\\.0\\.1:([0-9]+)");
    std::smatch found;
    ASSERT_TRUE(within(20.0, [&] {
      const std::string said = read(folder_ / "server.err");
      if (!std::regex_search(said, found, address)) return ended("server");
      port_ = std::stoi(found[1]);
      return true;
    }));
    ASSERT_NE(port_, 0) << read(folder_ / "server.err");
  }
  std::vector<std::string> words_of_worker(const std::string& name, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"work", "--connect", "127.0.0.1:" + std::to_string(port_), "--name", name};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  void work(const std::string& name, const std::vector<std::string>& more = {}) {
    begin(name, words_of_worker(name, more));
  }
  bool ended(const std::string& name) {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(running_.at(name)), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
  }
  void kill_hard(const std::string& name) {
    ::kill(running_.at(name), SIGKILL);
    waitpid(running_.at(name), nullptr, 0);
    running_.erase(name);
  }
  /// Waits for its end, and returns the exit code.
  int code(const std::string& name, double seconds = 60.0) {
    if (!within(seconds, [&] { return ended(name); })) {
      ADD_FAILURE() << name << " does not end: " << read(folder_ / (name + ".err"));
      return -1;
    }
    int status = 0;
    waitpid(running_.at(name), &status, 0);
    running_.erase(name);
    return test::code_of(status);
  }
  template <class Condition>
  static bool within(double seconds, const Condition& condition) {
    const auto until = Clock::now() + std::chrono::duration<double>(seconds);
    while (!condition()) {
      if (Clock::now() >= until) return false;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return true;
  }
  /// How many rows of events there are.
  std::size_t events() const {
    const std::string text = read(folder_ / "r" / "events.jsonl");
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  void expect_whole(const std::string& reason) {
    EXPECT_EQ(summary("r")["reason"], reason);
    EXPECT_THAT(test::wrong_accounts(folder_ / "r"), testing::IsEmpty());
    const Finished replayed = run({"replay", "r"});
    EXPECT_EQ(replayed.code, 0) << replayed.err;
    EXPECT_THAT(replayed.out, HasSubstr("its digest is met"));
  }

  // As fast as it goes: a second or two.
  std::string world_ = R"(
problem = { name = "quadratic", dimension = 2000, mu = 0.05, noise = { kind = "gaussian", scale = 0.01 } }
method = { name = "clipped-asgd", step_size = 0.02, clip_radius = 1.0 }
workers = { count = 4 }
)";
  std::map<std::string, pid_t> running_;
  int port_ = 0;
};

}  // namespace tardigrad::e2e
