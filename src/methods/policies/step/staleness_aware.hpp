// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tardigrad::methods {

/// 1/tau for a delay tau > 0, and 1 for a fresh gradient: a delay of 1 keeps the full step.
/// Source  Zhang, Gupta, Lian, Liu, arXiv 1511.05950
inline double staleness_factor(std::uint64_t delay) { return delay > 0 ? 1.0 / static_cast<double>(delay) : 1.0; }

struct StalenessStep {
  double step_size;
  double at(std::uint64_t delay) const { return step_size * staleness_factor(delay); }
};

struct StalenessWeight {
  double of(std::uint64_t delay) const { return staleness_factor(delay); }
};

}  // namespace tardigrad::methods
