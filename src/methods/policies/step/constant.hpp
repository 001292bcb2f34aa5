// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tardigrad::methods {

/// The same step size for every gradient.
struct ConstantStep {
  double step_size;
  double at(std::uint64_t /*delay*/) const { return step_size; }
};

}  // namespace tardigrad::methods
