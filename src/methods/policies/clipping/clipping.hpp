// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "methods/policies/arrival.hpp"
#include "methods/policies/clipping/auto_radius.hpp"
#include "methods/policies/clipping/clip_blocks.hpp"
#include "methods/policies/clipping/clip_coordinates.hpp"
#include "methods/policies/clipping/clip_norm.hpp"
#include "methods/policies/clipping/percentile_radius.hpp"
#include "methods/policies/clipping/quantile_radius.hpp"
#include "methods/policies/privacy/privacy.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::methods {

/// How a method clips every gradient (or pseudo-gradient) on arrival; the same choices for every method.
///   norm        clip_c(g) = min(1, c/||g||) g over the whole vector, c = clip_radius
///   auto        norm, with a radius of its own making: AutoRadius
///   quantile    norm, with a radius that follows a quantile of the norms: QuantileRadius
///   autoclip    norm, with a percentile of the recent norms: PercentileRadius
///   block       every tensor by itself: ClipBlocks
///   coordinate  every coordinate by itself: ClipCoordinates
/// A radius is settled before the gradient that it clips has been seen: chosen with it, it would be correlated with its
/// noise, and clipping would add a bias that no theory counts.
class Clipping {
 public:
  /// What privacy asks for: a bound on every norm that no gradient reveals. noise_multiplier = 0: nothing.
  using Demand = PrivacyDemand;
  /// clip_radius = NUMBER | "auto", clipping = { rule, ... }
  /// Errors  Error also where the demand cannot be met
  Clipping(Settings& settings, const Demand& demand);

  /// norm: ||v||, finite. Appends to the program what must be done coordinate by coordinate.
  Clipped clip(const Arrival& arrival, double norm, VectorProgram& program, Vec v = vec::kGradient);
  /// A radius that follows the norms hears of one, after it was clipped. Is a count of norms complete with it?
  bool observe(double norm);
  /// c of the next arrival.
  double radius() const;
  /// The noise with which the whole is as private as with z on the updates alone: what the radius gives away is paid
  /// for by more noise on the updates.
  const PrivateNoise& noise() const { return noise_; }
  /// Nothing while nothing is clipped. The share of the clipped is no figure of a private run: it is exact.
  std::vector<Metric> figures() const;
  void serialize(Archive& archive);

 private:
  using Rule = std::variant<ClipNorm, AutoRadius, QuantileRadius, PercentileRadius, ClipBlocks, ClipCoordinates>;
  Rule read_rule(Settings& settings, const Demand& demand);
  QuantileRadius read_quantile(Settings& settings, Settings& table, const Demand& demand);

  PrivateNoise noise_;
  Rule rule_;
  std::uint64_t arrivals_ = 0, clipped_ = 0;
};

}  // namespace tardigrad::methods
