// SPDX-License-Identifier: Apache-2.0
#include "torture/process.hpp"

#include <thread>

namespace tardigrad::torture {

End run(test::Start start, const std::optional<Signal>& signal, std::chrono::seconds patience) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  const pid_t pid = test::start(start);
  End end;
  int status = 0;
  bool sent = !signal;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    const auto passed = Clock::now() - begin;
    if (!sent && passed >= signal->after) {
      kill(pid, signal->number);
      sent = true;
    }
    if (passed > patience && !end.hung) {
      end.hung = true;
      kill(pid, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  end.code = test::code_of(status);
  if (!start.out.empty()) end.said = test::read(start.folder / start.out);
  return end;
}

}  // namespace tardigrad::torture
