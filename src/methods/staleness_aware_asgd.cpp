// SPDX-License-Identifier: Apache-2.0
#include "methods/policies/step/staleness_aware.hpp"

#include "methods/frames/per_arrival.hpp"
#include "methods/policies/admission/all.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr SettingRow kSettings[] = {kStepSize, kTurns, kConcurrency};

/// Staleness-aware asynchronous SGD: x_{t+1} = x_t - (gamma/tau_t) g(x_{t - tau_t}), and the full gamma for tau_t = 0.
/// Source  Zhang, Gupta, Lian, Liu, arXiv 1511.05950 (as others describe it), with one gradient an update
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using StalenessAware = PerArrival<AdmitAll, StalenessStep>;
  return std::make_unique<StalenessAware>(StalenessAware::Parts{.admission = {},
                                                                .step = {read(settings, kStepSize)},
                                                                .server = ServerStep(settings, context),
                                                                .dispatch = Dispatch(same_worker(settings, context))});
}

}  // namespace

MethodRow staleness_aware_asgd() {
  return {.name = "staleness-aware-asgd",
          .summary = "divide every step by the gradient's delay",
          .settings = kSettings,
          .heterogeneous = "no",
          .source = "Zhang et al. 2016, arXiv 1511.05950",
          .make = make};
}

}  // namespace tardigrad::methods
