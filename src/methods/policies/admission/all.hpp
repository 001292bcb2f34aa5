// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tardigrad/method.hpp"

namespace tardigrad::methods {

/// Admits every gradient, however stale.
struct AdmitAll {
  bool admits(std::uint64_t /*delay*/) const { return true; }
  Reason reason(std::uint64_t /*delay*/) const { return {}; }
  Version oldest_useful(Version /*now*/) const { return 0; }
};

}  // namespace tardigrad::methods
