// SPDX-License-Identifier: Apache-2.0
#include "methods/knobs.hpp"

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

Rounds::Options read_federated_rounds(Settings& settings, const MethodContext& context, const LocalWork& work,
                                      const Update::Defaults& update, double over_selection) {
  // 1.3 * 10 is 13, whatever the last bit of the product says.
  constexpr double kRounding = 1e-9;
  const double most = std::floor(static_cast<double>(context.workers) / over_selection + kRounding);
  const auto clients = static_cast<std::size_t>(
      settings.integer_or("clients_per_round", static_cast<std::int64_t>(most), {.low = 1, .high = most}));
  const char* weighting = context.objective == Objective::examples ? "examples" : "uniform";
  const bool uniform = settings.choice_or("weighting", weighting, {"examples", "uniform"}) == "uniform";
  return {.step_size = settings.number_or("step_size", 1.0, Range::positive()),
          .server = ServerStep(settings, context, {.update = update}),
          .m = clients,
          .asked = static_cast<std::size_t>(std::ceil(over_selection * static_cast<double>(clients) - kRounding)),
          .weighting = uniform ? Rounds::Weighting::uniform : Rounds::Weighting::examples,
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

Dispatch::Options read_client_dispatch(Settings& settings, const MethodContext& context, const LocalWork& work) {
  return {.rule = Dispatch::Rule::idle,
          .at_start = context.at_start(),
          .concurrency = read_concurrency(settings, context),
          .seed = context.seed,
          .work = work};
}

Dispatch::Options same_worker(Settings& settings, const MethodContext& context) {
  return {.at_start = context.at_start(), .concurrency = read_concurrency(settings, context), .seed = context.seed};
}

Dispatch::Options read_dispatch(Settings& settings, const MethodContext& context) {
  if (settings.choice_or("dispatch", "same", {"same", "uniform"}) == "same") {
    return same_worker(settings, context);
  }
  // Queues take more orders than there are workers.
  const auto concurrency = static_cast<std::size_t>(
      settings.integer_or("concurrency", static_cast<std::int64_t>(context.workers), {.low = 1, .high = 1e9}));
  const bool draws = settings.choice_or("initial_orders", "one-per-worker", {"one-per-worker", "uniform"}) == "uniform";
  return {.rule = Dispatch::Rule::uniform,
          .initial = draws ? Dispatch::Initial::uniform_draws : Dispatch::Initial::one_per_worker,
          .at_start = context.at_start(),
          .concurrency = concurrency,
          .seed = context.seed};
}

}  // namespace tardigrad::methods
