// SPDX-License-Identifier: Apache-2.0
// What the program prints. A reader that has gone (`| head -1`, a terminal that closed) ends nothing: what would have
// been printed is not.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include "tardigrad/error.hpp"

namespace tardigrad::cli {

/// SIGPIPE is ignored from now on.
void outlive_readers();

void print_text(std::FILE* file, const std::string& text);

template <class... Args>
void print_out(fmt::format_string<Args...> format, Args&&... args) {
  print_text(stdout, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void print_err(fmt::format_string<Args...> format, Args&&... args) {
  print_text(stderr, fmt::format(format, std::forward<Args>(args)...));
}

/// Hands on what is printed. Returns why some of it was lost, "" when nobody misses it: to a full disk, not to a reader
/// that has gone.
std::string finish_output();

/// A mistake, and the options that help: "r: holds a finished run; --overwrite begins anew".
std::string with_remedies(const Error& mistake);

/// Says on stderr, in one line, why the program fails. Returns its exit code.
int report_failure(const std::exception_ptr& error);

}  // namespace tardigrad::cli
