// SPDX-License-Identifier: Apache-2.0
#include "record/retry_policy.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <thread>

#include "record/file.hpp"

namespace tardigrad::record {

// A stderr that is closed ends no run.
void tell_on_stderr(const std::string& text) { std::fputs(("tardigrad: warning: " + text + "\n").c_str(), stderr); }

bool RetryPolicy::wait(const std::string& trouble) {
  const Clock::time_point now = Clock::now();
  if (!end_) {
    end_ = now + options_.total;
    options_.tell(fmt::format("{}; this is tried again for {} s", trouble,
                              std::chrono::duration<double>(options_.total).count()));
  }
  if (now >= *end_) return false;
  std::this_thread::sleep_for(options_.step);
  return true;
}

void RetryPolicy::run(const std::function<void()>& action) {
  for (;;) {
    try {
      return action();
    } catch (const Obstructed&) {
      throw;
    } catch (const IoError& error) {
      if (!wait(error.what())) throw;
    }
  }
}

}  // namespace tardigrad::record
