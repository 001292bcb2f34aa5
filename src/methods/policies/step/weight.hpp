// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

namespace tardigrad::methods {

/// Every gradient counts as one.
struct UnitWeight {
  double of(std::uint64_t /*delay*/) const { return 1.0; }
};

/// (1 + tau)^(-exponent); exponent 0 is exactly 1.
/// Source  Xie, Koyejo, Gupta, arXiv 1903.03934; with 1/2: Nguyen et al., arXiv 2106.06639
struct PolynomialWeight {
  double exponent;
  double of(std::uint64_t delay) const {
    const double age = 1.0 + static_cast<double>(delay);
    if (exponent == 0.5) return 1.0 / std::sqrt(age);  // rounded alike on every machine
    return exponent == 0.0 ? 1.0 : std::pow(age, -exponent);
  }
};

}  // namespace tardigrad::methods
