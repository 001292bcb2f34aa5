// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/per_arrival.hpp"
#include "methods/policies/admission/all.hpp"
#include "methods/policies/step/window_sum.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kBudget = {
    .key = kStepSize.key,
    .range = kStepSize.range,
    .meaning = "gamma' > 0: what the steps made during a gradient's life may sum up to, its own included"};
constexpr Setting<Choice> kRule = {
    .key = "rule",
    .fallback = "adaptive-1",
    .meaning = "\"adaptive-1\": a share alpha of what is left; \"adaptive-2\": gamma'/(tau + 1), or nothing",
    .words = {"adaptive-1", "adaptive-2"}};
constexpr Setting<double> kAlpha = {.key = "alpha",
                                    .fallback = 0.9,
                                    .range = {.low = 0, .high = 1, .low_open = true, .high_open = true},
                                    .meaning = "0 < alpha < 1, of adaptive-1"};
constexpr SettingRow kSettings[] = {kBudget, kRule, kAlpha, kTurns, kConcurrency};

/// Delay-adaptive steps of Wu et al.: the steps made while a gradient was under way, and its own, never exceed
/// step_size = gamma' (h/L in the theory). See WindowSumStep. Capabilities no bound on delays, not even their order.
/// Source  Wu, Magnusson, Feyzmahdavian, Johansson, arXiv 2202.08550, Adaptive 1 and 2 (from memory, as are
///         h = 0.99 and alpha = 0.9). The paper proves it for aggregated and block gradients; for each arrival it is
///         our transfer.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using WuAsgd = PerArrival<AdmitAll, WindowSumStep>;
  const bool first = read(settings, kRule) == "adaptive-1";
  const WindowSumStep::Options step{.rule = first ? WindowSumStep::Rule::first : WindowSumStep::Rule::second,
                                    .budget = read(settings, kBudget),
                                    .alpha = first ? read(settings, kAlpha) : 1.0};
  ServerStep server(settings, context);
  if (!server.has_constant_schedule())
    settings.fail("schedule", "must be constant: the rule sums up the steps that were made");
  return std::make_unique<WuAsgd>(WuAsgd::Parts{.admission = {},
                                                .step = WindowSumStep(step),
                                                .server = std::move(server),
                                                .dispatch = Dispatch(same_worker(settings, context))});
}

}  // namespace

MethodRow wu_asgd() {
  return {.name = "wu-asgd",
          .summary = "keep the sum of the steps made during any gradient's life below a bound",
          .settings = kSettings,
          .heterogeneous = "no",
          .source = "Wu et al. 2022, arXiv 2202.08550 (our transfer)",
          .make = make};
}

}  // namespace tardigrad::methods
