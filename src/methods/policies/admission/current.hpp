// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tardigrad/method.hpp"

namespace tardigrad::methods {

/// Admits a gradient only if it was computed at the present x.
struct AdmitCurrent {
  bool admits(std::uint64_t delay) const { return delay == 0; }
  Reason reason(std::uint64_t delay) const {
    return {.rule = "its delay must be", .limit = 0.0, .value = static_cast<double>(delay)};
  }
  Version oldest_useful(Version now) const { return now; }
};

}  // namespace tardigrad::methods
