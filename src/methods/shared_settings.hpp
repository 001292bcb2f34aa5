// SPDX-License-Identifier: Apache-2.0
// The settings that several methods share.
#pragma once

#include <limits>
#include <string>

#include "methods/frames/rounds.hpp"
#include "methods/policies/admission/delay_below.hpp"
#include "methods/policies/dispatch/dispatch.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {

inline constexpr Setting<double> kStepSize = {.key = "step_size", .range = kPositive, .meaning = "gamma > 0"};
inline constexpr Setting<std::int64_t> kConcurrency = {.key = "concurrency",
                                                       .default_in_words = "workers",
                                                       .range = {.low = 1, .high = 1e9},
                                                       .meaning = "tau_C: orders in flight"};
inline constexpr Setting<std::int64_t> kDelayLimit = {
    .key = "delay_limit", .range = at_least(1), .meaning = "R >= 1: delays of 0 ... R-1 are used"};
/// Fails where neither clip_radius nor clipping is given: for methods that are about clipping.
void require_clipping(Settings& settings);
/// concurrency in 1 ... workers
std::size_t read_concurrency(Settings& settings, const MethodContext& context);
inline constexpr Setting<std::int64_t> kLocalSteps = {.key = "local_steps",
                                                      .fallback = 1,
                                                      .range = {.low = 1, .high = 1e6},
                                                      .meaning = "K >= 1: local SGD steps of an order"};
inline constexpr Setting<std::int64_t> kLocalEpochs = {
    .key = "local_epochs",
    .default_in_words = "none",
    .range = {.low = 1, .high = 1e6},
    .meaning = "E >= 1, for local_steps: passes over the worker's examples, none twice"};
inline constexpr Setting<double> kLocalStepSize = {
    .key = "local_step_size", .range = kPositive, .meaning = "eta_l > 0: of the local steps"};
inline constexpr Setting<double> kLocalClipRadius = {.key = "local_clip_radius",
                                                     .fallback = std::numeric_limits<double>::infinity(),
                                                     .range = kPositive,
                                                     .meaning = "> 0: clips each local gradient, on the worker"};
inline constexpr Setting<double> kServerStepSize = {
    .key = kStepSize.key,
    .fallback = 1.0,
    .range = kStepSize.range,
    .meaning = "eta_g > 0: of the server, along the pseudo-gradient x - y_K"};

/// local_steps or local_epochs, local_step_size, local_clip_radius
LocalWork read_local_work(Settings& settings);
/// An epoch may be of one step as well: that depends on the worker.
inline bool is_one_step(const LocalWork& work) { return work.epochs == 0 && work.steps == 1; }
/// The setting proximal_weight, as the method has it.
/// Errors  Error where it pulls at nothing: the first of the local steps starts at x
double read_proximal_weight(Settings& settings, const Setting<double>& setting, const LocalWork& work);
inline constexpr Setting<std::int64_t> kClientsPerRound = {.key = "clients_per_round",
                                                           .default_in_words = "workers",
                                                           .range = at_least(1),
                                                           .meaning = "m: so many clients make a round"};
inline constexpr Setting<Choice> kWeighting = {
    .key = "weighting",
    .default_in_words = "the objective's",
    .meaning =
        "a client's weight: its \"examples\" over the clients' mean, \"examples-ratio\" (over the mean of those "
        "drawn), or \"uniform\"",
    .words = {"examples", "examples-ratio", "uniform"}};
inline constexpr Setting<Choice> kSampling = {
    .key = "sampling",
    .fallback = "uniform",
    .meaning = "clients are drawn alike, or by their \"examples\" with replacement",
    .words = {"uniform", "examples"}};
inline constexpr Setting<bool> kNormalise = {
    .key = "normalise",
    .fallback = false,
    .meaning = "true: clients count alike however many local steps they make (FedNova)"};
