// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_watchdog.hpp"

#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <utility>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kIdle{30};
constexpr std::chrono::minutes kInAll{10};
constexpr std::chrono::milliseconds kStep{200};

// What all threads have computed so far.
std::chrono::nanoseconds computed() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

void leave(int code) {
  finish_output();
  std::fflush(stderr);
  ::_exit(code);
}

ExitWatchdog::ExitWatchdog(const std::atomic<bool>& interrupted, std::string whose, std::string afterwards,
                           std::function<void()> before)
    : interrupted_(interrupted),
      whose_(std::move(whose)),
      afterwards_(std::move(afterwards)),
      before_(std::move(before)),
      thread_([this](const std::stop_token& stopping) { watch(stopping); }) {}

void ExitWatchdog::watch(const std::stop_token& stopping) {
  std::unique_lock lock(mutex_);
  const auto pause = [&] {
    changed_.wait_for(lock, stopping, kStep, [] { return false; });
    return !stopping.stop_requested();
  };
  while (!interrupted_)
    if (!pause()) return;
  const SteadyClock::time_point begin = SteadyClock::now();
  SteadyClock::time_point active = begin;  // the last time that something was computed
  for (auto before = computed(); SteadyClock::now() - active < kIdle && SteadyClock::now() - begin < kInAll;) {
    if (!pause()) return;
    const auto now = computed();
    if (now - std::exchange(before, now) > kStep / 10) active = SteadyClock::now();
  }
  if (before_) before_();
  print_err("tardigrad: interrupted, and {} has not come back for {} s: it is left as a kill would leave it; {}\n",
            one_line(whose_), std::chrono::duration_cast<std::chrono::seconds>(SteadyClock::now() - begin).count(),
            one_line(afterwards_));
  leave(kInterrupted);
}

}  // namespace tardigrad::cli
