// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/rounds.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kOverSelection = {
    .key = "over_selection",
    .fallback = 1.3,
    .range = at_least(1),
    .meaning = ">= 1: ceil(over_selection * m) clients are asked, the first m are kept"};
constexpr Setting<std::int64_t> kOwnClientsPerRound = {.key = kClientsPerRound.key,
                                                       .default_in_words = "workers / over_selection",
                                                       .range = kClientsPerRound.range,
                                                       .meaning = kClientsPerRound.meaning};
constexpr Setting<SubTable> kUpdate = update_setting("{ rule = \"adam\" }", "the server's update rule");
constexpr SettingRow kSettings[] = {kServerStepSize,  kLocalSteps,         kLocalEpochs, kLocalStepSize, kOverSelection,
                                    kLocalClipRadius, kOwnClientsPerRound, kSampling,    kWeighting,     kNormalise,
                                    kDeadline,        kMinResults,         kMinWorkers,  kUpdate};

/// Over-selected rounds: ask ceil(over_selection * m) clients, keep the first m results, stop the others; the server
/// steps with Adam unless told otherwise. What remains is a preference for fast clients.
/// Source  Huba et al., arXiv 2111.04877: the synchronous mode of the Papaya system. The abstract was read; details
///         (130 %, server Adam) are what is commonly reported. The system's asynchronous mode is fedbuff.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const double over_selection =
      read(settings, kOverSelection, std::min(*kOverSelection.fallback, static_cast<double>(context.workers)),
           {.low = 1, .high = static_cast<double>(context.workers)});
  return std::make_unique<Rounds>(
      read_federated_rounds(settings, context, read_local_work(settings), {.rule = "adam"}, over_selection));
}

}  // namespace

MethodRow papaya_sync() {
  return {.name = "papaya-sync",
          .summary = "ask more clients than needed, keep the first, stop the rest",
          .settings = kSettings,
          .capabilities = {.cancel = true, .timers = true, .local_steps = true},
          .memory = {.fixed = 3},
          .heterogeneous = "no",
          .source = "Huba et al. 2022, arXiv 2111.04877 (our reading)",
          .make = make};
}

}  // namespace tardigrad::methods
