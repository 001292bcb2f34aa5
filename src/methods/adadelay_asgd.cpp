// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/per_arrival.hpp"
#include "methods/policies/admission/all.hpp"
#include "methods/policies/correction/ada_delay.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kInitialStepSize = {.key = kStepSize.key, .range = kStepSize.range, .meaning = "alpha0 > 0"};
constexpr Setting<Choice> kVariant = {
    .key = "variant",
    .fallback = "coordinate",
    .meaning = "\"coordinate\": a step for each, from its gradients so far; \"scalar\": one for all",
    .words = {"coordinate", "scalar"}};
constexpr Setting<double> kSmoothness = {.key = "smoothness", .fallback = 1.0, .range = kPositive, .meaning = "L > 0"};
constexpr Setting<double> kScale = {
    .key = "scale", .fallback = 1.0, .range = kPositive, .meaning = "c > 0, of the scalar variant"};
constexpr SettingRow kSettings[] = {kInitialStepSize, kVariant, kSmoothness, kScale, kTurns, kConcurrency};

/// AdaDelay: steps that shrink with time and with the delay of each gradient.
///   coordinate  step_size g_j / (L + c_j sqrt(t + tau)), c_j^2 = (1/t) sum_i i/(i + tau_i) g_j(i)^2
///   scalar      step_size g / (L + scale sqrt(t + tau))
/// The first is their practice, the second their theory.
/// The theory is for convex functions on a bounded set, projects every iterate on it, and returns the average of the
/// iterates; we do neither, and return the last iterate.
/// Source  Sra, Yu, Li, Smola, arXiv 1508.05003
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const double step_size = read(settings, kInitialStepSize);
  const double smoothness = read(settings, kSmoothness);
  if (read(settings, kVariant) == "scalar") {
    using Scalar = PerArrival<AdmitAll, AdaDelayStep>;
    return std::make_unique<Scalar>(
        Scalar::Parts{.admission = {},
                      .step = {.step_size = step_size, .smoothness = smoothness, .scale = read(settings, kScale)},
                      .server = ServerStep(settings, context),
                      .dispatch = Dispatch(same_worker(settings, context))});
  }
  using Coordinate = PerArrival<AdmitAll, ConstantStep, AdaDelayScaling>;
  return std::make_unique<Coordinate>(Coordinate::Parts{.admission = {},
                                                        .step = {step_size},
                                                        .server = ServerStep(settings, context),
                                                        .dispatch = Dispatch(same_worker(settings, context)),
                                                        .correction = AdaDelayScaling(smoothness)});
}

}  // namespace

MethodRow adadelay_asgd() {
  return {.name = "adadelay-asgd",
          .summary = "steps that shrink with time and with the delay, for each coordinate",
          .settings = kSettings,
          .memory = {.fixed = 1},
          .heterogeneous = "no",
          .source = "Sra et al. 2016, arXiv 1508.05003",
          .make = make};
}

}  // namespace tardigrad::methods
