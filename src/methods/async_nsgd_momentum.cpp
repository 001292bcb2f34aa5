// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/averaged.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<SubTable> kUpdate = update_setting("{ rule = \"normalised\" }", "the update rule with its keys");
constexpr SettingRow kSettings[] = {kStepSize,    kAveragedLimit, kAveragedParameters, kAveragedStepRule, kTurns,
                                    kConcurrency, kUpdate};

/// Asynchronous normalised SGD with momentum: accepted gradients (delay below R) are averaged, and every step has the
/// length gamma whatever the gradients are, which heavy tails cannot hurt:
///   m <- beta m + (1 - beta) g;   x <- x - gamma m/||m||
/// Like clipping with c -> 0 and gamma c fixed, staleness moves x by at most gamma for each gradient in flight.
/// Source  Wu, Luo, arXiv 2601.19379: the abstract was read; the rule is our reading, after the code of the LMO family
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  return make_averaged(settings, context, {.rule = "normalised"});
}

}  // namespace

MethodRow async_nsgd_momentum() {
  return {.name = "async-nsgd-momentum",
          .summary = "steps of one length along an average of fresh enough gradients",
          .settings = kSettings,
          .memory = {.fixed = 1},
          .heterogeneous = "no",
          .source = "Wu, Luo 2026, arXiv 2601.19379 (our reading)",
          .make = make};
}

}  // namespace tardigrad::methods
