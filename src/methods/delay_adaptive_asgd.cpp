// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/per_arrival.hpp"
#include "methods/policies/admission/all.hpp"
#include "methods/policies/step/delay_adaptive.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<Choice> kRule = {
    .key = "rule",
    .fallback = "proportional",
    .meaning =
        "beyond the threshold tau_C: \"proportional\" gamma tau_C/tau, \"practical\" gamma/tau, or \"smoothness\" "
        "min(gamma, 1/(4 L tau))",
    .words = {"proportional", "practical", "smoothness"}};
constexpr Setting<double> kSmoothness = {.key = "smoothness",
                                         .default_in_words = "none",
                                         .range = kPositive,
                                         .meaning = "L > 0, for rule = \"smoothness\", which needs it"};
constexpr Setting<std::int64_t> kDelayThreshold = {.key = "delay_threshold",
                                                   .default_in_words = "concurrency",
                                                   .range = at_least(1),
                                                   .meaning = "delays up to this one keep the full step"};
constexpr SettingRow kSettings[] = {kStepSize, kRule, kSmoothness, kDelayThreshold, kTurns, kConcurrency};

/// Delay-adaptive asynchronous SGD: x_{t+1} = x_t - gamma_t * g(x_{t - tau_t}) with gamma_t = gamma while
/// tau_t <= tau_C, and beyond gamma tau_C/tau_t (proportional), gamma/tau_t (practical) or min(gamma, 1/(4 L tau_t))
/// (smoothness = L).
/// Source  Koloskova, Stich, Jaggi, arXiv 2206.08307, Theorem 8. Homogeneous data only (the authors warn).
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using DelayAdaptiveAsgd = PerArrival<AdmitAll, DelayAdaptiveStep>;
  const Dispatch::Options dispatch = same_worker(settings, context);
  DelayAdaptiveStep step{.step_size = read(settings, kStepSize),
                         .threshold = static_cast<std::uint64_t>(
                             read(settings, kDelayThreshold, static_cast<std::int64_t>(dispatch.concurrency)))};
  using Rule = DelayAdaptiveStep::Rule;
  const std::string rule = read(settings, kRule);
  step.rule = rule == "proportional" ? Rule::proportional : rule == "practical" ? Rule::practical : Rule::smoothness;
  if (step.rule == Rule::smoothness) step.smoothness = read(settings, kSmoothness);
  return std::make_unique<DelayAdaptiveAsgd>(
      DelayAdaptiveAsgd::Parts{.admission = {},
                               .step = step,
                               .server = ServerStep(settings, context, {.contribution = Contribution{}}),
                               .dispatch = Dispatch(dispatch)});
}

}  // namespace

MethodRow delay_adaptive_asgd() {
  return {.name = "delay-adaptive-asgd",
          .summary = "shrink the step of gradients that are staler than the concurrency",
          .settings = kSettings,
          .heterogeneous = "no",
          .source = "Koloskova et al. 2022, arXiv 2206.08307, Thm. 8",
          .make = make};
}

}  // namespace tardigrad::methods
