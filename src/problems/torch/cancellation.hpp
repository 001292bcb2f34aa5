// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>

namespace tardigrad::problems::torch {

/// Leaves a gradient that nobody waits for any more; whoever computes it catches it. LibTorch hands nothing but
/// std::exception on through a backward pass.
class IsCancelled final : public std::exception {
 public:
  const char* what() const noexcept override { return "nobody waits for this gradient any more"; }
};

/// Is called between the layers of a gradient, and may throw IsCancelled.
using Look = std::function<void()>;

}  // namespace tardigrad::problems::torch
