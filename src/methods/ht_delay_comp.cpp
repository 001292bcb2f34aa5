// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/heavy_tailed.hpp"
#include "methods/methods.hpp"
#include "methods/policies/correction/delay_compensation.hpp"

namespace tardigrad::methods {
namespace {

/// Heavy tails, compensated delay: u = clip(g + lambda g*g*(x_t - x_{t-tau})), for each arrival or as the mean of a
/// buffer, with the weight (1 + tau)^(-a). The correction grows with the square of g: with heavy tails it must be
/// clipped itself, so that clipping comes last. compensation = 0 is ht-delay-lr. Memory  one vector for what is
/// corrected, buffered one more; the points of orders in flight Source  ours. Sun et al., arXiv 2602.18002, announce
/// delay compensation for heavy-tailed noise; their rules were not
///         public to us. The correction is that of Zheng et al., arXiv 1609.08326.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const double compensation = settings.number_or("compensation", 0.04, Range::at_least(0));
  return HeavyTailed<DelayCompensation>{.delay_exponent = settings.number_or("delay_exponent", 0.0, Range::at_least(0)),
                                        .correction = DelayCompensation({.lambda = compensation}),
                                        .clip_when = ClipWhen::after_correction,
                                        .capabilities = {.points = true}}
      .make(settings, context);
}

constexpr Knob kKnobs[] = {
    kStepSizeKnob,
    {"clip_radius", "", "c > 0, or \"auto\", of the corrected gradient; or another rule of clipping"},
    {"compensation", "0.04", "lambda >= 0"},
    {"delay_exponent", "0", "a >= 0 of the weight (1 + tau)^(-a)"},
    kSchemeKnob,
    {"buffer_size", "", "K >= 1, for scheme = \"buffered\""},
    kTurnsKnob,
    kConcurrencyKnob,
};

}  // namespace

const MethodRow kHtDelayComp = {.name = "ht-delay-comp",
                                .summary = "correct a late gradient by a second-order term, then clip what comes out",
                                .knobs = kKnobs,
                                .capabilities = {.points = true},
                                .memory = {.fixed = 2},
                                .heterogeneous = "no",
                                .source = "ours, after the abstract of Sun et al. 2026, arXiv 2602.18002",
                                .make = make};

}  // namespace tardigrad::methods
