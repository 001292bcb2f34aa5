// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engines/network/monitor.hpp"
#include "record/file.hpp"
#include "record/retry_policy.hpp"

namespace tardigrad {

struct ServeLogOptions {
  std::filesystem::path path;
  record::Tell tell = {};  ///< of what cannot be written.  Thread  the log's
  /// So many lines of one kind are written in such a time; of those above only how many there were.
  std::uint64_t most_lines = 60;
  std::chrono::milliseconds window = std::chrono::minutes(1);
};

/// What happened to a run that serves workers, as lines of JSON, behind those that are there: "time" (UTC, RFC 3339),
/// "event" and what belongs to it. What cannot be written waits, up to 10,000 lines, and is tried again every few
/// seconds; it ends nothing.
/// Thread  any; written by one of its own
class ServeLog {
 public:
  explicit ServeLog(ServeLogOptions options);
  ~ServeLog() { finish(); }
  ServeLog(const ServeLog&) = delete;
  ServeLog& operator=(const ServeLog&) = delete;

  /// Makes the file now, not with the first line.
  /// Errors  IoError
  void open();
  /// Waits for nothing.
  void add(const network::ServeEvent& event);
  /// Writes what waits, once. Idempotent.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  struct Window {
    Clock::time_point begin = {};
    std::uint64_t lines = 0, more = 0;
  };
  static constexpr std::size_t kKinds = static_cast<std::size_t>(network::ServeEvent::Kind::ended) + 1;
  void run(const std::stop_token& stopping);
  void end_windows(Clock::time_point before);
  void push(std::string line);
  void write_waiting(std::unique_lock<std::mutex>& lock);

  const ServeLogOptions options_;
  std::mutex mutex_;  // of what follows, up to the file
  std::condition_variable_any changed_;
  std::array<Window, kKinds> windows_;
  std::deque<std::string> waiting_;
  std::uint64_t dropped_ = 0;
  std::unique_ptr<record::File> file_;  // of the log's thread, once it runs
  Clock::time_point next_try_ = {};
  bool in_trouble_ = false;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace tardigrad
