// SPDX-License-Identifier: Apache-2.0
// Progress on stderr while runs go on. It reads, and never steers.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "report/progress_text.hpp"

namespace tardigrad::report {

/// What a run loop tells. Each number is right by itself; together they may be a moment apart.
/// Thread  any: plain stores, no locks
struct RunProgress {
  std::atomic<std::uint64_t> updates{0}, arrived{0};
  std::atomic<std::int64_t> time_ns{0};  ///< on the runtime's clock
  std::atomic<double> fraction{0.0};     ///< done, in [0, 1], by whatever ends the run first
  std::atomic<double> metric{std::numeric_limits<double>::quiet_NaN()};
  /// What had been done before, in a run that goes on.
  std::atomic<std::uint64_t> earlier_updates{0};
  std::atomic<double> earlier_fraction{0.0};
  std::atomic<RunState> state{RunState::waiting};
};

struct ProgressOptions {
  enum class Mode : std::uint8_t {
    automatic,  ///< terminal when the stream is one and TERM is not "dumb", else plain
    terminal,   ///< rows that are redrawn, ten times a second
    plain,      ///< a line when a run ends, and one of progress every few seconds
    silent,
  };
  Mode mode = Mode::automatic;
  std::string metric_name = {};
  std::FILE* stream = stderr;
  std::chrono::milliseconds plain_interval{5000};
};

/// Draws on a thread of its own until it dies. Colours unless NO_COLOR is set. What cannot be written is left out: a
/// closed stderr stops no run.
/// Thread  any
class ProgressDisplay {
 public:
  explicit ProgressDisplay(ProgressOptions options = {});
  /// Draws a last time.
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  /// A run to show; valid as long as the display lives.
  RunProgress& add(std::string name);
  /// Prints a line above the rows.
  void say(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  struct Shown {
    std::string name;
    RunProgress progress;
    Clock::time_point started{}, measured{};
    std::uint64_t measured_updates = 0;
    double rate = 0.0;
    bool began = false, end_told = false;
  };

  void loop(std::stop_token stop);
  ProgressRow look_at(Shown& run, Clock::time_point now);
  void draw_terminal(Clock::time_point now);
  void draw_plain(Clock::time_point now);
  void draw_end();
  void erase();
  void print(const std::string& text);

  const ProgressOptions options_;
  const Colour colour_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Shown> runs_;             // guarded by mutex_; a deque, so that a RunProgress stays where it is
  std::size_t drawn_rows_ = 0;         // guarded by mutex_
  Clock::time_point last_plain_line_;  // guarded by mutex_
  std::jthread thread_;                // last: it ends before what it uses
};

/// Whether the environment asks for no colours (https://no-color.org).
bool colours_refused();

}  // namespace tardigrad::report
