// SPDX-License-Identifier: Apache-2.0
#include "experiment/run_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engines/catalogue/runtimes.hpp"
#include "experiment/run_settings.hpp"
#include "experiment/serverless.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

StopConditions read_stop(Settings& run, Use use, bool has_target) {
  Settings& stop = read(run, kStop);
  StopConditions conditions;
  conditions.updates = read_if_given(stop, kStopUpdates);
  conditions.gradients = read_if_given(stop, kStopGradients);
  if (const auto seconds = read_if_given(stop, kStopTime)) conditions.time = from_seconds(*seconds);
  conditions.at_target = read(stop, kStopTarget, has_target && use == Use::compare);
  if (conditions.at_target && !has_target) stop.fail(kStopTarget.key, "there is no run.target to stop at");
  if (!conditions.updates && !conditions.gradients && !conditions.time)
    run.fail(kStop.key,
             "must hold at least one of updates, gradients, time: a run that never meets its target must end too");
  return conditions;
}

Target read_target(Settings& table, const std::vector<std::string>& metrics) {
  Target target{.metric = table.choice(kMetric.key, metrics)};
  table.allow(kAtMost.key);
  table.allow(kAtLeast.key);
  if (table.has(kAtMost.key) == table.has(kAtLeast.key))
    table.fail(kMetric.key, "needs a threshold beside it: either at_most or at_least");
  const bool at_most = table.has(kAtMost.key);
  target.direction = at_most ? Target::Direction::at_most : Target::Direction::at_least;
  target.threshold = read(table, at_most ? kAtMost : kAtLeast);
  target.hold = static_cast<std::uint64_t>(read(table, kHold));
  return target;
}

DivergedWhen read_diverged_when(Settings& run) {
  DivergedWhen when;
  Settings& table = read(run, kDivergedWhen);
  when.loss_factor = read(table, kLossFactor);
  when.distance_factor = read(table, kDistanceFactor);
  return when;
}

// Fifty evaluations in a run, where the scenario does not say.
constexpr std::uint64_t kDefaultEvaluations = 50;
// Each is a row of some hundred bytes in metrics.jsonl, and stays in memory.
constexpr double kMostEvaluations = 1e7;

void check_evaluations(const Settings& table, const char* key, double stop, double every) {
  if (table.has(key) && stop / every > kMostEvaluations)
    table.fail(key, fmt::format("makes {:.3g} evaluations until the run stops; {:.0f} are the most", stop / every,
                                kMostEvaluations));
}

EvaluateEvery read_evaluate_every(Settings& run, const StopConditions& stop) {
  EvaluateEvery every;
  Settings& table = read(run, kEvaluateEvery);
  const char *const time = kEvaluateTime.key, *const updates = kEvaluateUpdates.key;
  table.allow(time);
  table.allow(updates);
  if (table.has(time) && table.has(updates)) table.fail(updates, "either time or updates, not both");
  if (table.has(updates)) {
    every.updates = static_cast<std::uint64_t>(read(table, kEvaluateUpdates));
    if (stop.updates)
      check_evaluations(table, updates, static_cast<double>(*stop.updates), static_cast<double>(*every.updates));
  } else if (table.has(time)) {
    every.time = from_seconds(read(table, kEvaluateTime));
    if (stop.time) check_evaluations(table, time, to_seconds(*stop.time), to_seconds(*every.time));
  } else if (stop.time) {
    every.time = from_seconds(read(table, kEvaluateTime, std::max(1e-9, to_seconds(*stop.time) / kDefaultEvaluations)));
  } else {
    const std::uint64_t last = stop.updates ? *stop.updates : *stop.gradients;
    every.updates = static_cast<std::uint64_t>(read(
        table, kEvaluateUpdates, static_cast<std::int64_t>(std::max<std::uint64_t>(1, last / kDefaultEvaluations))));
  }
  return every;
}

// events = true | false | { every = k }
std::optional<record::EventLogOptions> read_events(Settings& run, Use use, const RuntimeRow& runtime) {
  const std::optional<SettingValue> value = run.raw(kEvents.key);
  if (value && value->is_table()) {
    const auto every = read(run.table(kEvents.key), kEvery);
    return record::EventLogOptions{.every = static_cast<std::uint64_t>(every)};
  }
  if (value && value->value.index() != 0) run.fail(kEvents.key, "must be true, false, or { every = k }");
  const bool by_default = use == Use::run && runtime.has_server;
  const bool wanted = value ? std::get<bool>(value->value) : by_default;
  if (!wanted) return std::nullopt;
  return record::EventLogOptions{};
}

