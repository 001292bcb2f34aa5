// SPDX-License-Identifier: Apache-2.0
// The settings that several methods share.
#pragma once

#include "methods/catalogue.hpp"
#include "methods/dispatch/dispatch.hpp"

namespace tardigrad::methods {

inline constexpr Knob kStepSizeKnob = {"step_size", "", "gamma > 0"};
inline constexpr Knob kConcurrencyKnob = {"concurrency", "workers", "tau_C: orders in flight"};

/// The settings of every method, read by ServerStep.
inline constexpr Knob kCommonKnobs[] = {
    {"clip_radius", "inf", "c > 0: each gradient is scaled by min(1, c/||g||)"},
    {"schedule", "{ kind = \"constant\" }",
     "how the step changes over the updates: constant, cosine, inverse-square-root"},
    {"update", "{ rule = \"sgd\" }", "how a direction becomes a step: sgd, momentum, nesterov, adam, adamw"},
};

/// step_size > 0
double read_step_size(Settings& settings);
/// concurrency in 1 ... workers
std::size_t read_concurrency(Settings& settings, const MethodContext& context);
/// dispatch = "same" | "uniform", concurrency, and for uniform initial_orders = "one-per-worker" | "uniform"
Dispatch::Options read_dispatch(Settings& settings, const MethodContext& context);
/// The options of a method that always gives the next order to the worker that has delivered.
Dispatch::Options same_worker(Settings& settings, const MethodContext& context);

}  // namespace tardigrad::methods
