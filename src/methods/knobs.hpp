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
inline constexpr Knob kLocalStepsKnob = {"local_steps", "1", "K >= 1: local SGD steps of an order"};
inline constexpr Knob kLocalStepSizeKnob = {"local_step_size", "", "eta_l > 0: of the local steps"};
inline constexpr Knob kLocalClipRadiusKnob = {"local_clip_radius", "inf",
                                              "> 0: clips each local gradient, on the worker"};
inline constexpr Knob kServerStepKnob = {"step_size", "1.0",
                                         "eta_g > 0: of the server, along the pseudo-gradient x - y_K"};

/// local_steps, local_step_size, local_clip_radius
LocalWork read_local_work(Settings& settings);
/// How many clients compute at once: concurrency in 1 ... workers; each draws from the idle ones.
Dispatch::Options read_client_dispatch(Settings& settings, const MethodContext& context, const LocalWork& work);

/// dispatch = "same" | "uniform", concurrency, and for uniform initial_orders = "one-per-worker" | "uniform"
Dispatch::Options read_dispatch(Settings& settings, const MethodContext& context);
/// The options of a method that always gives the next order to the worker that has delivered.
Dispatch::Options same_worker(Settings& settings, const MethodContext& context);

}  // namespace tardigrad::methods
