// SPDX-License-Identifier: Apache-2.0
#include "experiment/run_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engines/catalogue/runtimes.hpp"
#include "experiment/serverless.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

StopConditions read_stop(Settings& run, Use use, bool has_target) {
  Settings& stop = run.table("stop");
  StopConditions conditions;
  const auto count = [&](const char* key) -> std::optional<std::uint64_t> {
    stop.allow(key);
    if (!stop.has(key)) return std::nullopt;
    return static_cast<std::uint64_t>(stop.integer(key, Range::at_least(1)));
  };
  conditions.updates = count("updates");
  conditions.gradients = count("gradients");
  stop.allow("time");
  // Integer nanoseconds hold 292 years; we stay clear of the end.
  if (stop.has("time")) conditions.time = from_seconds(stop.number("time", {.low = 0, .high = 4e9, .low_open = true}));
  conditions.at_target = stop.boolean_or("target", has_target && use == Use::compare);
  if (conditions.at_target && !has_target) stop.fail("target", "there is no run.target to stop at");
  if (!conditions.updates && !conditions.gradients && !conditions.time)
    run.fail("stop",
             "must hold at least one of updates, gradients, time: a run that never meets its target must end too");
  return conditions;
}

Target read_target(Settings& table, const std::vector<std::string>& metrics) {
  Target target{.metric = table.choice("metric", metrics)};
  table.allow("at_most");
  table.allow("at_least");
  if (table.has("at_most") == table.has("at_least"))
    table.fail("metric", "needs a threshold beside it: either at_most or at_least");
  const bool at_most = table.has("at_most");
  target.direction = at_most ? Target::Direction::at_most : Target::Direction::at_least;
  target.threshold = table.number(at_most ? "at_most" : "at_least");
  target.hold = static_cast<std::uint64_t>(table.integer_or("hold", 1, {.low = 1, .high = 1e9}));
  return target;
}

DivergedWhen read_diverged_when(Settings& run) {
  DivergedWhen when;
  Settings& table = run.table_or_empty("diverged_when");
  const Range factor = {.low = 1.0, .low_open = true};
  when.loss_factor = table.number_or("loss_factor", when.loss_factor, factor);
  when.distance_factor = table.number_or("distance_factor", when.distance_factor, factor);
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
  Settings& table = run.table_or_empty("evaluate_every");
  table.allow("time");
  table.allow("updates");
  if (table.has("time") && table.has("updates")) table.fail("updates", "either time or updates, not both");
  const Range seconds = {.low = 1e-9, .high = 4e9};
  if (table.has("updates")) {
    every.updates = static_cast<std::uint64_t>(table.integer("updates", Range::at_least(1)));
    if (stop.updates)
      check_evaluations(table, "updates", static_cast<double>(*stop.updates), static_cast<double>(*every.updates));
  } else if (table.has("time")) {
    every.time = from_seconds(table.number("time", seconds));
    if (stop.time) check_evaluations(table, "time", to_seconds(*stop.time), to_seconds(*every.time));
  } else if (stop.time) {
    every.time = from_seconds(table.number_or("time", std::max(1e-9, to_seconds(*stop.time) / kDefaultEvaluations)));
  } else {
    const std::uint64_t updates = stop.updates ? *stop.updates : *stop.gradients;
    every.updates = static_cast<std::uint64_t>(table.integer_or(
        "updates", static_cast<std::int64_t>(std::max<std::uint64_t>(1, updates / kDefaultEvaluations))));
  }
  return every;
}

// events = true | false | { every = k }
std::optional<record::EventLogOptions> read_events(Settings& run, Use use, const RuntimeRow& runtime) {
  const std::optional<SettingValue> value = run.raw("events");
  if (value && value->is_table()) {
    const auto every = run.table("events").integer("every", Range::at_least(1));
    return record::EventLogOptions{.every = static_cast<std::uint64_t>(every)};
  }
  if (value && value->value.index() != 0) run.fail("events", "must be true, false, or { every = k }");
  const bool by_default = use == Use::run && runtime.has_server;
  const bool wanted = value ? std::get<bool>(value->value) : by_default;
  if (!wanted) return std::nullopt;
  return record::EventLogOptions{};
}

// checkpoint_every = { updates = N } | { seconds = S }, keep_checkpoints = k
CheckpointPlan read_checkpoints(Settings& run, Use use) {
  CheckpointPlan plan;
  run.allow("checkpoint_every");
  run.allow("keep_checkpoints");
  if (!run.has("checkpoint_every")) {
    if (run.has("keep_checkpoints")) run.fail("keep_checkpoints", "needs checkpoint_every beside it");
    return plan;
  }
  if (use != Use::run)
    run.fail("checkpoint_every", "is for `run`: a comparison that was broken off goes on by whole runs");
  Settings& every = run.table("checkpoint_every");
  every.allow("updates");
  every.allow("seconds");
  if (every.has("updates") == every.has("seconds"))
    run.fail("checkpoint_every", "must be { updates = N } or { seconds = S }, of real time");
  if (every.has("updates"))
    plan.updates = static_cast<std::uint64_t>(every.integer("updates", Range::at_least(1)));
  else
    plan.seconds = from_seconds(every.number("seconds", {.low = 1e-3, .high = 1e9}));
  plan.keep = static_cast<std::size_t>(run.integer_or("keep_checkpoints", 3, {.low = 1, .high = 1e6}));
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
  const RuntimeRow& row = runtime(run.choice_or("runtime", runtimes().front().name, runtime_names()));
  if (use != Use::run && !row.has_server) {
    std::vector<std::string> served;
    for (const RuntimeRow& other : runtimes())
      if (other.has_server) served.push_back(other.name);
    run.fail("runtime",
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
  plan.seed = static_cast<std::uint64_t>(run.integer_or("seed", 1, {.low = 0, .high = 0x1p53}));
  plan.options.seed = plan.seed;
  plan.runtime = read_runtime(run, use);
  run.allow("target");
  if (run.has("target")) plan.options.target = read_target(run.table("target"), metrics);
  plan.options.stop = read_stop(run, use, plan.options.target.has_value());
  plan.options.evaluate_every = read_evaluate_every(run, plan.options.stop);
  plan.options.diverged_when = read_diverged_when(run);
  plan.options.put_aside_after =
      static_cast<std::uint64_t>(run.integer_or("put_aside_after", 3, {.low = 1, .high = 1e9}));
  plan.events = read_events(run, use, *plan.runtime.row);
  plan.record = run.boolean_or("record", false);
  plan.checkpoints = read_checkpoints(run, use);
  plan.per_worker = run.boolean_or("per_worker", use == Use::run);
  if (!plan.runtime.row->has_server) check_serverless_run(run, plan);
  run.finish();
  plan.resolved = run.resolved();
  return plan;
}

}  // namespace tardigrad
