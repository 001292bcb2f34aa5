// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "methods/knobs.hpp"
#include "methods/methods.hpp"
#include "methods/rounds.hpp"

namespace tardigrad::methods {
namespace {

/// Over-selected rounds: ask ceil(over_selection * m) clients, keep the first m results, stop the others; the server
/// steps with Adam unless told otherwise. What remains is a preference for fast clients.
/// Source  Huba et al., arXiv 2111.04877: the synchronous mode of the Papaya system. The abstract was read; details
///         (130 %, server Adam) are what is commonly reported. The system's asynchronous mode is fedbuff.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  Rounds::Options options = read_federated_rounds(settings, context, read_local_work(settings), "adam");
  const double factor = settings.number_or("over_selection", 1.3, Range::at_least(1));
  // 1.3 * 10 is 13, whatever the last bit of the product says.
  options.asked = static_cast<std::size_t>(std::ceil(factor * static_cast<double>(options.m) - 1e-9));
  if (options.asked > context.workers)
    settings.fail("clients_per_round", "times over_selection asks for more clients than there are workers");
  return std::make_unique<Rounds>(std::move(options));
}

constexpr Knob kKnobs[] = {
    kServerStepKnob,
    kLocalStepsKnob,
    kLocalStepSizeKnob,
    {"over_selection", "1.3", ">= 1: ceil(over_selection * m) clients are asked, the first m are kept"},
    kLocalClipRadiusKnob,
    {"clients_per_round", "workers", "m; times over_selection at most the number of workers"},
    kWeightingKnob,
    {"update", "{ rule = \"adam\" }", "the server's update rule"},
};

}  // namespace

const MethodRow kPapayaSync = {.name = "papaya-sync",
                               .summary = "ask more clients than needed, keep the first, stop the rest",
                               .knobs = kKnobs,
                               .needs = {.cancel = true, .local_steps = true},
                               .memory = {.fixed = 3},
                               .heterogeneous = "no",
                               .source = "Huba et al. 2022, arXiv 2111.04877 (our reading)",
                               .make = make};

}  // namespace tardigrad::methods
