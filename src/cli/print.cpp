// SPDX-License-Identifier: Apache-2.0
#include "cli/print.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <new>
#include <system_error>

#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

const char* words_for(Remedy remedy) {
  switch (remedy) {
    case Remedy::go_on:
      return "--resume goes on with it";
    case Remedy::begin_anew:
      return "--overwrite begins anew";
    case Remedy::compare_anew:
      return "--fresh runs all of them again";
    case Remedy::other_directory:
      return "--out names another directory";
    case Remedy::name_plugin:
      return "--plugin FILE names a shared library that brings it";
    case Remedy::name_data_root:
      return "--data-root names another folder";
  }
  return "";
}

// The first thing that kept standard output from being written.
std::atomic<int> first_problem{0};

void note(std::FILE* file, bool written) {
  const bool reader_gone = errno == EPIPE || errno == EBADF;  // EBADF: it was closed from the start
  int none = 0;
  if (file == stdout && !written && !reader_gone) first_problem.compare_exchange_strong(none, errno);
}

}  // namespace

std::string with_remedies(const Error& mistake) {
  std::string text = mistake.what();
  const char* separator = "; ";
  for (const Remedy remedy : mistake.remedies()) {
    (text += separator) += words_for(remedy);
    separator = ", ";
  }
  return text;
}

void outlive_readers() { std::signal(SIGPIPE, SIG_IGN); }

void print_text(std::FILE* file, const std::string& text) {
  note(file, std::fwrite(text.data(), 1, text.size(), file) == text.size());
}

std::string finish_output() {
  note(stdout, std::fflush(stdout) == 0);
  const int problem = first_problem;
  return problem == 0 ? "" : "standard output: cannot be written: " + std::generic_category().message(problem);
}

int report_failure(const std::exception_ptr& error) {
  // A stderr that is on a full disk throws nothing.
  const auto fail = [](int code, const std::string& text) {
    std::fflush(stdout);
    print_text(stderr, "tardigrad: " + one_line(text) + "\n");
    return code;
  };
  try {
    std::rethrow_exception(error);
  } catch (const Error& mistake) {
    return fail(2, with_remedies(mistake));
  } catch (const std::filesystem::filesystem_error& problem) {
    return fail(2, problem.path1().string() + ": " + problem.code().message());
  } catch (const std::bad_alloc&) {
    return fail(2, "out of memory");
  } catch (const std::exception& bug) {
    return fail(1, std::string("unexpected failure: ") + bug.what());
  } catch (...) {  // a plugin's
    return fail(1, "unexpected failure: something that is no std::exception was thrown");
  }
}

}  // namespace tardigrad::cli
