// SPDX-License-Identifier: Apache-2.0
#include "experiment/what_if.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "config/toml_file.hpp"
#include "engines/catalogue/runtimes.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

const std::string& name_in(const SettingValue::Table& method) { return std::get<std::string>(method.at("name").value); }

bool must_be_given(const MethodRow& row, const std::string& key) {
  return std::ranges::any_of(row.settings,
                             [&](const SettingRow& setting) { return setting.key == key && setting.must_be_given(); });
}

// The other method's table: of the same method all settings, of another one those that it must be given.
SettingValue::Table table_of(const OtherMethod& other, const SettingValue::Table& recorded,
                             const methods::MethodCatalogue& methods) {
  const std::string name = other.name.empty() ? name_in(recorded) : other.name;
  SettingValue::Table table = recorded;
  if (name != name_in(recorded)) {
    const MethodRow* row = methods.find(name);
    if (!row)
      throw Error(fmt::format("method {}: there is no such method{} (tardigrad list methods)", name,
                              did_you_mean(name, methods.names())),
                  {Remedy::name_plugin});
    std::erase_if(table, [&](const auto& entry) { return !must_be_given(*row, entry.first); });
    table["name"] = {name};
  }
  SettingValue::Table root{{"method", {std::move(table)}}};
  for (const std::string& assignment : other.assignments) {
    if (!assignment.starts_with("method."))
      throw Error(
          fmt::format("assignment {}: only keys of method can be changed; problem, workers and run are those of the "
                      "recording",
                      assignment));
    apply_assignment(root, assignment);
  }
  return std::get<SettingValue::Table>(root.at("method").value);
}

World with_timings(World world, const RecordedTimings& timings) {
  world.compute_time = timings.compute_time;
  world.availability = timings.availability;
  return world;
}

RunPlan plan_of(RunPlan plan, const RecordedTimings& timings) {
  plan.runtime = {.row = &runtime("sim")};
  // Nobody knows how a run that was broken off would have gone on.
  if (!timings.ended) plan.options.stop.time = std::min(plan.options.stop.time.value_or(timings.end), timings.end);
  return plan;
}

}  // namespace

WhatIf::WhatIf(const RecordedRun& run, const OtherMethod& other)
    : run_(run),
      timings_(read_timings(run.read(), run.world().workers)),
      world_(with_timings(run.world(), timings_)),
      plan_(plan_of(run.plan(), timings_)),
      same_(make_method(run.scenario(), world_, run.methods())),
      other_(make_method(run.scenario(), table_of(other, same_.resolved, run.methods()), "method", world_,
                         run.methods())) {}

record::RunSummary WhatIf::recorded() const {
  if (run_.summary()) return *run_.summary();
  record::RunSummary so_far;
  so_far.names.method = same_.name;
  so_far.reason = StopReason::interrupted;
  so_far.time = timings_.end;
  so_far.counters = timings_.counters;
  return so_far;
}

RunOutput WhatIf::simulate_recorded(ComputePool* pool, const std::atomic<bool>* interrupted) {
  return execute({.world = world_, .method = same_, .plan = plan_, .pool = pool, .interrupted = interrupted});
}

RunOutput WhatIf::simulate_other(ComputePool* pool, const std::atomic<bool>* interrupted) {
  return execute({.world = world_, .method = other_, .plan = plan_, .pool = pool, .interrupted = interrupted});
}

WhatIfTrust trust_of(const record::RunSummary& recorded, const record::RunSummary& simulated) {
  const double then = to_seconds(recorded.time);
  return {.identical = !recorded.digest.empty() && recorded.digest == simulated.digest,
          .time_is_close = std::abs(to_seconds(simulated.time) - then) <= WhatIf::kTimeTolerance * then};
}

}  // namespace tardigrad
