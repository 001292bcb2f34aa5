// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/buffered.hpp"
#include "methods/policies/admission/current.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/policies/step/weight.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<std::int64_t> kBatchTarget = {.key = "batch_target",
                                                .range = {.low = 1, .high = 1e9},
                                                .meaning = "S >= 1: so many gradients of the present x make an update"};
constexpr Setting<bool> kStop = {
    .key = "stop",
    .fallback = true,
    .meaning = "true: all start again when x changes; false: they finish, and what they bring is discarded"};
constexpr SettingRow kSettings[] = {kStepSize, kBatchTarget, kStop, kTurns, kConcurrency};

/// Rennala SGD: every worker computes gradients at the same x, one after another, until there are S of them:
///   x^{k+1} = x^k - (gamma/S) * sum of the first S gradients computed at x^k
/// Stale gradients are discarded; with stop = true nobody computes one, as all start again when x changes.
/// S = batch_target = max(ceil(sigma^2/eps), 1) in the theory. With S = 1 it is ringmaster-asgd of limit 1, stopping or
/// not as it does.
/// Memory  one vector
///
/// Source  Tyurin, Richtarik, arXiv 2305.12387 (the authors' code, which stops; the theorem allows to ignore)
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using RennalaSgd = Buffered<AdmitCurrent, UnitWeight, ConstantStep>;
  return std::make_unique<RennalaSgd>(
      RennalaSgd::Parts{.admission = {},
                        .weight = {},
                        .step = {read(settings, kStepSize)},
                        .size = {.size = static_cast<std::size_t>(read(settings, kBatchTarget))},
                        .server = ServerStep(settings, context),
                        .dispatch = Dispatch(same_worker(settings, context)),
                        .after_update = read(settings, kStop) ? AfterUpdate::restart : AfterUpdate::go_on});
}

}  // namespace

MethodRow rennala_sgd() {
  return {.name = "rennala-sgd",
          .summary = "collect S gradients of the present point from whoever is fast, then step",
          .settings = kSettings,
          .capabilities = {.cancel = true},
          .memory = {.fixed = 1},
          .heterogeneous = "no",
          .source = "Tyurin, Richtarik 2023, arXiv 2305.12387",
          .make = make};
}

}  // namespace tardigrad::methods
