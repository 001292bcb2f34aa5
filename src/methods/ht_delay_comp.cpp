// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/heavy_tailed.hpp"
#include "methods/policies/correction/delay_compensation.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kOwnClipRadius =
    required_clip_radius("c > 0, or \"auto\", of the corrected gradient; or another rule of clipping");
constexpr Setting<double> kCompensation = {
    .key = "compensation", .fallback = 0.04, .range = at_least(0), .meaning = "lambda >= 0"};
constexpr Setting<double> kDelayExponent = {
    .key = "delay_exponent", .fallback = 0.0, .range = at_least(0), .meaning = "a >= 0 of the weight (1 + tau)^(-a)"};
constexpr SettingRow kSettings[] = {kStepSize, kOwnClipRadius,    kCompensation, kDelayExponent,
                                    kScheme,   kSchemeBufferSize, kTurns,        kConcurrency};

/// Heavy tails, compensated delay: u = clip(g + lambda g*g*(x_t - x_{t-tau})), for each arrival or as the mean of a
/// buffer, with the weight (1 + tau)^(-a). The correction grows with the square of g: with heavy tails it must be
/// clipped itself, so that clipping comes last. compensation = 0 is ht-delay-lr. Memory  one vector for what is
/// corrected, buffered one more; the points of orders in flight Source  ours. Sun et al., arXiv 2602.18002, announce
/// delay compensation for heavy-tailed noise; their rules were not
///         public to us. The correction is that of Zheng et al., arXiv 1609.08326.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const double compensation = read(settings, kCompensation);
  return HeavyTailed<DelayCompensation>{.delay_exponent = read(settings, kDelayExponent),
                                        .correction = DelayCompensation({.lambda = compensation}),
                                        .clip_when = ClipWhen::after_correction,
                                        .capabilities = {.points = true}}
      .make(settings, context);
}

}  // namespace

MethodRow ht_delay_comp() {
  return {.name = "ht-delay-comp",
          .summary = "correct a late gradient by a second-order term, then clip what comes out",
          .settings = kSettings,
          .capabilities = {.points = true},
          .memory = {.fixed = 2},
          .heterogeneous = "no",
          .source = "ours, after the abstract of Sun et al. 2026, arXiv 2602.18002",
          .make = make};
}

}  // namespace tardigrad::methods
