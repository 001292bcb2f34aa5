// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "support/process.hpp"

namespace tardigrad::torture {

struct Signal {
  int number;
  std::chrono::duration<double> after;
};

struct End {
  int code = -1;  ///< the exit code; 128 + signal when it was killed
  bool hung = false;
  std::string said;  ///< stdout and stderr
};

/// Starts a program, sends it a signal where there is one, and waits for its end; after `patience` it is killed, and
/// has hung. Stdout and stderr are `said`, or pipes that nobody reads.
End run(test::Start start, const std::optional<Signal>& signal, std::chrono::seconds patience);

}  // namespace tardigrad::torture
