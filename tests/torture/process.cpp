// SPDX-License-Identifier: Apache-2.0
#include "torture/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace tardigrad::torture {
namespace {

using Clock = std::chrono::steady_clock;

// In the child. Never returns.
[[noreturn]] void become(const std::filesystem::path& folder, const Start& start) {
  std::vector<char*> argv;
  for (const std::string& word : start.words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  for (const auto& [key, value] : start.environment) setenv(key.c_str(), value.c_str(), 1);
  if (chdir(folder.c_str()) != 0) _exit(99);
  int out = -1;
  if (start.closed_pipes) {
    int ends[2];
    if (pipe(ends) != 0) _exit(99);
    close(ends[0]);
    out = ends[1];
    signal(SIGPIPE, SIG_DFL);
  } else {
    out = open("said", O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
  }
  if (dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(99);
  execv(argv[0], argv.data());
  _exit(98);
}

}  // namespace

End run(const std::filesystem::path& folder, const Start& start, std::chrono::seconds patience) {
  const Clock::time_point begin = Clock::now();
  const pid_t pid = fork();
  if (pid == 0) become(folder, start);
  End end;
  int status = 0;
  bool sent = !start.signal;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    const auto passed = Clock::now() - begin;
    if (!sent && passed >= start.signal->after) {
      kill(pid, start.signal->number);
      sent = true;
    }
    if (passed > patience && !end.hung) {
      end.hung = true;
      kill(pid, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  end.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  end.said = start.closed_pipes ? "" : read(folder / "said");
  return end;
}

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace tardigrad::torture