/// Of methods of rounds.
inline constexpr Setting<double> kDeadline = {
    .key = "deadline",
    .fallback = std::numeric_limits<double>::infinity(),
    .range = kPositive,
    .meaning = "> 0: a round waits so many times as long as orders took of late (mean + 4 deviations)"};
inline constexpr Setting<std::int64_t> kMinResults = {
    .key = "min_results",
    .fallback = 1,
    .range = {.low = 1, .high = 1e9},
    .meaning = "with a deadline: no round ends with fewer results, however long it takes"};
inline constexpr Setting<std::int64_t> kMinWorkers = {.key = "min_workers",
                                                      .fallback = 1,
                                                      .range = {.low = 1, .high = 1e9},
                                                      .meaning = "a round begins when so many workers are there"};
/// deadline, and min_results of the m of a round
Deadline read_deadline(Settings& settings, std::size_t m);
/// min_workers in 1 ... workers
std::size_t read_min_workers(Settings& settings, const MethodContext& context);
/// The options of federated rounds: step_size (of the server, 1), clients_per_round = m, sampling, weighting,
/// normalise, deadline, min_results, min_workers, and the server's update rule with its default. Every round asks
/// ceil(over_selection m) clients, so that m can be at most the number of workers over that.
Rounds::Options read_federated_rounds(Settings& settings, const MethodContext& context, const LocalWork& work,
                                      const Update::Defaults& update = {}, double over_selection = 1.0);
inline constexpr Setting<std::int64_t> kBufferSize = {
    .key = "buffer_size", .range = {.low = 1, .high = 1e9}, .meaning = "so many arrivals make an update"};
inline constexpr Setting<std::int64_t> kMostStale = {.key = "max_staleness",
                                                     .default_in_words = "inf",
                                                     .range = {.low = 0, .high = 1e15},
                                                     .meaning = "work with a larger delay is discarded"};
/// buffer_size >= 1
std::size_t read_buffer_size(Settings& settings);
/// max_staleness >= 0: delays up to that one are admitted; absent: all
AdmitDelayBelow read_most_stale(Settings& settings);
inline constexpr Setting<Choice> kTurns = {
    .key = "dispatch",
    .fallback = "same",
    .meaning = "the \"same\" worker goes on, or workers \"rotate\": differs where concurrency < workers",
    .words = {"same", "rotate"}};
/// Of vanilla and clipped asynchronous SGD.
inline constexpr Setting<Choice> kDispatch = {
    .key = kTurns.key,
    .fallback = "same",
    .meaning = "the \"same\" worker (Alg. 1), \"rotate\", or \"uniform\" over all with queues (Alg. 2)",
    .words = {"same", "rotate", "uniform"}};
inline constexpr Setting<Choice> kClientDispatch = {
    .key = kTurns.key,
    .fallback = "idle",
    .meaning = "a draw among the \"idle\", or \"uniform\" over all with queues",
    .words = {"idle", "uniform"}};
inline constexpr Setting<Choice> kInitialOrders = {
    .key = "initial_orders",
    .fallback = "one-per-worker",
    .meaning = "uniform dispatch: \"one-per-worker\" or \"uniform\" draws",
    .words = {"one-per-worker", "uniform"}};
/// dispatch = "idle" | "uniform": each next client is drawn from the idle ones, or from all (Algorithm 2's queues, for
/// which see read_dispatch); concurrency = how many orders are out at once, for idle 1 ... workers
Dispatch::Options read_client_dispatch(Settings& settings, const MethodContext& context, const LocalWork& work);

/// dispatch = "same" | "rotate" | "uniform", concurrency, and for uniform initial_orders = "one-per-worker" | "uniform"
Dispatch::Options read_dispatch(Settings& settings, const MethodContext& context);
/// The options of a method that gives the next order to the worker that has delivered: dispatch = "same", or, where
/// concurrency < workers, to whose turn it is: "rotate".
Dispatch::Options same_worker(Settings& settings, const MethodContext& context);

}  // namespace tardigrad::methods
