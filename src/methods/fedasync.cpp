// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/per_arrival.hpp"
#include "methods/knobs.hpp"
#include "methods/methods.hpp"
#include "methods/policies/admission/delay_below.hpp"
#include "methods/policies/correction/model_mixing.hpp"
#include "methods/policies/step/staleness_function.hpp"

namespace tardigrad::methods {
namespace {

StalenessFunction read_staleness(Settings& settings) {
  StalenessFunction function{.step_size = settings.number("step_size", {.low = 0, .high = 1, .low_open = true})};
  const std::string kind = settings.choice_or("staleness", "polynomial", {"constant", "polynomial", "hinge"});
  if (kind == "polynomial") {
    function.kind = StalenessFunction::Kind::polynomial;
    function.a = settings.number_or("a", 0.5, Range::positive());
  } else if (kind == "hinge") {
    function.kind = StalenessFunction::Kind::hinge;
    function.a = settings.number_or("a", 10.0, Range::positive());
    function.b = settings.number_or("b", 4.0, Range::at_least(0));
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
  work.proximal_weight = read_proximal_weight(settings, work, 0.0);
  return std::make_unique<FedAsync>(FedAsync::Parts{.admission = read_most_stale(settings),
                                                    .step = read_staleness(settings),
                                                    .server = ServerStep(settings, context),
                                                    .dispatch = Dispatch(read_client_dispatch(settings, context, work)),
                                                    .capabilities = {.points = true}});
}

constexpr Knob kKnobs[] = {
    {"step_size", "", "alpha in (0, 1]: the weight of a fresh model"},
    {"staleness", "polynomial", "s: \"constant\", \"polynomial\" (1 + tau)^-a, or \"hinge\""},
    {"a", "0.5; hinge: 10", "of polynomial and hinge"},
    {"b", "4", "of the hinge: delays up to this one keep their weight"},
    kLocalStepsKnob,
    kLocalEpochsKnob,
    kLocalStepSizeKnob,
    {"proximal_weight", "0", "rho >= 0: pulls local steps back to x"},
    kLocalClipRadiusKnob,
    kMostStaleKnob,
    kClientDispatchKnob,
    kInitialOrdersKnob,
    kConcurrencyKnob,
};

}  // namespace

const MethodRow kFedasync = {.name = "fedasync",
                             .summary = "mix every client's model into x as it arrives, the staler the less",
                             .knobs = kKnobs,
                             .capabilities = {.queues = true, .local_steps = true, .points = true},
                             .heterogeneous = "no",
                             .source = "Xie et al. 2019, arXiv 1903.03934",
                             .make = make};

}  // namespace tardigrad::methods
