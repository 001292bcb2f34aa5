// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/per_arrival.hpp"
#include "methods/policies/admission/close_enough.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kDistance = {
    .key = "distance", .range = at_least(0), .meaning = "B >= 0: a gradient is used while ||x_t - x_{t-tau}|| <= B"};
constexpr SettingRow kSettings[] = {kStepSize, kDistance, kTurns, kConcurrency};

/// Picky SGD: x_{t+1} = x_t - gamma * g(x_{t - tau_t}) if ||x_t - x_{t - tau_t}|| <= distance, else the gradient is
/// skipped: late gradients are welcome as long as x has hardly moved. infinity is vanilla, bitwise.
/// In the paper a skipped round counts; here x keeps its version, which no decision depends on.
/// Source  Cohen, Daniely, Drori, Koren, Schain, arXiv 2106.11879, as restated by later papers; the constants of its
///         theorem (distance = eps/(2 beta)) are from memory. Homogeneous data only.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using PickySgd = PerArrival<AdmitCloseEnough, ConstantStep>;
  return std::make_unique<PickySgd>(PickySgd::Parts{.admission = {read(settings, kDistance)},
                                                    .step = {read(settings, kStepSize)},
                                                    .server = ServerStep(settings, context),
                                                    .dispatch = Dispatch(same_worker(settings, context)),
                                                    .capabilities = {.points = true}});
}

}  // namespace

MethodRow picky_sgd() {
  return {.name = "picky-sgd",
          .summary = "use a gradient only while x is still close to where it was computed",
          .settings = kSettings,
          .capabilities = {.points = true},
          .heterogeneous = "no",
          .source = "Cohen et al. 2021, arXiv 2106.11879 (restated)",
          .make = make};
}

}  // namespace tardigrad::methods
