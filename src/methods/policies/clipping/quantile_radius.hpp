// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "tardigrad/archive.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::methods {

/// Follows a quantile of the norms: after every K norms n_1 ... n_K, seen with the same radius C,
///   b = (number of n_i <= C + noise N(0, 1))/K;   C <- C exp(-rate (b - quantile))
/// so that in the long run this share of the gradients is not clipped. The state is one number and one count: with
/// noise on the count it says little about any one gradient, which no list of norms could. What it says is accounted
/// for by Privacy, which also says whose norms may be in a count.
/// The radius stays within 1e-12 ... 1e12.
/// Source  Andrew, Thakkar, McMahan, Ramaswamy, arXiv 1905.03871
class QuantileRadius {
 public:
  struct Options {
    double initial = 0.1;
    double quantile = 0.5;
    double rate = 0.2;
    std::uint64_t every = 10;  ///< K
    double noise = 0.0;        ///< standard deviation of the noise on the count
    std::uint64_t seed = 1;
  };
  explicit QuantileRadius(const Options& options) : options_(options), radius_(options.initial) {}

  double now() const { return radius_; }
  /// Is a count complete with this norm, and the radius moved by it?
  bool observe(double norm) {
    within_ += norm <= radius_;
    if (++seen_ < options_.every) return false;
    double count = static_cast<double>(within_);
    // Worker 1: the noise of the updates is drawn from the streams of worker 0.
    if (options_.noise > 0) count += options_.noise * Stream(options_.seed, Purpose::privacy, 1, moves_++).normal();
    const double share = count / static_cast<double>(options_.every);
    radius_ = std::clamp(radius_ * std::exp(-options_.rate * (share - options_.quantile)), 1e-12, 1e12);
    within_ = seen_ = 0;
    return true;
  }
  void serialize(Archive& archive) { archive(radius_, within_, seen_, moves_); }

 private:
  Options options_;
  double radius_;
  std::uint64_t within_ = 0, seen_ = 0, moves_ = 0;
};

}  // namespace tardigrad::methods
