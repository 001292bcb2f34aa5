// SPDX-License-Identifier: Apache-2.0
#include "cli/print.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace tardigrad::cli {
namespace {

// The first thing that kept standard output from being written.
std::atomic<int> first_problem{0};

void note(std::FILE* file, bool written) {
  const bool reader_gone = errno == EPIPE || errno == EBADF;  // EBADF: it was closed from the start
  int none = 0;
  if (file == stdout && !written && !reader_gone) first_problem.compare_exchange_strong(none, errno);
}

}  // namespace

void outlive_readers() { std::signal(SIGPIPE, SIG_IGN); }

void print_text(std::FILE* file, const std::string& text) {
  note(file, std::fwrite(text.data(), 1, text.size(), file) == text.size());
}

std::string finish_output() {
  note(stdout, std::fflush(stdout) == 0);
  const int problem = first_problem;
  return problem == 0 ? "" : "standard output: cannot be written: " + std::generic_category().message(problem);
}

}  // namespace tardigrad::cli
