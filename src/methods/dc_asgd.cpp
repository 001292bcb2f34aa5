// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/per_arrival.hpp"
#include "methods/policies/admission/all.hpp"
#include "methods/policies/correction/delay_compensation.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<Choice> kVariant = {
    .key = "variant",
    .fallback = "constant",
    .meaning = "\"constant\" lambda (-c), or \"adaptive\", divided by the root of a mean square (-a)",
    .words = {"constant", "adaptive"}};
constexpr Setting<double> kLambda = {
    .key = "lambda", .default_in_words = "0.04; adaptive: 2", .range = at_least(0), .meaning = "lambda >= 0"};
constexpr Setting<double> kMeanSquareDecay = {.key = "mean_square_decay",
                                              .fallback = 0.95,
                                              .range = {.low = 0, .high = 1, .high_open = true},
                                              .meaning = "of the adaptive variant, in [0, 1)"};
constexpr Setting<Choice> kClip = {.key = "clip",
                                   .fallback = "gradient",
                                   .meaning = "what clip_radius clips: the \"gradient\", or what is \"corrected\"",
                                   .words = {"gradient", "corrected"}};
constexpr SettingRow kSettings[] = {kStepSize, kVariant, kLambda, kMeanSquareDecay, kClip, kTurns, kConcurrency};

/// Delay-compensated ASGD: x_{t+1} = x_t - gamma (g + lambda g*g*(x_t - x_{t - tau_t})), see DelayCompensation.
/// A long gradient or a long way since its point makes the correction explode: clip_radius clips g before it,
/// clip = "corrected" clips what comes out of it instead. lambda = 0 is vanilla, bitwise.
/// The authors' adaptive variant keeps a mean square for each worker; ours is one for all, as in the later MXNet code.
/// Source  Zheng et al., arXiv 1609.08326 (their code); homogeneous data only
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using DcAsgd = PerArrival<AdmitAll, ConstantStep, DelayCompensation>;
  const bool adaptive = read(settings, kVariant) == "adaptive";
  DelayCompensation::Options options{
      .kind = adaptive ? DelayCompensation::Kind::adaptive : DelayCompensation::Kind::constant,
      .lambda = read(settings, kLambda, adaptive ? 2.0 : 0.04)};
  if (adaptive) options.mean_square_decay = read(settings, kMeanSquareDecay);
  const bool clip_corrected = read(settings, kClip) == "corrected";
  if (clip_corrected && !settings.has("clip_radius") && !settings.has("clipping"))
    settings.fail("clip", "says what clip_radius clips, which is not given");
  return std::make_unique<DcAsgd>(
      DcAsgd::Parts{.admission = {},
                    .step = {read(settings, kStepSize)},
                    .server = ServerStep(settings, context),
                    .dispatch = Dispatch(same_worker(settings, context)),
                    .correction = DelayCompensation(options),
                    .clip_when = clip_corrected ? ClipWhen::after_correction : ClipWhen::before_correction,
                    .capabilities = {.points = true}});
}

}  // namespace

MethodRow dc_asgd() {
  return {.name = "dc-asgd",
          .summary = "correct a stale gradient by a cheap second-order term",
          .settings = kSettings,
          .capabilities = {.points = true},
          .memory = {.fixed = 2},
          .heterogeneous = "no",
          .source = "Zheng et al. 2017, arXiv 1609.08326, DC-ASGD-c and -a",
          .make = make};
}

}  // namespace tardigrad::methods
