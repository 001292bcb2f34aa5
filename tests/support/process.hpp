// SPDX-License-Identifier: Apache-2.0
// Programs that tests start: with files for what they say, faults, and an exit code as a shell has it.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace tardigrad::test {

inline std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// How a program is started.
struct Start {
  std::vector<std::string> words;
  std::filesystem::path folder;  ///< where it runs
  /// Where stdout and stderr go, maybe into one file; "": pipes that nobody reads.
  std::string out = "stdout", err = "stderr";
  std::map<std::string, std::string> environment = {};  ///< added to that of this process
};

/// What makes the program fail where `rules` say so (tests/support/faults.cpp), and write its calls to the file
/// `calls`.
inline std::map<std::string, std::string> under_faults(const std::filesystem::path& library, const std::string& rules,
                                                       const std::filesystem::path& calls) {
  const char* const sanitizer = std::getenv("ASAN_OPTIONS");
  return {{"LD_PRELOAD", library},
          {"ASAN_OPTIONS", (sanitizer ? sanitizer : "") + std::string(":verify_asan_link_order=0")},
          {"TARDIGRAD_FAULTS", rules},
          {"TARDIGRAD_FAULTS_LOG", calls}};
}

namespace process {

inline int open_output(const std::filesystem::path& folder, const std::string& name) {
  if (!name.empty()) return open((folder / name).c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
  int ends[2];
  if (pipe(ends) != 0) return -1;
  close(ends[0]);
  return ends[1];
}

// In the child.
[[noreturn]] inline void become(const Start& start) {
  std::vector<char*> argv;
  for (const std::string& word : start.words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const int out = open_output(start.folder, start.out);
  const int err = start.err == start.out ? out : open_output(start.folder, start.err);
  if (start.out.empty()) signal(SIGPIPE, SIG_DFL);
  for (const auto& [key, value] : start.environment) setenv(key.c_str(), value.c_str(), 1);
  if (chdir(start.folder.c_str()) != 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) _exit(99);
  execv(argv[0], argv.data());
  _exit(98);
}

}  // namespace process

inline pid_t start(const Start& start) {
  const pid_t pid = fork();
  if (pid == 0) process::become(start);
  return pid;
}

/// The exit code; 128 + signal when it was killed.
inline int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace tardigrad::test
