// SPDX-License-Identifier: Apache-2.0
// How the program ends where a problem (a plugin's, most likely) does not give a thread back.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace tardigrad::cli {

/// Ends the process at once: no destructor runs, so that threads which are still at work do no harm. What was printed
/// is handed on.
[[noreturn]] void leave(int code);

/// While it lives: once `interrupted`, the program has to come to its end. It may compute for ten minutes; where for
/// half a minute nothing is computed (less than a tenth of a core), somebody sleeps, and the program leaves as if it
/// had been killed, with one line and exit code 130. Files are in the state that a kill leaves, which is one that a run
/// goes on from.
class ExitWatchdog {
 public:
  /// `whose`: whom it waits for; `afterwards`: how to go on. `before` is called before it leaves, on its own thread.
  ExitWatchdog(const std::atomic<bool>& interrupted, std::string whose, std::string afterwards,
               std::function<void()> before = {});

 private:
  void watch(const std::stop_token& stopping);
  const std::atomic<bool>& interrupted_;
  const std::string whose_, afterwards_;
  const std::function<void()> before_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace tardigrad::cli
