// SPDX-License-Identifier: Apache-2.0
#include "methods/policies/step/mishchenko.hpp"

#include "methods/frames/per_arrival.hpp"
#include "methods/policies/admission/all.hpp"
#include "methods/policies/admission/delay_below.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<Choice> kVariant = {
    .key = "variant",
    .fallback = "adaptive",
    .meaning = "\"adaptive\": gamma n/max(n, delta); \"drop\": discard delays above 2n",
    .words = {"adaptive", "drop"}};
constexpr SettingRow kSettings[] = {kStepSize, kVariant, kTurns, kConcurrency};

/// Delay-adaptive asynchronous SGD of Mishchenko et al., in two variants:
///   adaptive  gamma n / max(n, delta), delta the updates since the worker's previous arrival (the authors' notebook)
///   drop      the full step, but gradients with a delay above 2n are discarded (their theory; at most half of
///             them are)
/// n is the number of workers. The rate depends on n only, not on the largest delay.
/// Source  Mishchenko, Bach, Even, Woodworth, arXiv 2206.07638; the notebook was read, the theory is from memory
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const double step_size = read(settings, kStepSize);
  if (read(settings, kVariant) == "drop") {
    using Dropping = PerArrival<AdmitDelayBelow, ConstantStep>;
    return std::make_unique<Dropping>(Dropping::Parts{.admission = {2 * context.workers + 1},
                                                      .step = {step_size},
                                                      .server = ServerStep(settings, context),
                                                      .dispatch = Dispatch(same_worker(settings, context))});
  }
  using Adaptive = PerArrival<AdmitAll, MishchenkoStep>;
  return std::make_unique<Adaptive>(
      Adaptive::Parts{.admission = {},
                      .step = {.step_size = step_size, .workers = static_cast<double>(context.workers)},
                      .server = ServerStep(settings, context),
                      .dispatch = Dispatch(same_worker(settings, context))});
}

}  // namespace

MethodRow mishchenko_asgd() {
  return {.name = "mishchenko-asgd",
          .summary = "shrink the step in proportion once a delay exceeds the number of workers",
          .settings = kSettings,
          .heterogeneous = "no",
          .source = "Mishchenko et al. 2022, arXiv 2206.07638",
          .make = make};
}

}  // namespace tardigrad::methods
