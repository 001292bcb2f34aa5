// SPDX-License-Identifier: Apache-2.0
#include "report/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace tardigrad::report {
namespace {

using Mode = ProgressOptions::Mode;
constexpr std::chrono::milliseconds kRedraw{100}, kPlainPoll{250};
constexpr double kRateHorizon = 3.0;            // seconds over which the rate is averaged
constexpr double kLeastFractionForEta = 0.005;  // before, the time left is a guess

Mode resolved(const ProgressOptions& options) {
  if (options.mode != Mode::automatic) return options.mode;
  const char* term = std::getenv("TERM");
  const bool dumb = !term || std::string_view(term) == "dumb";
  return ::isatty(::fileno(options.stream)) && !dumb ? Mode::terminal : Mode::plain;
}

ProgressOptions with_mode(ProgressOptions options) {
  options.mode = resolved(options);
  return options;
}

struct Size {
  std::size_t width = 80, height = 24;
};

Size size_of(std::FILE* stream) {
  winsize size{};
  if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

bool colours_refused() {
  const char* value = std::getenv("NO_COLOR");
  return value && *value;
}

ProgressDisplay::ProgressDisplay(ProgressOptions options)
    : options_(with_mode(std::move(options))),
      colour_(options_.mode == Mode::terminal && !colours_refused() ? Colour::ansi : Colour::none),
      last_plain_line_(Clock::now()) {
  if (options_.mode != Mode::silent) thread_ = std::jthread([this](std::stop_token stop) { loop(std::move(stop)); });
}

ProgressDisplay::~ProgressDisplay() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  const std::scoped_lock lock(mutex_);
  draw_end();
}

RunProgress& ProgressDisplay::add(std::string name) {
  const std::scoped_lock lock(mutex_);
  Shown& run = runs_.emplace_back();
  run.name = std::move(name);
  return run.progress;
}

void ProgressDisplay::say(const std::string& line) {
  const std::scoped_lock lock(mutex_);
  erase();  // the rows come back below the line with the next drawing
  print(line + "\n");
}

void ProgressDisplay::loop(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const auto interval = options_.mode == Mode::terminal ? kRedraw : std::min(kPlainPoll, options_.plain_interval);
  while (!stop.stop_requested()) {
    if (options_.mode == Mode::terminal)
      draw_terminal(Clock::now());
    else
      draw_plain(Clock::now());
    wake_.wait_for(lock, stop, interval, [] { return false; });
  }
}

ProgressRow ProgressDisplay::look_at(Shown& run, Clock::time_point now) {
  const RunProgress& progress = run.progress;
  ProgressRow row{.name = run.name,
                  .state = progress.state.load(),
                  .updates = progress.updates.load(),
                  .arrived = progress.arrived.load(),
                  .time = Time{progress.time_ns.load()},
                  .fraction = progress.fraction.load(),
                  .metric_name = options_.metric_name,
                  .metric = progress.metric.load(),
                  .updates_per_second = 0.0};
  if (row.state == RunState::waiting) return row;
  if (!run.began) {
    run.began = true;
    run.started = run.measured = now;
    run.measured_updates = row.updates;
  }
  const double step = seconds_between(run.measured, now);
  if (step > 0.0) {
    const std::uint64_t before = std::max(run.measured_updates, progress.earlier_updates.load());
    const double rate = static_cast<double>(row.updates - std::min(row.updates, before)) / step;
    const double weight = run.rate == 0.0 ? 1.0 : 1.0 - std::exp(-step / kRateHorizon);
    run.rate += weight * (rate - run.rate);
    run.measured = now;
    run.measured_updates = row.updates;
  }
  row.updates_per_second = run.rate;
  const double done = row.fraction - progress.earlier_fraction.load();
  if (done >= kLeastFractionForEta)
    row.seconds_left = seconds_between(run.started, now) * (1.0 - std::min(1.0, row.fraction)) / done;
  return row;
}

void ProgressDisplay::draw_terminal(Clock::time_point now) {
  if (runs_.empty()) return;
  const Size size = size_of(options_.stream);
  std::vector<ProgressRow> rows;
  for (Shown& run : runs_) rows.push_back(look_at(run, now));
  // One column and one line free: a full line would wrap, a full screen would scroll.
  const auto lines = progress_screen(rows, size.width - 1, std::max<std::size_t>(size.height, 2) - 1, colour_);
  std::string text;
  for (const std::string& line : lines) text += line + "\x1b[K\n";
  // Over the old rows in one write, so that nothing flickers.
  if (drawn_rows_ > 0) text = fmt::format("\x1b[{}A\r", drawn_rows_) + text;
  drawn_rows_ = lines.size();
  print(text + "\x1b[J");
}

void ProgressDisplay::draw_plain(Clock::time_point now) {
  std::vector<ProgressRow> rows;
  constexpr std::size_t kPlainWidth = 160;
  for (Shown& run : runs_) {
    rows.push_back(look_at(run, now));
    if (!has_ended(rows.back().state) || run.end_told) continue;
    run.end_told = true;
    print(progress_row(rows.back(), kPlainWidth, Colour::none) + "\n");
  }
  const bool anybody =
      std::any_of(rows.begin(), rows.end(), [](const ProgressRow& row) { return row.state == RunState::running; });
  if (!anybody || now - last_plain_line_ < options_.plain_interval) return;
  last_plain_line_ = now;
  print((rows.size() == 1 ? progress_row(rows.front(), kPlainWidth, Colour::none) : progress_totals(rows)) + "\n");
}

void ProgressDisplay::draw_end() {
  if (options_.mode == Mode::terminal)
    draw_terminal(Clock::now());
  else
    draw_plain(Clock::now());
}

void ProgressDisplay::erase() {
  if (drawn_rows_ > 0) print(fmt::format("\x1b[{}A\r\x1b[J", drawn_rows_));
  drawn_rows_ = 0;
}

void ProgressDisplay::print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), options_.stream);
  std::fflush(options_.stream);
}

}  // namespace tardigrad::report
