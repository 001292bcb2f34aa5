// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/buffered.hpp"
#include "methods/knobs.hpp"
#include "methods/methods.hpp"
#include "methods/policies/admission/current.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/policies/step/weight.hpp"

namespace tardigrad::methods {
namespace {

/// Asynchronous mini-batching: a gradient is accepted if it was computed at the present query point x; B accepted ones
/// are averaged and handed to the update rule, which moves x. Nobody is stopped; stale gradients are discarded.
/// With double_every = E the batch is B 2^(version/E), rounded down, up to batch_limit: the adaptive variant, which
/// needs not know the delays. With a constant batch it is rennala-sgd without stopping.
/// Memory  one vector, and those of the update rule
///
/// Source  Attia, Gaash, Koren, arXiv 2408.07503: the abstract was read; the rule, and how the batch doubles, are ours
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  using AsyncMinibatch = Buffered<AdmitCurrent, UnitWeight, ConstantStep>;
  BatchSize size{.size = static_cast<std::size_t>(settings.integer("batch_target", {.low = 1, .high = 1e9}))};
  size.double_every = static_cast<Version>(settings.integer_or("double_every", 0, Range::at_least(0)));
  if (size.double_every > 0)
    size.limit = static_cast<std::size_t>(settings.integer_or("batch_limit", static_cast<std::int64_t>(64 * size.size),
                                                              {.low = static_cast<double>(size.size), .high = 1e12}));
  return std::make_unique<AsyncMinibatch>(AsyncMinibatch::Parts{.admission = {},
                                                                .weight = {},
                                                                .step = {read_step_size(settings)},
                                                                .size = size,
                                                                .server = ServerStep(settings, context),
                                                                .dispatch = Dispatch(same_worker(settings, context))});
}

constexpr Knob kKnobs[] = {
    kStepSizeKnob,
    {"batch_target", "", "B >= 1: so many gradients of the present point make an update"},
    {"double_every", "0", "E > 0: the batch doubles after every E updates"},
    {"batch_limit", "64 B", "where the doubling ends, with double_every"},
    kTurnsKnob,
    kConcurrencyKnob,
};

}  // namespace

const MethodRow kAsyncMinibatchSgd = {
    .name = "async-minibatch-sgd",
    .summary = "average B gradients of the present point, then let any optimiser step",
    .knobs = kKnobs,
    .memory = {.fixed = 1},
    .heterogeneous = "no",
    .source = "Attia et al. 2024, arXiv 2408.07503 (our reading)",
    .make = make};

}  // namespace tardigrad::methods
