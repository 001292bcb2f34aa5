// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/rounds.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr SettingRow kSettings[] = {kStepSize, kDeadline, kMinResults, kMinWorkers};

/// Minibatch (synchronous) SGD: x <- x - (gamma/n) * sum_i g_i(x), a round as long as its slowest worker.
/// Source  Koloskova et al., arXiv 2206.08307 (a special case of their Algorithm 1); Rounds with m = n
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  return std::make_unique<Rounds>(Rounds::Options{.step_size = read(settings, kStepSize),
                                                  .server = ServerStep(settings, context),
                                                  .m = context.workers,
                                                  .late = Rounds::Late::ignore,  // nobody is ever late
                                                  .workers = context.workers,
                                                  .deadline = read_deadline(settings, context.workers),
                                                  .min_workers = read_min_workers(settings, context)});
}

}  // namespace

MethodRow minibatch_sgd() {
  return {.name = "minibatch-sgd",
          .summary = "wait for one gradient of every worker, apply their mean",
          .settings = kSettings,
          .capabilities = {.timers = true},
          .memory = {.fixed = 1},
          .heterogeneous = "yes; unless clipped or with a deadline",
          .source = "Koloskova et al. 2022, arXiv 2206.08307",
          .make = make};
}

}  // namespace tardigrad::methods
