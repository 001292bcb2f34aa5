// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/rounds.hpp"
#include "methods/knobs.hpp"
#include "methods/methods.hpp"

namespace tardigrad::methods {
namespace {

/// Over-selected rounds: ask ceil(over_selection * m) clients, keep the first m results, stop the others; the server
/// steps with Adam unless told otherwise. What remains is a preference for fast clients.
/// Source  Huba et al., arXiv 2111.04877: the synchronous mode of the Papaya system. The abstract was read; details
///         (130 %, server Adam) are what is commonly reported. The system's asynchronous mode is fedbuff.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const double over_selection =
      settings.number_or("over_selection", std::min(1.3, static_cast<double>(context.workers)),
                         {.low = 1, .high = static_cast<double>(context.workers)});
  return std::make_unique<Rounds>(
      read_federated_rounds(settings, context, read_local_work(settings), {.rule = "adam"}, over_selection));
}

constexpr Knob kKnobs[] = {
    kServerStepKnob,
    kLocalStepsKnob,
    kLocalEpochsKnob,
    kLocalStepSizeKnob,
    {"over_selection", "1.3", ">= 1: ceil(over_selection * m) clients are asked, the first m are kept"},
    kLocalClipRadiusKnob,
    {"clients_per_round", "workers / over_selection", "m: so many clients make a round"},
    kSamplingKnob,
    kWeightingKnob,
    kNormaliseKnob,
    {"update", "{ rule = \"adam\" }", "the server's update rule"},
};

}  // namespace

const MethodRow kPapayaSync = {.name = "papaya-sync",
                               .summary = "ask more clients than needed, keep the first, stop the rest",
                               .knobs = kKnobs,
                               .capabilities = {.cancel = true, .local_steps = true},
                               .memory = {.fixed = 3},
                               .heterogeneous = "no",
                               .source = "Huba et al. 2022, arXiv 2111.04877 (our reading)",
                               .make = make};

}  // namespace tardigrad::methods
