// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

namespace tardigrad::methods {

/// alpha s(tau), with s(0) = 1:
///   constant    1
///   polynomial  (1 + tau)^(-a)
///   hinge       1 while tau <= b, then 1/(a (tau - b) + 1)
/// Source  Xie, Koyejo, Gupta, arXiv 1903.03934 (as others describe it)
struct StalenessFunction {
  enum class Kind : std::uint8_t { constant, polynomial, hinge };
  double step_size;
  Kind kind = Kind::constant;
  double a = 0.5, b = 4.0;
  double at(std::uint64_t delay) const {
    const auto tau = static_cast<double>(delay);
    switch (kind) {
      case Kind::polynomial:
        return a == 0.5 ? step_size / std::sqrt(1.0 + tau) : step_size * std::pow(1.0 + tau, -a);
      case Kind::hinge:
        return tau <= b ? step_size : step_size / (a * (tau - b) + 1.0);
      case Kind::constant:
        break;
    }
    return step_size;
  }
};

}  // namespace tardigrad::methods
