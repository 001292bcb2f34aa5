// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tardigrad/method.hpp"

namespace tardigrad::methods {

/// What the policies see of the arrival that is being handled.
struct Arrival {
  const Order& order;
  const Gradient& gradient;
  Model& model;
  /// Versions made since the gradient's.
  std::uint64_t delay() const { return model.version() - order.version; }
};

/// A vector of a pass with a number that multiplies it: what clipping, corrections and buffers hand on. The number is
/// folded into the next statement, so that scaling costs no sweep of its own.
struct Direction {
  Vec vector = vec::kGradient;
  double factor = 1.0;
};

/// What clipping made of a gradient.
struct Clipped {
  Direction direction;
  bool clipped = false;  ///< it is not what arrived
};

// Who may use which temporary of a pass.
inline constexpr Vec kClippingTemporary = vec::temporary(0);
inline constexpr Vec kCorrectionTemporary = vec::temporary(1);
inline constexpr Vec kUpdateTemporary = vec::temporary(2);
inline constexpr Vec kSecondUpdateTemporary = vec::temporary(3);

}  // namespace tardigrad::methods
