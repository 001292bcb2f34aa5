// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

#include "tardigrad/method.hpp"

namespace tardigrad::methods {

/// Admits a gradient only while its delay is below the limit: delay < R, so delays of 0 ... R-1 pass.
/// Pre     limit >= 1
/// Source  Maranjyan, Tyurin, Richtarik, "Ringmaster ASGD", arXiv 2501.16168, Algorithm 4
struct AdmitDelayBelow {
  std::uint64_t limit;
  bool admits(std::uint64_t delay) const { return delay < limit; }
  Reason reason(std::uint64_t delay) const {
    return {
        .rule = "its delay must be below", .limit = static_cast<double>(limit), .value = static_cast<double>(delay)};
  }
  /// Versions only grow: an order of a version older than now - (R-1) will never be admitted.
  Version oldest_useful(Version now) const { return now >= limit ? now - (limit - 1) : 0; }
};

}  // namespace tardigrad::methods
