// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/buffered.hpp"
#include "methods/policies/admission/all.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/policies/step/staleness_aware.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<std::int64_t> kSplits = {
    .key = "splits",
    .range = at_least(1),
    .meaning = "1 ... workers: an update after every floor(workers/splits) gradients"};
constexpr SettingRow kSettings[] = {kStepSize, kSplits, kTurns, kConcurrency};

/// n-softsync: after every c = floor(workers/splits) gradients
///   x <- x - (gamma/c) sum_l g_l/tau_l          (a fresh gradient, tau_l = 0, has weight 1)
/// splits = 1 averages as many gradients as there are workers, splits = workers is staleness-aware-asgd, bitwise.
/// Memory  one vector
/// Source  Zhang, Gupta, Lian, Liu, arXiv 1511.05950 (as others describe it)
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using NSoftsync = Buffered<AdmitAll, StalenessWeight, ConstantStep>;
  const auto workers = static_cast<double>(context.workers);
  const auto splits = static_cast<std::size_t>(read_in(settings, kSplits, {.low = 1, .high = workers}));
  return std::make_unique<NSoftsync>(NSoftsync::Parts{.admission = {},
                                                      .weight = {},
                                                      .step = {read(settings, kStepSize)},
                                                      .size = {.size = context.workers / splits},
                                                      .server = ServerStep(settings, context),
                                                      .dispatch = Dispatch(same_worker(settings, context))});
}

}  // namespace

MethodRow n_softsync() {
  return {.name = "n-softsync",
          .summary = "average a share of the workers' gradients, each divided by its delay",
          .settings = kSettings,
          .memory = {.fixed = 1},
          .heterogeneous = "no",
          .source = "Zhang et al. 2016, arXiv 1511.05950",
          .make = make};
}

}  // namespace tardigrad::methods
