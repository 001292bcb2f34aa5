// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "tardigrad/error.hpp"

namespace tardigrad {

/// Turns what comes out of a plugin into an Error of one bounded line; std::bad_alloc stays. A TG_CHECK that fails in
/// it aborts as everywhere, and says whose function it was in.
class Guard {
 public:
  /// How messages call it: "plugin mine.so: problem `mine`".
  explicit Guard(std::string name) : name_(std::move(name)) {}

  [[noreturn]] void fail(const std::string& problem) const { throw Error(name_ + ": " + problem); }

  template <class Action>
  auto call(const char* what, const Action& action) const {
    const Within within(name_, what);
    try {
      return action();
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const Error& error) {
      throw Error(one_line(error.what(), kMostText),
                  error.remedies());  // it has something to say to the user: in its own words
    } catch (const std::exception& error) {
      const std::string text = one_line(error.what(), kMostText);
      fail(std::string(what) + " threw " + (text.empty() ? "an error without a text" : "`" + text + "`"));
    } catch (...) {
      fail(std::string(what) + " threw something that is no std::exception");
    }
  }

 private:
  static constexpr std::size_t kMostText = 500;
  struct Within final : FailureContext {
    Within(const std::string& name, const char* what) : name_(name), what_(what) {}
    std::string describe() const override { return "  in " + name_ + ": " + what_; }
    const std::string& name_;
    const char* what_;
  };
  std::string name_;
};

}  // namespace tardigrad
