// SPDX-License-Identifier: Apache-2.0
// Errors come in three kinds. An *outcome* (late gradient, divergence) is a value, not an error.
// A mistake of the user or of the environment is an `Error`, caught in `main` (exit code 2).
// A bug fails a `TG_CHECK`, which is always on: it prints what is known and aborts.
#pragma once

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tardigrad {

/// What helps beside mending what a message names. The message leaves it out: each program has words of its own for it
/// (`tardigrad` names its options, a program that embeds the library its own).
enum class Remedy : std::uint8_t {
  go_on,            ///< with the run that is there
  begin_anew,       ///< in the place of the run that is there
  compare_anew,     ///< all runs of the comparison, in the places of those that are there
  other_directory,  ///< for what is written
  name_plugin,      ///< that brings what is missing
  name_data_root    ///< another folder with data sets
};

/// A mistake that the user can mend. The message is one line: the thing, the value, what is
/// allowed, and the nearest match.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  Error(const std::string& message, std::vector<Remedy> remedies)
      : std::runtime_error(message), remedies_(std::move(remedies)) {}
  const std::vector<Remedy>& remedies() const { return remedies_; }

 private:
  std::vector<Remedy> remedies_;
};

/// The candidate nearest to `word` in edit distance, or "" when none is near.
/// Cost  O(|word| * total length of the candidates)
std::string nearest_match(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean `x`?" or "" when nothing is near: the common tail of our messages.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// "a, b, c", for messages that list what is allowed.
std::string join(const std::vector<std::string>& words, std::string_view separator = ", ");

/// A text as a message may hold it: what is no printable character, line ends too, is a blank, and of more than `most`
/// bytes the middle is left out.
std::string one_line(std::string_view text, std::size_t most = 1000);

/// Prints a bug and aborts; called by TG_CHECK.
[[noreturn]] void fail_check(const char* condition, const char* file, int line, const std::string& message);

/// While one is alive, a failing TG_CHECK on the same thread also prints what it describes
/// (seed, last events). Nest freely; the innermost is printed first.
class FailureContext {
 public:
  FailureContext();
  virtual ~FailureContext();
  FailureContext(const FailureContext&) = delete;
  FailureContext& operator=(const FailureContext&) = delete;
  virtual std::string describe() const = 0;

 private:
  friend void fail_check(const char*, const char*, int, const std::string&);
  FailureContext* outer_;
};

namespace detail {
template <class... Parts>
std::string concatenate(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}
}  // namespace detail

}  // namespace tardigrad

/// Always on. TG_CHECK(condition, parts...) prints the parts one after another.
#define TG_CHECK(condition, ...)                                                                \
  do {                                                                                          \
    if (!(condition)) [[unlikely]]                                                              \
      ::tardigrad::fail_check(#condition, __FILE__, __LINE__,                                   \
                              ::tardigrad::detail::concatenate("" __VA_OPT__(, ) __VA_ARGS__)); \
  } while (false)
