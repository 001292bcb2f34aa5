// SPDX-License-Identifier: Apache-2.0
#include "methods/shared_settings.hpp"
#include "methods/policies/admission/delay_below.hpp"

#include <cmath>
#include <limits>

namespace tardigrad::methods {

void require_clipping(Settings& settings) {
  if (!settings.has(kClipRadius.key) && !settings.has(kClipping.key))
    settings.fail(kClipRadius.key, "is missing; it must be a number > 0, or \"auto\"");
}

std::size_t read_concurrency(Settings& settings, const MethodContext& context) {
  const auto workers = static_cast<double>(context.workers);
  return static_cast<std::size_t>(
      read(settings, kConcurrency, static_cast<std::int64_t>(context.workers), {.low = 1, .high = workers}));
}

LocalWork read_local_work(Settings& settings) {
  std::uint32_t steps = 1, epochs = 0;  // with epochs the steps are counted when the order is given
  if (settings.has(kLocalEpochs.key) && settings.has(kLocalSteps.key))
    settings.fail(kLocalSteps.key, "local_epochs is given too: say one of them");
  if (const std::optional<std::int64_t> given = read_if_given(settings, kLocalEpochs)) {
    epochs = static_cast<std::uint32_t>(*given);
  } else {
    steps = static_cast<std::uint32_t>(read(settings, kLocalSteps));
  }
  return {.steps = steps,
          .epochs = epochs,
          .step_size = read(settings, kLocalStepSize),
          .clip_radius = read(settings, kLocalClipRadius)};
}

double read_proximal_weight(Settings& settings, const Setting<double>& setting, const LocalWork& work) {
  const double weight = read(settings, setting);
  if (weight > 0.0 && is_one_step(work))
    settings.fail(setting.key, "has no effect with local_steps = 1: that step starts at x");
  return weight;
}

namespace {

Rounds::Sampling read_sampling(Settings& settings) {
  return read(settings, kSampling) == "examples" ? Rounds::Sampling::examples : Rounds::Sampling::uniform;
}

// Without a word the objective's: its mean over examples, or over workers.
Rounds::Weighting read_weighting(Settings& settings, Rounds::Sampling sampling, Objective objective) {
  const bool by_draw = sampling == Rounds::Sampling::examples;
  const char* fallback = by_draw || objective == Objective::workers ? "uniform" : "examples";
  const std::string weighting = read(settings, kWeighting, fallback);
  if (by_draw && weighting != "uniform")
    settings.fail("weighting", "counts the examples twice with sampling = \"examples\"; it must be \"uniform\" there");
  if (weighting == "uniform") return Rounds::Weighting::uniform;
  return weighting == "examples" ? Rounds::Weighting::examples : Rounds::Weighting::examples_ratio;
}

bool read_normalise(Settings& settings, const LocalWork& work) {
  if (!read(settings, kNormalise)) return false;
  if (work.budget == Time::max() && work.epochs == 0)
    settings.fail("normalise",
                  "has no effect: without a time_budget or local_epochs every client makes the same number of steps");
  if (work.step_size * work.proximal_weight >= 1.0)
    settings.fail("normalise", "needs local_step_size * proximal_weight < 1: beyond, a local step jumps over x");
  return true;
}

}  // namespace

Deadline read_deadline(Settings& settings, std::size_t m) {
  const double factor = read(settings, kDeadline);
  const auto least =
      static_cast<std::size_t>(read_in(settings, kMinResults, {.low = 1, .high = static_cast<double>(m)}));
  if (least > 1 && !std::isfinite(factor))
    settings.fail(kMinResults.key, "has no effect without a deadline: a round waits for everybody there");
  return Deadline({.factor = factor, .min_results = least});
}

std::size_t read_min_workers(Settings& settings, const MethodContext& context) {
  return static_cast<std::size_t>(
      read_in(settings, kMinWorkers, {.low = 1, .high = static_cast<double>(context.workers)}));
}

Rounds::Options read_federated_rounds(Settings& settings, const MethodContext& context, const LocalWork& work,
                                      const Update::Defaults& update, double over_selection) {
  // 1.3 * 10 is 13, whatever the last bit of the product says.
  constexpr double kRounding = 1e-9;
  const double most = std::floor(static_cast<double>(context.workers) / over_selection + kRounding);
  const auto clients = static_cast<std::size_t>(
      read(settings, kClientsPerRound, static_cast<std::int64_t>(most), {.low = 1, .high = most}));
  const Rounds::Sampling sampling = read_sampling(settings);
  return {.step_size = read(settings, kServerStepSize),
          .server = ServerStep(settings, context, {.update = update}),
          .m = clients,
          .asked = static_cast<std::size_t>(std::ceil(over_selection * static_cast<double>(clients) - kRounding)),
          .weighting = read_weighting(settings, sampling, context.objective),
          .sampling = sampling,
          .normalise = read_normalise(settings, work),
          .work = work,
          .workers = context.workers,
          .at_start = context.at_start(),
          .seed = context.seed,
          .deadline = read_deadline(settings, clients),
          .min_workers = read_min_workers(settings, context)};
}

std::size_t read_buffer_size(Settings& settings) { return static_cast<std::size_t>(read(settings, kBufferSize)); }

AdmitDelayBelow read_most_stale(Settings& settings) {
  const std::optional<std::int64_t> given = read_if_given(settings, kMostStale);
  if (!given) return {std::numeric_limits<std::uint64_t>::max()};
  return {static_cast<std::uint64_t>(*given) + 1};
}

namespace {

// Queues take more orders than there are workers.
Dispatch::Options read_uniform_dispatch(Settings& settings, const MethodContext& context) {
  const auto concurrency =
      static_cast<std::size_t>(read(settings, kConcurrency, static_cast<std::int64_t>(context.workers)));
  const bool draws = read(settings, kInitialOrders) == "uniform";
  return {.rule = Dispatch::Rule::uniform,
          .initial = draws ? Dispatch::Initial::uniform_draws : Dispatch::Initial::one_per_worker,
          .at_start = context.at_start(),
          .concurrency = concurrency,
          .seed = context.seed};
}

Dispatch::Options read_turns(const std::string& dispatch, Settings& settings, const MethodContext& context) {
  return {.rule = dispatch == "rotate" ? Dispatch::Rule::rotate : Dispatch::Rule::same,
          .at_start = context.at_start(),
          .concurrency = read_concurrency(settings, context),
          .seed = context.seed};
}

}  // namespace

Dispatch::Options read_client_dispatch(Settings& settings, const MethodContext& context, const LocalWork& work) {
  Dispatch::Options options{.rule = Dispatch::Rule::idle, .at_start = context.at_start(), .seed = context.seed};
  if (read(settings, kClientDispatch) == "uniform")
    options = read_uniform_dispatch(settings, context);
  else
    options.concurrency = read_concurrency(settings, context);
  options.work = work;
  return options;
}

Dispatch::Options same_worker(Settings& settings, const MethodContext& context) {
  return read_turns(read(settings, kTurns), settings, context);
}

Dispatch::Options read_dispatch(Settings& settings, const MethodContext& context) {
  const std::string dispatch = read(settings, kDispatch);
  if (dispatch == "uniform") return read_uniform_dispatch(settings, context);
  return read_turns(dispatch, settings, context);
}

}  // namespace tardigrad::methods
