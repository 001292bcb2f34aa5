// SPDX-License-Identifier: Apache-2.0
// The settings that several methods share.
#pragma once

#include <optional>
#include <string>

#include "methods/catalogue.hpp"
#include "methods/frames/rounds.hpp"
#include "methods/policies/admission/delay_below.hpp"
#include "methods/policies/dispatch/dispatch.hpp"

namespace tardigrad::methods {

inline constexpr Knob kStepSizeKnob = {"step_size", "", "gamma > 0"};
inline constexpr Knob kConcurrencyKnob = {"concurrency", "workers", "tau_C: orders in flight"};

/// The settings of every method, read by ServerStep.
inline constexpr Knob kCommonKnobs[] = {
    {"clip_radius", "inf", "c > 0: each gradient is scaled by min(1, c/||g||); or \"auto\""},
    {"clipping", "{ rule = \"norm\" }",
     "what is clipped, and by what radius: norm, quantile, autoclip, block, coordinate"},
    {"privacy", "none",
     "{ noise_multiplier, delta, max_participations, contributions_per_release }: noise in every update, for methods "
     "that "
     "allow it"},
    {"schedule", "{ kind = \"constant\" }",
     "how the step changes over the updates: constant, cosine, inverse-square-root"},
    {"update", "{ rule = \"sgd\" }",
     "how a direction becomes a step: sgd, momentum, nesterov, adam, adamw, amsgrad, normalised, muon, lmo"},
};

/// step_size > 0
double read_step_size(Settings& settings);
/// Fails where neither clip_radius nor clipping is given: for methods that are about clipping.
void require_clipping(Settings& settings);
/// concurrency in 1 ... workers
std::size_t read_concurrency(Settings& settings, const MethodContext& context);
inline constexpr Knob kLocalStepsKnob = {"local_steps", "1", "K >= 1: local SGD steps of an order"};
inline constexpr Knob kLocalEpochsKnob = {"local_epochs", "none",
                                          "E >= 1, for local_steps: passes over the worker's examples, none twice"};
inline constexpr Knob kLocalStepSizeKnob = {"local_step_size", "", "eta_l > 0: of the local steps"};
inline constexpr Knob kLocalClipRadiusKnob = {"local_clip_radius", "inf",
                                              "> 0: clips each local gradient, on the worker"};
inline constexpr Knob kServerStepKnob = {"step_size", "1.0",
                                         "eta_g > 0: of the server, along the pseudo-gradient x - y_K"};

/// local_steps or local_epochs, local_step_size, local_clip_radius
LocalWork read_local_work(Settings& settings);
/// An epoch may be of one step as well: that depends on the worker.
inline bool is_one_step(const LocalWork& work) { return work.epochs == 0 && work.steps == 1; }
/// proximal_weight >= 0; a number or, with a fallback, nothing.
/// Errors  Error where it pulls at nothing: the first of the local steps starts at x
double read_proximal_weight(Settings& settings, const LocalWork& work, std::optional<double> fallback = {});
inline constexpr Knob kClientsPerRoundKnob = {"clients_per_round", "workers", "m: so many clients make a round"};
inline constexpr Knob kWeightingKnob = {
    "weighting", "the objective's",
    "a client's weight: its \"examples\" over the clients' mean, \"examples-ratio\" (over the mean of those drawn), or "
    "\"uniform\""};
inline constexpr Knob kSamplingKnob = {"sampling", "uniform",
                                       "clients are drawn alike, or by their \"examples\" with replacement"};
inline constexpr Knob kNormaliseKnob = {"normalise", "false",
                                        "true: clients count alike however many local steps they make (FedNova)"};
/// The options of federated rounds: step_size (of the server, 1), clients_per_round = m, sampling, weighting,
/// normalise, and the server's update rule with its default. Every round asks ceil(over_selection m) clients, so that m
/// can be at most the number of workers over that.
Rounds::Options read_federated_rounds(Settings& settings, const MethodContext& context, const LocalWork& work,
                                      const Update::Defaults& update = {}, double over_selection = 1.0);
inline constexpr Knob kBufferSizeKnob = {"buffer_size", "", "so many arrivals make an update"};
inline constexpr Knob kMostStaleKnob = {"max_staleness", "inf", "work with a larger delay is discarded"};
/// buffer_size >= 1
std::size_t read_buffer_size(Settings& settings);
/// max_staleness >= 0: delays up to that one are admitted; absent: all
AdmitDelayBelow read_most_stale(Settings& settings);
inline constexpr Knob kTurnsKnob = {
    "dispatch", "same", "the \"same\" worker goes on, or workers \"rotate\": differs where concurrency < workers"};
inline constexpr Knob kClientDispatchKnob = {"dispatch", "idle",
                                             "a draw among the \"idle\", or \"uniform\" over all with queues"};
inline constexpr Knob kInitialOrdersKnob = {"initial_orders", "one-per-worker",
                                            "uniform dispatch: \"one-per-worker\" or \"uniform\" draws"};
/// dispatch = "idle" | "uniform": each next client is drawn from the idle ones, or from all (Algorithm 2's queues, for
/// which see read_dispatch); concurrency = how many orders are out at once, for idle 1 ... workers
Dispatch::Options read_client_dispatch(Settings& settings, const MethodContext& context, const LocalWork& work);

/// dispatch = "same" | "rotate" | "uniform", concurrency, and for uniform initial_orders = "one-per-worker" | "uniform"
Dispatch::Options read_dispatch(Settings& settings, const MethodContext& context);
/// The options of a method that gives the next order to the worker that has delivered: dispatch = "same", or, where
/// concurrency < workers, to whose turn it is: "rotate".
Dispatch::Options same_worker(Settings& settings, const MethodContext& context);

}  // namespace tardigrad::methods
