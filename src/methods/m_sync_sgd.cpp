// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/rounds.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<std::int64_t> kM = {
    .key = "m", .range = at_least(1), .meaning = "1 ... workers: how many gradients make a round"};
constexpr Setting<Choice> kLate = {
    .key = "late",
    .fallback = "stop",
    .meaning = "late workers: \"stop\" them, or let them finish and \"ignore\" what they bring",
    .words = {"stop", "ignore"}};
constexpr SettingRow kSettings[] = {kStepSize, kM, kLate, kDeadline, kMinResults, kMinWorkers};

/// m-synchronous SGD: x <- x - (gamma/m) * sum of the first m gradients computed at x. See Rounds.
/// Source  Begunov, Tyurin, arXiv 2602.03802; whether late workers are stopped or ignored is not settled by the
///         sources that we could read, so both are here.
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  const auto workers = static_cast<double>(context.workers);
  const bool stop = read(settings, kLate) == "stop";
  const auto m = static_cast<std::size_t>(read_in(settings, kM, {.low = 1, .high = workers}));
  return std::make_unique<Rounds>(Rounds::Options{.step_size = read(settings, kStepSize),
                                                  .server = ServerStep(settings, context),
                                                  .m = m,
                                                  .late = stop ? Rounds::Late::stop : Rounds::Late::ignore,
                                                  .workers = context.workers,
                                                  .deadline = read_deadline(settings, m),
                                                  .min_workers = read_min_workers(settings, context)});
}

}  // namespace

MethodRow m_sync_sgd() {
  return {.name = "m-sync-sgd",
          .summary = "wait for the first m gradients at the current point, apply their mean",
          .settings = kSettings,
          .capabilities = {.cancel = true, .timers = true},
          .memory = {.fixed = 1},
          .heterogeneous = "with m = workers; unless clipped or with a deadline",
          .source = "Begunov, Tyurin 2026, arXiv 2602.03802, Alg. 3 (our reading)",
          .make = make};
}

}  // namespace tardigrad::methods
