// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/heavy_tailed.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kOwnClipRadius = required_clip_radius("c > 0, or \"auto\"; or another rule of clipping");
constexpr Setting<double> kDelayExponent = {
    .key = "delay_exponent", .fallback = 0.5, .range = at_least(0), .meaning = "a >= 0 of the weight (1 + tau)^(-a)"};
constexpr SettingRow kSettings[] = {kStepSize,         kOwnClipRadius, kDelayExponent, kScheme,
                                    kSchemeBufferSize, kTurns,         kConcurrency};

/// Heavy tails, delay-aware step: x <- x - gamma (1 + tau)^(-a) clip(g), for each arrival or as the mean of a buffer.
/// delay_exponent = 0 is clipped-asgd, bitwise.
/// Memory  buffered: one vector
/// Source  ours. Sun et al., arXiv 2602.18002, announce delay-aware steps for heavy-tailed noise in two schemes of
///         communication; their rules were not public to us. These are not their numbers to be compared with.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  return HeavyTailed<NoCorrection>{.delay_exponent = read(settings, kDelayExponent)}.make(settings, context);
}

}  // namespace

MethodRow ht_delay_lr() {
  return {.name = "ht-delay-lr",
          .summary = "clip, and step less far for a late gradient",
          .settings = kSettings,
          .memory = {.fixed = 1},
          .heterogeneous = "no",
          .source = "ours, after the abstract of Sun et al. 2026, arXiv 2602.18002",
          .make = make};
}

}  // namespace tardigrad::methods
