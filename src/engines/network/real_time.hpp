// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "tardigrad/types.hpp"

namespace tardigrad::network {

/// As the protocol is told it: of a steady clock, from any beginning.
inline Time real_now() { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace tardigrad::network
