// SPDX-License-Identifier: Apache-2.0
// Two settings against each other, seed by seed: equal seeds share their random streams, so that the difference within
// a seed says more than the difference of two averages.
#pragma once

#include <cstddef>
#include <optional>

#include "report/comparison.hpp"

namespace tardigrad::report {

struct Pairing {
  /// Over the seeds on which both have a score: of the ratios own / other of times, by their geometric mean, or of the
  /// differences own - other of metrics, by their mean. Nothing when there is no such seed.
  std::optional<Estimate> estimate = {};
  /// Of the seeds on which both have a score, those on which the own one is better, equal, worse.
  std::size_t ahead = 0, level = 0, behind = 0;
  /// Seeds that the estimate leaves out, as there the own one has no score, the other has none, neither has.
  std::size_t own_missing = 0, other_missing = 0, both_missing = 0;
  /// And as one of two times was 0 and the other was not, so that their ratio is no number.
  std::size_t without_ratio = 0;

  std::size_t common() const { return ahead + level + behind; }
  std::size_t left_out() const { return own_missing + other_missing + both_missing + without_ratio; }
  /// Whether the estimate's interval tells the two apart: it lies on one side of "no difference".
  bool settled() const;
};

/// Two times of 0 have the ratio 1.
Pairing pair(const Comparison& comparison, const SeedsResult& own, const SeedsResult& other);

}  // namespace tardigrad::report
