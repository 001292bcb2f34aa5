// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/buffered.hpp"
#include "methods/policies/admission/current.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/policies/step/weight.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<std::int64_t> kBatchTarget = {
    .key = "batch_target",
    .range = {.low = 1, .high = 1e9},
    .meaning = "B >= 1: so many gradients of the present point make an update"};
constexpr Setting<std::int64_t> kDoubleEvery = {.key = "double_every",
                                                .fallback = 0,
                                                .range = at_least(0),
                                                .unit = "updates",
                                                .meaning = "E > 0: the batch doubles after every E updates"};
constexpr Setting<std::int64_t> kBatchLimit = {.key = "batch_limit",
                                               .default_in_words = "64 B",
                                               .range = {.low = 1, .high = 1e12},
                                               .meaning = "where the doubling ends, with double_every"};
constexpr SettingRow kSettings[] = {kStepSize, kBatchTarget, kDoubleEvery, kBatchLimit, kTurns, kConcurrency};

/// Asynchronous mini-batching: a gradient is accepted if it was computed at the present query point x; B accepted ones
/// are averaged and handed to the update rule, which moves x. Nobody is stopped; stale gradients are discarded.
/// With double_every = E the batch is B 2^(version/E), rounded down, up to batch_limit: the adaptive variant, which
/// needs not know the delays. With a constant batch it is rennala-sgd without stopping.
/// Memory  one vector, and those of the update rule
///
/// Source  Attia, Gaash, Koren, arXiv 2408.07503: the abstract was read; the rule, and how the batch doubles, are ours
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using AsyncMinibatch = Buffered<AdmitCurrent, UnitWeight, ConstantStep>;
  BatchSize size{.size = static_cast<std::size_t>(read(settings, kBatchTarget))};
  size.double_every = static_cast<Version>(read(settings, kDoubleEvery));
  if (size.double_every > 0)
    size.limit = static_cast<std::size_t>(read(settings, kBatchLimit, static_cast<std::int64_t>(64 * size.size),
                                               {.low = static_cast<double>(size.size), .high = 1e12}));
  return std::make_unique<AsyncMinibatch>(AsyncMinibatch::Parts{.admission = {},
                                                                .weight = {},
                                                                .step = {read(settings, kStepSize)},
                                                                .size = size,
                                                                .server = ServerStep(settings, context),
                                                                .dispatch = Dispatch(same_worker(settings, context))});
}

}  // namespace

MethodRow async_minibatch_sgd() {
  return {.name = "async-minibatch-sgd",
          .summary = "average B gradients of the present point, then let any optimiser step",
          .settings = kSettings,
          .memory = {.fixed = 1},
          .heterogeneous = "no",
          .source = "Attia et al. 2024, arXiv 2408.07503 (our reading)",
          .make = make};
}

}  // namespace tardigrad::methods
