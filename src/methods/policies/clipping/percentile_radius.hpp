// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "tardigrad/archive.hpp"

namespace tardigrad::methods {

/// A percentile of the last `window` norms, between neighbours by linear interpolation; before the first one the
/// initial radius. The norm of the gradient that is being clipped is not among them.
/// Memory  16 bytes a norm.  Cost  a binary search and a short move of memory a norm
/// Source  Seetharaman, Wichern, Pardo, Le Roux 2020 (AutoClip), whose history is unbounded and holds the present norm
class PercentileRadius {
 public:
  struct Options {
    double percentile = 10.0;  ///< in [0, 100]
    std::size_t window = 1000;
    double initial = std::numeric_limits<double>::infinity();
  };
  explicit PercentileRadius(const Options& options) : options_(options), radius_(options.initial) {}

  double now() const { return radius_; }
  void observe(double norm) {
    if (ring_.size() < options_.window) {
      ring_.push_back(norm);
    } else {
      sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), ring_[oldest_]));
      ring_[oldest_] = norm;
      oldest_ = (oldest_ + 1) % options_.window;
    }
    sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), norm), norm);
    radius_ = percentile();
  }
  void serialize(Archive& archive) { archive(radius_, ring_, sorted_, oldest_); }

 private:
  double percentile() const {
    const double place = options_.percentile / 100.0 * static_cast<double>(sorted_.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, sorted_.size() - 1);
    const double part = place - static_cast<double>(below);
    return sorted_[below] + part * (sorted_[above] - sorted_[below]);
  }

  Options options_;
  double radius_;
  std::vector<double> ring_, sorted_;  // by age, by size
  std::size_t oldest_ = 0;
};

}  // namespace tardigrad::methods
