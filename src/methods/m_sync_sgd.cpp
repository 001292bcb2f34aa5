// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/rounds.hpp"
#include "methods/knobs.hpp"
#include "methods/methods.hpp"

namespace tardigrad::methods {
namespace {

/// m-synchronous SGD: x <- x - (gamma/m) * sum of the first m gradients computed at x. See Rounds.
/// Source  Begunov, Tyurin, arXiv 2602.03802; whether late workers are stopped or ignored is not settled by the
///         sources that we could read, so both are here.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const auto workers = static_cast<double>(context.workers);
  const bool stop = settings.choice_or("late", "stop", {"stop", "ignore"}) == "stop";
  return std::make_unique<Rounds>(
      Rounds::Options{.step_size = read_step_size(settings),
                      .server = ServerStep(settings, context),
                      .m = static_cast<std::size_t>(settings.integer("m", {.low = 1, .high = workers})),
                      .late = stop ? Rounds::Late::stop : Rounds::Late::ignore,
                      .workers = context.workers});
}

constexpr Knob kKnobs[] = {
    kStepSizeKnob,
    {"m", "", "1 ... workers: how many gradients make a round"},
    {"late", "stop", "late workers: \"stop\" them, or let them finish and \"ignore\" what they bring"},
};

}  // namespace

const MethodRow kMSyncSgd = {.name = "m-sync-sgd",
                             .summary = "wait for the first m gradients at the current point, apply their mean",
                             .knobs = kKnobs,
                             .capabilities = {.cancel = true},
                             .memory = {.fixed = 1},
                             .heterogeneous = "with m = workers; unless clipped",
                             .source = "Begunov, Tyurin 2026, arXiv 2602.03802, Alg. 3 (our reading)",
                             .make = make};

}  // namespace tardigrad::methods
