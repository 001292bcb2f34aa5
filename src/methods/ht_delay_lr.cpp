// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/heavy_tailed.hpp"
#include "methods/methods.hpp"

namespace tardigrad::methods {
namespace {

/// Heavy tails, delay-aware step: x <- x - gamma (1 + tau)^(-a) clip(g), for each arrival or as the mean of a buffer.
/// delay_exponent = 0 is clipped-asgd, bitwise.
/// Memory  buffered: one vector
/// Source  ours. Sun et al., arXiv 2602.18002, announce delay-aware steps for heavy-tailed noise in two schemes of
///         communication; their rules were not public to us. These are not their numbers to be compared with.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  return HeavyTailed<NoCorrection>{.delay_exponent = settings.number_or("delay_exponent", 0.5, Range::at_least(0))}
      .make(settings, context);
}

constexpr Knob kKnobs[] = {
    kStepSizeKnob,
    {"clip_radius", "", "c > 0, or \"auto\"; or another rule of clipping"},
    {"delay_exponent", "0.5", "a >= 0 of the weight (1 + tau)^(-a)"},
    kSchemeKnob,
    {"buffer_size", "", "K >= 1, for scheme = \"buffered\""},
    kTurnsKnob,
    kConcurrencyKnob,
};

}  // namespace

const MethodRow kHtDelayLr = {.name = "ht-delay-lr",
                              .summary = "clip, and step less far for a late gradient",
                              .knobs = kKnobs,
                              .memory = {.fixed = 1},
                              .heterogeneous = "no",
                              .source = "ours, after the abstract of Sun et al. 2026, arXiv 2602.18002",
                              .make = make};

}  // namespace tardigrad::methods
