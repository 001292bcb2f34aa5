// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace tardigrad::record {

/// Who is told what goes wrong while a run goes on, and what goes well again: whole sentences, on any thread.
using Tell = std::function<void(const std::string&)>;
void tell_on_stderr(const std::string& text);

/// For how long the end of a run tries again to write what it leaves: one for all files, so that a full disk is waited
/// for once. The clock begins with the first thing that fails.
/// Thread  one at a time
class RetryPolicy {
 public:
  struct Options {
    std::chrono::nanoseconds total = std::chrono::seconds(10), step = std::chrono::seconds(1);
    Tell tell = tell_on_stderr;
  };
  explicit RetryPolicy(Options options) : options_(std::move(options)) {}

  /// Sleeps for a step, or returns false: there is none left. `trouble` is told the first time.
  bool wait(const std::string& trouble);
  /// Does it, and again while it fails with an IoError that is no Obstructed.
  /// Errors  the last IoError; what else it throws, at once
  void run(const std::function<void()>& action);

 private:
  using Clock = std::chrono::steady_clock;
  const Options options_;
  std::optional<Clock::time_point> end_;
};

}  // namespace tardigrad::record
