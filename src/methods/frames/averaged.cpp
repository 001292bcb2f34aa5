// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/averaged.hpp"

#include <limits>

#include "methods/frames/per_arrival.hpp"
#include "methods/policies/admission/agnostic.hpp"
#include "methods/policies/admission/delay_below.hpp"
#include "methods/policies/step/agnostic.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/policies/step/mishchenko.hpp"
#include "methods/shared_settings.hpp"

namespace tardigrad::methods {
namespace {

template <class Admission, class StepRule>
std::unique_ptr<Method> assemble(Settings& settings, const MethodContext& context, Admission admission, StepRule step,
                                 const Update::Defaults& defaults) {
  using Averaged = PerArrival<Admission, StepRule>;
  return std::make_unique<Averaged>(
      typename Averaged::Parts{.admission = admission,
                               .step = step,
                               .server = ServerStep(settings, context, {.update = defaults}),
                               .dispatch = Dispatch(same_worker(settings, context))});
}

AdmitDelayBelow read_limit(Settings& settings, DelayLimit limit) {
  const std::optional<std::int64_t> given = read_if_given(settings, kAveragedLimit);
  if (!given && limit == DelayLimit::optional) return {std::numeric_limits<std::uint64_t>::max()};
  return {static_cast<std::uint64_t>(given ? *given : read(settings, kDelayLimit))};
}

}  // namespace

std::unique_ptr<Method> make_averaged(Settings& settings, const MethodContext& context, Update::Defaults defaults,
                                      DelayLimit limit) {
  const double step_size = read(settings, kStepSize);
  if (read(settings, kAveragedParameters) == "agnostic") {
    defaults.averaging = "inverse-sqrt";
    return assemble(settings, context, AdmitAgnostic{}, AgnosticStep{step_size}, defaults);
  }
  const AdmitDelayBelow admission = read_limit(settings, limit);
  if (read(settings, kAveragedStepRule) == "delay-adaptive")
    return assemble(settings, context, admission,
                    MishchenkoStep{.step_size = step_size, .workers = static_cast<double>(context.workers)}, defaults);
  return assemble(settings, context, admission, ConstantStep{step_size}, defaults);
}

}  // namespace tardigrad::methods
