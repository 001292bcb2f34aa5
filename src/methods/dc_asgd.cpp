// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/per_arrival.hpp"
#include "methods/knobs.hpp"
#include "methods/methods.hpp"
#include "methods/policies/admission/all.hpp"
#include "methods/policies/correction/delay_compensation.hpp"
#include "methods/policies/step/constant.hpp"

namespace tardigrad::methods {
namespace {

/// Delay-compensated ASGD: x_{t+1} = x_t - gamma (g + lambda g*g*(x_t - x_{t - tau_t})), see DelayCompensation.
/// A long gradient or a long way since its point makes the correction explode: clip_radius clips g before it,
/// clip = "corrected" clips what comes out of it instead. lambda = 0 is vanilla, bitwise.
/// The authors' adaptive variant keeps a mean square for each worker; ours is one for all, as in the later MXNet code.
/// Source  Zheng et al., arXiv 1609.08326 (their code); homogeneous data only
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using DcAsgd = PerArrival<AdmitAll, ConstantStep, DelayCompensation>;
  const bool adaptive = settings.choice_or("variant", "constant", {"constant", "adaptive"}) == "adaptive";
  DelayCompensation::Options options{
      .kind = adaptive ? DelayCompensation::Kind::adaptive : DelayCompensation::Kind::constant,
      .lambda = settings.number_or("lambda", adaptive ? 2.0 : 0.04, Range::at_least(0))};
  if (adaptive)
    options.mean_square_decay = settings.number_or("mean_square_decay", 0.95, {.low = 0, .high = 1, .high_open = true});
  const bool clip_corrected = settings.choice_or("clip", "gradient", {"gradient", "corrected"}) == "corrected";
  if (clip_corrected && !settings.has("clip_radius") && !settings.has("clipping"))
    settings.fail("clip", "says what clip_radius clips, which is not given");
  return std::make_unique<DcAsgd>(
      DcAsgd::Parts{.admission = {},
                    .step = {read_step_size(settings)},
                    .server = ServerStep(settings, context),
                    .dispatch = Dispatch(same_worker(settings, context)),
                    .correction = DelayCompensation(options),
                    .clip_when = clip_corrected ? ClipWhen::after_correction : ClipWhen::before_correction,
                    .capabilities = {.points = true}});
}

constexpr Knob kKnobs[] = {
    kStepSizeKnob,
    {"variant", "constant", "\"constant\" lambda (-c), or \"adaptive\", divided by the root of a mean square (-a)"},
    {"lambda", "0.04; adaptive: 2", "lambda >= 0"},
    {"mean_square_decay", "0.95", "of the adaptive variant, in [0, 1)"},
    {"clip", "gradient", "what clip_radius clips: the \"gradient\", or what is \"corrected\""},
    kTurnsKnob,
    kConcurrencyKnob,
};

}  // namespace

const MethodRow kDcAsgd = {.name = "dc-asgd",
                           .summary = "correct a stale gradient by a cheap second-order term",
                           .knobs = kKnobs,
                           .capabilities = {.points = true},
                           .memory = {.fixed = 2},
                           .heterogeneous = "no",
                           .source = "Zheng et al. 2017, arXiv 1609.08326, DC-ASGD-c and -a",
                           .make = make};

}  // namespace tardigrad::methods
