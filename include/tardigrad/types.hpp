// SPDX-License-Identifier: Apache-2.0
// The vocabulary types that every module shares.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tardigrad {

/// A worker's number: 0, 1, ... in the order of the scenario's groups.
using WorkerId = std::uint32_t;

/// Number of an order, given at assignment: 0, 1, ... Ties in time are broken by it.
using OrderId = std::uint64_t;

/// How many server updates a parameter vector has seen.
using Version = std::uint64_t;

/// A number by name ("loss", "accuracy", "perplexity", "gradient_norm").
struct Metric {
  std::string name;
  double value = 0.0;
};

/// Time since the start of the run, in integer nanoseconds: virtual in `sim`, real elsewhere.
using Time = std::chrono::nanoseconds;

/// Seconds as people write them, to the nearest nanosecond.
/// Pre  finite, |seconds| < 9.2e9 (about 292 years)
inline Time from_seconds(double seconds) {
  return Time{static_cast<Time::rep>(seconds * 1e9 + (seconds < 0 ? -0.5 : 0.5))};
}
/// To the nearest double: what from_seconds took in short decimals comes out the same.
inline double to_seconds(Time time) { return static_cast<double>(time.count()) / 1e9; }

}  // namespace tardigrad