// checkpoint_every = { updates = N } | { seconds = S }, keep_checkpoints = k
CheckpointPlan read_checkpoints(Settings& run, Use use) {
  CheckpointPlan plan;
  run.allow(kCheckpointEvery.key);
  run.allow(kKeepCheckpoints.key);
  if (!run.has(kCheckpointEvery.key)) {
    if (run.has(kKeepCheckpoints.key)) run.fail(kKeepCheckpoints.key, "needs checkpoint_every beside it");
    return plan;
  }
  if (use != Use::run)
    run.fail(kCheckpointEvery.key, "is for `run`: a comparison that was broken off goes on by whole runs");
  Settings& every = read(run, kCheckpointEvery);
  if (every.has(kCheckpointUpdates.key) == every.has(kCheckpointSeconds.key))
    run.fail(kCheckpointEvery.key, "must be { updates = N } or { seconds = S }, of real time");
  plan.updates = read_if_given(every, kCheckpointUpdates);
  if (const auto seconds = read_if_given(every, kCheckpointSeconds)) plan.seconds = from_seconds(*seconds);
  plan.keep = static_cast<std::size_t>(read(run, kKeepCheckpoints));
  return plan;
}

// What a runtime has in one of the tables [run] and [workers].
std::span<const SettingRow> settings_in(const RuntimeRow& row, const std::string& table) {
  return table == "run" ? row.run_settings : row.workers_settings;
}

// A setting that another runtime has and this one has not would have no effect: a mistake of the scenario.
void refuse_foreign(Settings& settings, const std::string& table, const RuntimeRow& mine) {
  for (const RuntimeRow& row : runtimes())
    for (const SettingRow& setting : settings_in(row, table)) {
      const auto has = [&](const RuntimeRow& other) { return find(settings_in(other, table), setting.key) != nullptr; };
      if (has(mine)) continue;
      settings.allow(setting.key);
      if (!settings.has(setting.key)) continue;
      std::vector<std::string> owners;
      for (const RuntimeRow& other : runtimes())
        if (has(other)) owners.push_back(fmt::format("run.runtime = \"{}\"", other.name));
      settings.fail(setting.key, fmt::format("means something only with {}", fmt::join(owners, " or ")));
    }
}

RuntimeChoice read_runtime(Settings& run, Use use) {
  const RuntimeRow& row = runtime(run.choice_or(kRuntime.key, *kRuntime.fallback, runtime_names()));
  if (use != Use::run && !row.has_server) {
    std::vector<std::string> served;
    for (const RuntimeRow& other : runtimes())
      if (other.has_server) served.push_back(other.name);
    run.fail(kRuntime.key,
             fmt::format("a comparison is of methods, and Hogwild! has but one; allowed: {}", fmt::join(served, ", ")));
  }
  return {.row = &row, .settings = read_runtime_settings(run, "run", row)};
}

}  // namespace

RuntimeSettings read_runtime_settings(Settings& settings, const std::string& table, const RuntimeRow& row) {
  refuse_foreign(settings, table, row);
  RuntimeSettings values;
  for (const SettingRow& setting : settings_in(row, table))
    if (const std::optional<double> value = read_number(settings, setting)) values[setting.key] = *value;
  return values;
}

void require_methods(const Scenario& scenario) {
  Settings run = scenario.settings("run");
  read_runtime(run, Use::compare);
}

RunPlan make_run_plan(const Scenario& scenario, Use use, const std::vector<std::string>& metrics) {
  Settings run = scenario.settings("run");
  RunPlan plan;
  plan.seed = static_cast<std::uint64_t>(read(run, kSeed));
  plan.options.seed = plan.seed;
  plan.runtime = read_runtime(run, use);
  run.allow(kTarget.key);
  if (run.has(kTarget.key)) plan.options.target = read_target(read(run, kTarget), metrics);
  plan.options.stop = read_stop(run, use, plan.options.target.has_value());
  plan.options.evaluate_every = read_evaluate_every(run, plan.options.stop);
  plan.options.diverged_when = read_diverged_when(run);
  plan.options.put_aside_after = static_cast<std::uint64_t>(read(run, kPutAsideAfter));
  plan.events = read_events(run, use, *plan.runtime.row);
  plan.record = read(run, kRecord);
  plan.checkpoints = read_checkpoints(run, use);
  plan.per_worker = read(run, kPerWorker, use == Use::run);
  if (!plan.runtime.row->has_server) check_serverless_run(run, plan);
  run.finish();
  plan.resolved = run.resolved();
  check_listed(plan.resolved, {kRunSettings, plan.runtime.row->run_settings}, "run");
  return plan;
}

}  // namespace tardigrad
