// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/per_arrival.hpp"
#include "methods/policies/admission/delay_below.hpp"
#include "methods/policies/correction/model_mixing.hpp"
#include "methods/policies/step/staleness_function.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kFreshWeight = {.key = kStepSize.key,
                                          .range = {.low = 0, .high = 1, .low_open = true},
                                          .meaning = "alpha in (0, 1]: the weight of a fresh model"};
constexpr Setting<Choice> kStaleness = {.key = "staleness",
                                        .fallback = "polynomial",
                                        .meaning = "s: \"constant\", \"polynomial\" (1 + tau)^-a, or \"hinge\"",
                                        .words = {"constant", "polynomial", "hinge"}};
constexpr Setting<double> kA = {
    .key = "a", .default_in_words = "0.5; hinge: 10", .range = kPositive, .meaning = "of polynomial and hinge"};
constexpr Setting<double> kB = {.key = "b",
                                .fallback = 4.0,
                                .range = at_least(0),
                                .meaning = "of the hinge: delays up to this one keep their weight"};
constexpr Setting<double> kProximalWeight = {.key = "proximal_weight",
                                             .fallback = 0.0,
                                             .range = at_least(0),
                                             .meaning = "rho >= 0: pulls local steps back to x"};
constexpr SettingRow kSettings[] = {kFreshWeight,
                                    kStaleness,
                                    kA,
                                    kB,
                                    kLocalSteps,
                                    kLocalEpochs,
                                    kLocalStepSize,
                                    kProximalWeight,
                                    kLocalClipRadius,
                                    kMostStale,
                                    kClientDispatch,
                                    kInitialOrders,
                                    kConcurrency};

StalenessFunction read_staleness(Settings& settings) {
  StalenessFunction function{.step_size = read(settings, kFreshWeight)};
  const std::string kind = read(settings, kStaleness);
  if (kind == "polynomial") {
    function.kind = StalenessFunction::Kind::polynomial;
    function.a = read(settings, kA, 0.5);
  } else if (kind == "hinge") {
    function.kind = StalenessFunction::Kind::hinge;
    function.a = read(settings, kA, 10.0);
    function.b = read(settings, kB);
  }
  return function;
}

/// FedAsync: clients make K local steps on f_i(y) + (rho/2) ||y - x_{t-tau}||^2 from the x they were sent, and each
/// result y is mixed into the model at once, with less weight the staler it is:
///   x_{t+1} = (1 - a_t) x_t + a_t y,   a_t = alpha s(tau_t)      (alpha = step_size, s see StalenessFunction)
/// It averages models, not gradients. Clients are drawn among the idle ones. Clipping is of x_{t-tau} - y: the client's
/// model is pulled back to where it started.
/// Memory  the points of orders in flight
/// Source  Xie, Koyejo, Gupta, arXiv 1903.03934 (as others describe it)
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using FedAsync = PerArrival<AdmitDelayBelow, StalenessFunction, ModelMixing>;
  LocalWork work = read_local_work(settings);
  work.proximal_weight = read_proximal_weight(settings, kProximalWeight, work);
  return std::make_unique<FedAsync>(FedAsync::Parts{.admission = read_most_stale(settings),
                                                    .step = read_staleness(settings),
                                                    .server = ServerStep(settings, context),
                                                    .dispatch = Dispatch(read_client_dispatch(settings, context, work)),
                                                    .capabilities = {.points = true}});
}

}  // namespace

MethodRow fedasync() {
  return {.name = "fedasync",
          .summary = "mix every client's model into x as it arrives, the staler the less",
          .settings = kSettings,
          .capabilities = {.queues = true, .local_steps = true, .points = true},
          .heterogeneous = "no",
          .source = "Xie et al. 2019, arXiv 1903.03934",
          .make = make};
}

}  // namespace tardigrad::methods
