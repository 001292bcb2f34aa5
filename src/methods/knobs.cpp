// SPDX-License-Identifier: Apache-2.0
#include "methods/knobs.hpp"

#include <limits>

namespace tardigrad::methods {

double read_step_size(Settings& settings) { return settings.number("step_size", Range::positive()); }

std::size_t read_concurrency(Settings& settings, const MethodContext& context) {
  const auto workers = static_cast<double>(context.workers);
  return static_cast<std::size_t>(
      settings.integer_or("concurrency", static_cast<std::int64_t>(context.workers), {.low = 1, .high = workers}));
}

LocalWork read_local_work(Settings& settings) {
  return {.steps = static_cast<std::uint32_t>(settings.integer_or("local_steps", 1, {.low = 1, .high = 1e6})),
          .step_size = settings.number("local_step_size", Range::positive()),
          .clip_radius =
              settings.number_or("local_clip_radius", std::numeric_limits<double>::infinity(), Range::positive())};
}

Dispatch::Options read_client_dispatch(Settings& settings, const MethodContext& context, const LocalWork& work) {
  return {.rule = Dispatch::Rule::idle,
          .workers = context.workers,
          .concurrency = read_concurrency(settings, context),
          .seed = context.seed,
          .work = work};
}

Dispatch::Options same_worker(Settings& settings, const MethodContext& context) {
  return {.workers = context.workers, .concurrency = read_concurrency(settings, context), .seed = context.seed};
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
          .workers = context.workers,
          .concurrency = concurrency,
          .seed = context.seed};
}

}  // namespace tardigrad::methods
