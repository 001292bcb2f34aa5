// SPDX-License-Identifier: Apache-2.0
#include "methods/knobs.hpp"
#include "methods/policies/admission/delay_below.hpp"

#include <cmath>
#include <limits>

namespace tardigrad::methods {

double read_step_size(Settings& settings) { return settings.number("step_size", Range::positive()); }

void require_clipping(Settings& settings) {
  if (!settings.has("clip_radius") && !settings.has("clipping"))
    settings.fail("clip_radius", "is missing; it must be a number > 0, or \"auto\"");
}

std::size_t read_concurrency(Settings& settings, const MethodContext& context) {
  const auto workers = static_cast<double>(context.workers);
  return static_cast<std::size_t>(
      settings.integer_or("concurrency", static_cast<std::int64_t>(context.workers), {.low = 1, .high = workers}));
}

LocalWork read_local_work(Settings& settings) {
  settings.allow("local_epochs");
  std::uint32_t steps = 1, epochs = 0;  // with epochs the steps are counted when the order is given
  if (settings.has("local_epochs")) {
    if (settings.has("local_steps")) settings.fail("local_steps", "local_epochs is given too: say one of them");
    epochs = static_cast<std::uint32_t>(settings.integer("local_epochs", {.low = 1, .high = 1e6}));
  } else {
    steps = static_cast<std::uint32_t>(settings.integer_or("local_steps", 1, {.low = 1, .high = 1e6}));
  }
  return {.steps = steps,
          .epochs = epochs,
          .step_size = settings.number("local_step_size", Range::positive()),
          .clip_radius =
              settings.number_or("local_clip_radius", std::numeric_limits<double>::infinity(), Range::positive())};
}

double read_proximal_weight(Settings& settings, const LocalWork& work, std::optional<double> fallback) {
  const double weight = fallback ? settings.number_or("proximal_weight", *fallback, Range::at_least(0))
                                 : settings.number("proximal_weight", Range::at_least(0));
  if (weight > 0.0 && is_one_step(work))
    settings.fail("proximal_weight", "has no effect with local_steps = 1: that step starts at x");
  return weight;
}

namespace {

Rounds::Sampling read_sampling(Settings& settings) {
  return settings.choice_or("sampling", "uniform", {"uniform", "examples"}) == "examples" ? Rounds::Sampling::examples
                                                                                          : Rounds::Sampling::uniform;
}

// Without a word the objective's: its mean over examples, or over workers.
Rounds::Weighting read_weighting(Settings& settings, Rounds::Sampling sampling, Objective objective) {
  const bool by_draw = sampling == Rounds::Sampling::examples;
  const char* fallback = by_draw || objective == Objective::workers ? "uniform" : "examples";
  const std::string weighting = settings.choice_or("weighting", fallback, {"examples", "examples-ratio", "uniform"});
  if (by_draw && weighting != "uniform")
    settings.fail("weighting", "counts the examples twice with sampling = \"examples\"; it must be \"uniform\" there");
  if (weighting == "uniform") return Rounds::Weighting::uniform;
  return weighting == "examples" ? Rounds::Weighting::examples : Rounds::Weighting::examples_ratio;
}

bool read_normalise(Settings& settings, const LocalWork& work) {
  if (!settings.boolean_or("normalise", false)) return false;
  if (work.budget == Time::max() && work.epochs == 0)
    settings.fail("normalise",
                  "has no effect: without a time_budget or local_epochs every client makes the same number of steps");
  if (work.step_size * work.proximal_weight >= 1.0)
    settings.fail("normalise", "needs local_step_size * proximal_weight < 1: beyond, a local step jumps over x");
  return true;
}

}  // namespace

Rounds::Options read_federated_rounds(Settings& settings, const MethodContext& context, const LocalWork& work,
                                      const Update::Defaults& update, double over_selection) {
  // 1.3 * 10 is 13, whatever the last bit of the product says.
  constexpr double kRounding = 1e-9;
  const double most = std::floor(static_cast<double>(context.workers) / over_selection + kRounding);
  const auto clients = static_cast<std::size_t>(
      settings.integer_or("clients_per_round", static_cast<std::int64_t>(most), {.low = 1, .high = most}));
  const Rounds::Sampling sampling = read_sampling(settings);
  return {.step_size = settings.number_or("step_size", 1.0, Range::positive()),
          .server = ServerStep(settings, context, {.update = update}),
          .m = clients,
          .asked = static_cast<std::size_t>(std::ceil(over_selection * static_cast<double>(clients) - kRounding)),
          .weighting = read_weighting(settings, sampling, context.objective),
          .sampling = sampling,
          .normalise = read_normalise(settings, work),
          .work = work,
          .workers = context.workers,
          .at_start = context.at_start(),
          .seed = context.seed};
}

std::size_t read_buffer_size(Settings& settings) {
  return static_cast<std::size_t>(settings.integer("buffer_size", {.low = 1, .high = 1e9}));
}

AdmitDelayBelow read_most_stale(Settings& settings) {
  settings.allow("max_staleness");
  if (!settings.has("max_staleness")) return {std::numeric_limits<std::uint64_t>::max()};
  return {static_cast<std::uint64_t>(settings.integer("max_staleness", {.low = 0, .high = 1e15})) + 1};
}

namespace {

// Queues take more orders than there are workers.
Dispatch::Options read_uniform_dispatch(Settings& settings, const MethodContext& context) {
  const auto concurrency = static_cast<std::size_t>(
      settings.integer_or("concurrency", static_cast<std::int64_t>(context.workers), {.low = 1, .high = 1e9}));
  const bool draws = settings.choice_or("initial_orders", "one-per-worker", {"one-per-worker", "uniform"}) == "uniform";
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
  if (settings.choice_or("dispatch", "idle", {"idle", "uniform"}) == "uniform")
    options = read_uniform_dispatch(settings, context);
  else
    options.concurrency = read_concurrency(settings, context);
  options.work = work;
  return options;
}

Dispatch::Options same_worker(Settings& settings, const MethodContext& context) {
  return read_turns(settings.choice_or("dispatch", "same", {"same", "rotate"}), settings, context);
}

Dispatch::Options read_dispatch(Settings& settings, const MethodContext& context) {
  const std::string dispatch = settings.choice_or("dispatch", "same", {"same", "rotate", "uniform"});
  if (dispatch == "uniform") return read_uniform_dispatch(settings, context);
  return read_turns(dispatch, settings, context);
}

}  // namespace tardigrad::methods
