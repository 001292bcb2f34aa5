// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
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
#include "tardigrad/setting.hpp"

namespace tardigrad::methods {

inline constexpr Setting<double> kClipRadius = {
    .key = "clip_radius",
    .fallback = std::numeric_limits<double>::infinity(),
    .range = kPositive,
    .meaning = "c > 0: each gradient is scaled by min(1, c/||g||); or \"auto\"",
    .words = {"auto"}};
/// The same, in a method that is about clipping.
constexpr Setting<double> required_clip_radius(const char* meaning) {
  return {.key = kClipRadius.key, .range = kClipRadius.range, .meaning = meaning, .words = kClipRadius.words};
}
inline constexpr Setting<Choice> kClippingRule = {.key = "rule",
                                                  .fallback = "norm",
                                                  .meaning = "what is clipped, and by what radius",
                                                  .words = {"norm", "quantile", "autoclip", "block", "coordinate"}};
inline constexpr Setting<double> kPercentile = {.key = "percentile",
                                                .fallback = 10.0,
                                                .range = {.low = 0, .high = 100},
                                                .meaning = "of autoclip: of the norms remembered"};
inline constexpr Setting<std::int64_t> kClippingWindow = {.key = "window",
                                                          .fallback = 1000,
                                                          .range = {.low = 1, .high = 1e6},
                                                          .meaning = "of autoclip: so many norms are remembered"};
inline constexpr Setting<Choice> kShares = {.key = "shares",
                                            .fallback = "size",
                                            .meaning = "of block: what part of the radius a tensor has",
                                            .words = {"size", "equal"}};
inline constexpr Setting<double> kLow = {
    .key = "low", .fallback = 0.0, .range = at_least(0), .meaning = "of coordinate: what is smaller becomes as large"};
inline constexpr Setting<double> kQuantile = {.key = "quantile",
                                              .fallback = 0.5,
                                              .range = {.low = 0, .high = 1, .low_open = true, .high_open = true},
                                              .meaning = "of quantile: the share of norms within the radius"};
inline constexpr Setting<double> kQuantileRate = {
    .key = "rate", .fallback = 0.2, .range = kPositive, .meaning = "of quantile: how fast the radius follows"};
inline constexpr Setting<std::int64_t> kQuantileEvery = {
    .key = "every", .fallback = 10, .range = at_least(1), .meaning = "of quantile: so many norms make a count"};
inline constexpr Setting<double> kQuantileNoise = {.key = "noise",
                                                   .default_in_words = "every/20, or more where privacy needs it",
                                                   .range = kPositive,
                                                   .meaning = "of quantile, in a private run: of a count"};
inline constexpr SettingRow kClippingRows[] = {kClippingRule, kPercentile,   kClippingWindow, kShares,       kLow,
                                               kQuantile,     kQuantileRate, kQuantileEvery,  kQuantileNoise};
inline constexpr Setting<SubTable> kClipping = {
    .key = "clipping",
    .default_in_words = "{ rule = \"norm\" }",
    .meaning = "what is clipped, and by what radius: norm, quantile, autoclip, block, coordinate",
    .rows = kClippingRows};

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
