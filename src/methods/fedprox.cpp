// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/frames/rounds.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {
namespace {

constexpr Setting<double> kProximalWeight = {
    .key = "proximal_weight", .range = at_least(0), .meaning = "mu >= 0: pulls local steps back to x"};
constexpr Setting<double> kTimeBudget = {
    .key = "time_budget",
    .fallback = std::numeric_limits<double>::infinity(),
    .range = kPositive,
    .unit = "s",
    .meaning = "> 0 seconds of compute time in a round: a client makes the steps that fit, at least one"};
constexpr SettingRow kSettings[] = {
    kServerStepSize,  kLocalSteps, kLocalEpochs, kLocalStepSize, kProximalWeight, kTimeBudget, kLocalClipRadius,
    kClientsPerRound, kSampling,   kWeighting,   kNormalise,     kDeadline,       kMinResults, kMinWorkers};

/// FedProx: FedAvg whose clients descend f_i(y) + (mu/2) ||y - x||^2, and may bring partial work: a client makes as
/// many local steps as its time budget has room for, at least one, and what it has counts.
/// mu = 0 without a budget is fedavg, bitwise. The paper draws clients by their number of examples and takes a plain
/// mean; here, as in most code, the draw is uniform and the mean is weighted.
/// Source  Li et al., arXiv 1812.06127 (from memory); a budget in time is our reading of "variable local work"
std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) {
  LocalWork work = read_local_work(settings);
  work.proximal_weight = read_proximal_weight(settings, kProximalWeight, work);
  const double budget = read(settings, kTimeBudget);
  if (std::isfinite(budget) && is_one_step(work))
    settings.fail("time_budget", "has no effect with local_steps = 1: one step is always made");
  if (budget < 1e9) work.budget = std::max(Time{1}, from_seconds(budget));
  return std::make_unique<Rounds>(read_federated_rounds(settings, context, work));
}

}  // namespace

MethodRow fedprox() {
  return {
      .name = "fedprox",
      .summary = "FedAvg with a pull towards x on the clients, and partial work from slow ones",
      .settings = kSettings,
      .capabilities = {.timers = true, .local_steps = true},
      .memory = {.fixed = 1},
      .heterogeneous = "with local_steps = 1, weighting \"examples\" or \"uniform\"; unless clipped or with a deadline",
      .source = "Li et al. 2020, arXiv 1812.06127",
      .make = make};
}

}  // namespace tardigrad::methods
