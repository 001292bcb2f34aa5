// SPDX-License-Identifier: Apache-2.0
#include "cli/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "cli/build_info.hpp"
#include "cli/grid.hpp"
#include "cli/hogwild_scenario.hpp"
#include "cli/start.hpp"
#include "cli/toml_file.hpp"
#include "core/hash.hpp"
#include "core/memory.hpp"
#include "methods/catalogue.hpp"
#include "tardigrad/error.hpp"
#include "timing/models.hpp"
#include "timing/workers.hpp"

namespace tardigrad::cli {
namespace {

const std::vector<std::string> kTables = {"problem", "workers", "method", "run", "compare"};

StopConditions read_stop(Settings& run, Scenario::Use use, bool has_target) {
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
  conditions.at_target = stop.boolean_or("target", has_target && use == Scenario::Use::compare);
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
    if (stop.updates) check_evaluations(table, "updates", static_cast<double>(*stop.updates), table.number("updates"));
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
std::optional<record::EventLogOptions> read_events(Settings& run, Scenario::Use use, RuntimePlan::Kind kind) {
  const std::optional<SettingValue> value = run.raw("events");
  if (value && value->is_table()) {
    const auto every = run.table("events").integer("every", Range::at_least(1));
    return record::EventLogOptions{.every = static_cast<std::uint64_t>(every)};
  }
  if (value && value->value.index() != 0) run.fail("events", "must be true, false, or { every = k }");
  const bool by_default = use == Scenario::Use::run && kind != RuntimePlan::Kind::hogwild;
  const bool wanted = value ? std::get<bool>(value->value) : by_default;
  if (!wanted) return std::nullopt;
  return record::EventLogOptions{};
}

// checkpoint_every = { updates = N } | { seconds = S }, keep_checkpoints = k
CheckpointPlan read_checkpoints(Settings& run, Scenario::Use use) {
  CheckpointPlan plan;
  run.allow("checkpoint_every");
  run.allow("keep_checkpoints");
  if (!run.has("checkpoint_every")) {
    if (run.has("keep_checkpoints")) run.fail("keep_checkpoints", "needs checkpoint_every beside it");
    return plan;
  }
  if (use != Scenario::Use::run)
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

constexpr RuntimePlan::Kind kRuntimes[] = {RuntimePlan::Kind::sim, RuntimePlan::Kind::threads,
                                           RuntimePlan::Kind::hogwild};

RuntimePlan::Kind read_runtime_kind(Settings& run) {
  std::vector<std::string> names;
  for (const RuntimePlan::Kind kind : kRuntimes) names.emplace_back(name_of(kind));
  const auto chosen = std::ranges::find(names, run.choice_or("runtime", "sim", names));
  return kRuntimes[static_cast<std::size_t>(chosen - names.begin())];
}

// What another runtime would not heed is a mistake in its scenario.
void check_runtime(Settings& settings, const char* key, RuntimePlan::Kind kind) {
  settings.allow(key);
  if (kind != RuntimePlan::Kind::threads && settings.has(key))
    settings.fail(key, "means something only with run.runtime = \"threads\"");
}

RuntimePlan read_runtime(Settings& run, Scenario::Use use) {
  RuntimePlan plan{.kind = read_runtime_kind(run)};
  if (use != Scenario::Use::run && plan.kind == RuntimePlan::Kind::hogwild)
    run.fail("runtime", "a comparison is of methods, and Hogwild! has but one; allowed: sim, threads");
  check_runtime(run, "time_scale", plan.kind);
  if (plan.kind == RuntimePlan::Kind::threads)
    plan.time_scale = run.number_or("time_scale", 1.0, {.low = 1e-6, .high = 1e6});
  return plan;
}

std::optional<Time> read_restart(Settings& workers, RuntimePlan::Kind kind) {
  check_runtime(workers, "restart_after", kind);
  if (!workers.has("restart_after")) return std::nullopt;
  return from_seconds(workers.number("restart_after", {.low = 0.0, .high = timing::kLongestSeconds}));
}

std::size_t workers_that_join_later(const World& world) {
  std::size_t count = 0;
  for (WorkerId worker = 0; world.availability && worker < world.workers; ++worker)
    count += world.availability->first_join(worker) > Time{0};
  return count;
}

}  // namespace

const char* name_of(RuntimePlan::Kind kind) {
  switch (kind) {
    case RuntimePlan::Kind::sim:
      return "sim";
    case RuntimePlan::Kind::threads:
      return "threads";
    case RuntimePlan::Kind::hogwild:
      return "hogwild";
  }
  return "";
}

void World::initial_point(std::span<float> x) const {
  if (start)
    std::ranges::copy(*start, x.begin());
  else
    problem->initial_point(x);
}

Scenario::Scenario(SettingValue::Table root, std::string file) : root_(std::move(root)), file_(std::move(file)) {
  Settings top(root_, "", file_);
  for (const std::string& table : kTables) {
    top.allow(table);
    if (has(table) && !root_.at(table).is_table()) top.fail(table, fmt::format("must be a table, as in [{}]", table));
  }
  top.finish();
}

Scenario Scenario::with(const SettingValue::Table& changes) const {
  return Scenario(with_changes(root_, changes), file_);
}

Settings Scenario::settings(const std::string& table) const {
  const auto found = root_.find(table);
  if (found == root_.end()) throw Error(fmt::format("{}: there is no [{}] table", file_, table));
  return Settings(std::get<SettingValue::Table>(found->second.value), table, file_, found->second.line);
}

World Scenario::make_world(std::uint64_t seed, const Sources& sources) const {
  World world;
  world.seed = seed;
  read_workers(world);
  Settings problem = settings("problem");
  world.problem_name = problem.text("name");
  const ProblemRow* row = nullptr;
  try {
    row = &sources.problems.row(world.problem_name);
  } catch (const Error& error) {
    problem.fail("name", error.what());
  }
  try {
    world.problem =
        sources.problems.make(*row, problem, {.workers = world.workers, .seed = seed, .data_root = sources.data_root});
  } catch (const std::bad_alloc&) {
    throw Error(
        fmt::format("{}: out of memory: problem `{}` with {} workers", file_, world.problem_name, world.workers));
  }
  problem.allow("start");
  std::optional<DataSource> start;
  if (problem.has("start")) {
    auto [values, source] = read_start(problem, *world.problem);
    world.start = std::make_shared<const std::vector<float>>(std::move(values));
    start = std::move(source);
  }
  problem.finish();
  world.resolved["problem"] = {problem.resolved()};
  world.identity["problem"] = {problem.resolved_without_paths()};
  const problems::ProblemCatalogue::Origin& origin = sources.problems.origin(world.problem_name);
  world.provenance = this_program();
  world.provenance.library = origin.library;
  world.provenance.plugin = origin.plugin;
  world.provenance.data = world.problem->sources();
  if (start) world.provenance.data.push_back(std::move(*start));
  return world;
}

void Scenario::read_workers(World& world) const {
  Settings workers = settings("workers");
  const RuntimePlan::Kind kind = runtime();
  if (kind == RuntimePlan::Kind::hogwild) {
    world.workers = read_hogwild_workers(workers);
  } else {
    const auto times =
        kind == RuntimePlan::Kind::threads ? timing::ComputeTimes::optional : timing::ComputeTimes::required;
    timing::WorkersSpec spec = timing::make_workers(workers, world.seed, times);
    world.restart_after = read_restart(workers, kind);
    world.workers = spec.count;
    world.compute_time = std::move(spec.compute_time);
    world.availability = std::move(spec.availability);
  }
  constexpr double kBytesPerWorker = 256;  // measured in a simulation
  if (const std::string lack = lack_of_memory(static_cast<double>(world.workers), kBytesPerWorker); !lack.empty())
    workers.fail(workers.has("groups") ? "groups" : "count", fmt::format("{} workers {}", world.workers, lack));
  workers.finish();
  world.resolved["workers"] = {workers.resolved()};
  world.identity["workers"] = {workers.resolved_without_paths()};
}

namespace {

// How many steps an epoch has is the problem's affair, and the method's how many epochs there are.
void check_epochs(Settings& method, const World& world) {
  constexpr double kMostSteps = 1e9;
  if (!method.has("local_epochs")) return;
  const auto epochs = static_cast<double>(method.integer("local_epochs"));
  for (std::size_t i = 0; i < world.workers; ++i) {
    const auto worker = static_cast<WorkerId>(i);
    const auto steps = static_cast<double>(world.problem->steps_per_epoch(worker));
    if (steps == 0)
      method.fail("local_epochs",
                  fmt::format("the problem `{}` has no examples to pass over: say local_steps", world.problem_name));
    if (epochs * steps > kMostSteps)
      method.fail("local_epochs",
                  fmt::format("worker {} makes {} steps in an epoch; {} in all are the most that are made", worker,
                              steps, kMostSteps));
  }
}

}  // namespace

MethodPlan Scenario::make_method(const World& world) const {
  Settings method = settings("method");
  return make_method(std::get<SettingValue::Table>(root_.at("method").value), "method", world);
}

MethodPlan Scenario::make_method(const SettingValue::Table& table, const std::string& path, const World& world) const {
  const auto name = table.find("name");
  Settings settings(table, path, file_, name == table.end() ? 0 : name->second.line);
  MethodPlan plan;
  if (runtime() == RuntimePlan::Kind::hogwild)
    plan.step = read_hogwild_step(settings);
  else
    plan.method = methods::make_method(settings, {.workers = world.workers,
                                                  .seed = world.seed,
                                                  .objective = world.problem->objective(),
                                                  .join_later = workers_that_join_later(world)});
  check_epochs(settings, world);
  settings.finish();
  plan.name = settings.text("name");
  plan.resolved = settings.resolved();
  return plan;
}

std::optional<std::string> Scenario::problem_name() const {
  const auto problem = root_.find("problem");
  if (problem == root_.end() || !problem->second.is_table()) return std::nullopt;
  const auto& table = std::get<SettingValue::Table>(problem->second.value);
  const auto name = table.find("name");
  if (name == table.end() || !name->second.is_text()) return std::nullopt;
  return std::get<std::string>(name->second.value);
}

std::uint64_t Scenario::seed() const {
  return static_cast<std::uint64_t>(settings("run").integer_or("seed", 1, {.low = 0, .high = 0x1p53}));
}

RuntimePlan::Kind Scenario::runtime() const {
  Settings run = settings("run");
  return read_runtime_kind(run);
}

void Scenario::require_methods() const {
  Settings run = settings("run");
  read_runtime(run, Use::compare);
}

RunPlan Scenario::make_run_plan(Use use, const std::vector<std::string>& metrics) const {
  Settings run = settings("run");
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
  plan.events = read_events(run, use, plan.runtime.kind);
  plan.record = run.boolean_or("record", false);
  plan.checkpoints = read_checkpoints(run, use);
  plan.per_worker = run.boolean_or("per_worker", use == Use::run);
  if (plan.runtime.kind == RuntimePlan::Kind::hogwild) check_hogwild_run(run, plan);
  run.finish();
  plan.resolved = run.resolved();
  return plan;
}

std::unique_ptr<Settings> Scenario::compare_settings() const { return std::make_unique<Settings>(settings("compare")); }

namespace {

// 1 and 1.0 are one number.
SettingValue with_equal_numbers(SettingValue value) {
  if (value.is_number()) return {value.number()};
  if (value.is_list())
    for (SettingValue& item : std::get<SettingValue::List>(value.value)) item = with_equal_numbers(std::move(item));
  if (value.is_table())
    for (auto& [key, item] : std::get<SettingValue::Table>(value.value)) item = with_equal_numbers(std::move(item));
  return value;
}

SettingValue::Table scenario_of(SettingValue::Table document, std::uint64_t seed, const MethodPlan& method,
                                const RunPlan& run) {
  document["method"] = {method.resolved};
  SettingValue::Table run_table = run.resolved;
  run_table["seed"] = {static_cast<std::int64_t>(seed)};
  run_table["events"] =
      run.events ? SettingValue{SettingValue::Table{{"every", {static_cast<std::int64_t>(run.events->every)}}}}
                 : SettingValue{false};
  document["run"] = {std::move(run_table)};
  return document;
}

}  // namespace

SettingValue::Table resolved_scenario(const World& world, const MethodPlan& method, const RunPlan& run) {
  return scenario_of(world.resolved, world.seed, method, run);
}

std::string resolved_document(const World& world, const MethodPlan& method, const RunPlan& run) {
  return to_toml_document(resolved_scenario(world, method, run));
}

SettingValue::Table without_what_may_change(SettingValue::Table scenario) {
  if (const auto run = scenario.find("run"); run != scenario.end() && run->second.is_table()) {
    auto& table = std::get<SettingValue::Table>(run->second.value);
    for (const char* key : {"stop", "checkpoint_every", "keep_checkpoints"}) table.erase(key);
  }
  return scenario;
}

std::string hash_of(const SettingValue::Table& scenario) {
  Hasher hasher;
  hasher.add(to_toml(with_equal_numbers({scenario})));
  return hasher.hex();
}

RunIdentity identity_of(const World& world, const MethodPlan& method, const RunPlan& run) {
  const SettingValue::Table identity = scenario_of(world.identity, world.seed, method, run);
  return {.document = resolved_document(world, method, run),
          .hash = hash_of(identity),
          .hash_to_go_on = hash_of(without_what_may_change(identity))};
}

}  // namespace tardigrad::cli
