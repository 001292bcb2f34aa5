// SPDX-License-Identifier: Apache-2.0
#include "methods/vanilla_asgd.hpp"
#include "methods/frames/per_arrival.hpp"
#include "methods/policies/admission/all.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/shared_settings.hpp"

namespace tardigrad::methods {
namespace {

constexpr SettingRow kSettings[] = {kStepSize, kDispatch, kInitialOrders, kConcurrency};

}  // namespace

std::unique_ptr<Method> make_asgd(Settings& settings, const MethodContext& context) {
  using Asgd = PerArrival<AdmitAll, ConstantStep>;
  return std::make_unique<Asgd>(Asgd::Parts{.admission = {},
                                            .step = {read(settings, kStepSize)},
                                            .server = ServerStep(settings, context, {.contribution = Contribution{}}),
                                            .dispatch = Dispatch(read_dispatch(settings, context))});
}

MethodRow vanilla_asgd() {
  return {.name = "vanilla-asgd",
          .summary = "apply every gradient as it arrives, however stale",
          .settings = kSettings,
          .capabilities = {.queues = true},
          .heterogeneous = "with dispatch = \"uniform\"; unless clipped",
          .source = "Koloskova et al. 2022, arXiv 2206.08307, Alg. 1 and 2",
          .make = make_asgd};
}

}  // namespace tardigrad::methods
