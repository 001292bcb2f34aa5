// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

#include "tardigrad/archive.hpp"

namespace tardigrad::methods {

/// The radius that needs no tuning, clip_radius = "auto". It falls with the norms and never grows again.
///
/// With n_1, n_2, ... the norms above zero in the order of their arrival, after t of them:
///
///   c_t = min(n_1 ... n_t)           t < 8; c_0 = 0: of the very first gradient nothing is known, and it moves nothing
///   c_t = m_t / sqrt(1 + k_t)        t >= 8
///   m_t = min over 8 <= s <= t of M_s, the smallest typical norm so far
///   M_s = the r-th smallest of the last W norms, W = s/8, not below 8 nor above 256, r = ceil(W/2 + sqrt W): the upper
///         end of a confidence interval for their median. Independent norms of the same law have M_s below their
///         median with chance 1/25 at most, so that the smallest of many M is not small by luck alone
///   k_t = blocks of 64 arrivals after the eighth in which 58 or more were clipped. There every step has the length
///         (step size) c, as in normalised SGD, which comes no nearer than a few such steps: hence the root
///
/// What it guarantees (proof: docs/methods/clipping.md). For t >= 8, c_t never grows, and is at most the seventh
/// smallest of the first eight norms. So an order that is in flight at t is clipped with c_t or less when it arrives,
/// and x_t is never further than (step size) c_t (orders in flight) from the sequence that had received every gradient
/// when it was ordered. An objective multiplied by a number has its radius multiplied by the same. Not 0 after the
/// first norm above 0; gradients that vanish tell nothing of a scale, and are not counted.
///
/// Memory  at most 256 norms, twice.  Cost  a binary search and two short moves of memory a norm
/// Source  ours; docs/adr/0020-the-automatic-radius-never-grows.md, measured in docs/results/auto-clipping.md
class AutoRadius {
 public:
  static constexpr std::size_t kFirst = 8;
  static constexpr std::size_t kWindow = 256;
  static constexpr std::uint32_t kBlock = 64, kSaturated = 58;

  double now() const { return radius_; }
  void observe(double norm) {
    if (!(norm > 0)) return;
    if (seen_ >= kFirst) count(norm > radius_);
    ++seen_;
    remember(norm);
    if (seen_ >= kFirst) smallest_ = std::min(smallest_, sorted_[upper_rank(sorted_.size()) - 1]);
    radius_ = seen_ < kFirst ? sorted_.front() : smallest_ / std::sqrt(1.0 + static_cast<double>(saturated_));
  }
  /// Of W norms in their order the place, from 1, of the upper end of the confidence interval for their median.
  static std::size_t upper_rank(std::size_t window) {
    const double w = static_cast<double>(window);
    return std::min(window, static_cast<std::size_t>(std::ceil(0.5 * w + std::sqrt(w))));
  }
  void serialize(Archive& archive) {
    archive(radius_, smallest_, seen_, recent_, sorted_, in_block_, clipped_, saturated_);
  }

 private:
  void count(bool clipped) {
    clipped_ += clipped;
    if (++in_block_ < kBlock) return;
    saturated_ += clipped_ >= kSaturated;
    in_block_ = clipped_ = 0;
  }
  // The last min(max(t/8, 8), 256) norms.
  void remember(double norm) {
    recent_.push_back(norm);
    sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), norm), norm);
    const auto window = std::clamp<std::uint64_t>(seen_ / 8, kFirst, kWindow);
    while (recent_.size() > window) {
      sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), recent_.front()));
      recent_.pop_front();
    }
  }

  double radius_ = 0.0;
  double smallest_ = std::numeric_limits<double>::infinity();
  std::uint64_t seen_ = 0;
  std::deque<double> recent_;   // by age
  std::vector<double> sorted_;  // by size
  std::uint32_t in_block_ = 0, clipped_ = 0;
  std::uint64_t saturated_ = 0;
};

}  // namespace tardigrad::methods
