// SPDX-License-Identifier: Apache-2.0
#include "experiment/continuation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "config/toml_file.hpp"
#include "record/checkpoint.hpp"
#include "record/file.hpp"
#include "record/run_directory.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace fs = std::filesystem;
namespace {

using Flat = std::map<std::string, SettingValue>;

constexpr const char* kStops[] = {"updates", "gradients", "time"};

bool is_list_of_tables(const SettingValue& value) {
  if (!value.is_list()) return false;
  const auto& list = std::get<SettingValue::List>(value.value);
  return !list.empty() && std::ranges::all_of(list, [](const SettingValue& item) { return item.is_table(); });
}

// "workers.groups[0].count" -> 4
void flatten(const std::string& path, const SettingValue& value, Flat& flat) {
  if (value.is_table()) {
    for (const auto& [key, item] : std::get<SettingValue::Table>(value.value))
      flatten(path.empty() ? key : path + "." + key, item, flat);
  } else if (is_list_of_tables(value)) {
    const auto& list = std::get<SettingValue::List>(value.value);
    for (std::size_t i = 0; i < list.size(); ++i) flatten(fmt::format("{}[{}]", path, i), list[i], flat);
  } else {
    flat.emplace(path, value);
  }
}

Flat flatten(const SettingValue::Table& table) {
  Flat flat;
  flatten("", {table}, flat);
  return flat;
}

bool equal(const SettingValue& a, const SettingValue& b) {
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (!a.is_list() || !b.is_list()) return a == b;
  return std::ranges::equal(std::get<SettingValue::List>(a.value), std::get<SettingValue::List>(b.value), equal);
}

std::string assigned(const std::string& key, const Flat& flat) {
  const auto found = flat.find(key);
  if (found == flat.end()) return "no " + key;
  std::string value = to_toml(found->second);
  if (value.size() > 60) value = value.substr(0, 57) + "...";
  return fmt::format("{} = {}", key, value);
}

// How likely the user has changed this key: 0 on the command line, 1 in the file, 2 it is a default.
int distance_from_user(const std::string& key, const Flat& given) {
  int nearest = 2;
  for (const auto& [name, value] : given) {
    const bool same = name == key || name.starts_with(key + ".") || name.starts_with(key + "[") ||
                      key.starts_with(name + ".") || key.starts_with(name + "[");
    if (same) nearest = std::min(nearest, value.line == 0 ? 0 : 1);
  }
  return nearest;
}

const SettingValue::Table& table_at(const SettingValue::Table& root, const std::string& key) {
  static const SettingValue::Table none;
  const auto found = root.find(key);
  return found != root.end() && found->second.is_table() ? std::get<SettingValue::Table>(found->second.value) : none;
}

double stop_at(const SettingValue::Table& stop, const std::string& key) {
  const auto found = stop.find(key);
  return found != stop.end() && found->second.is_number() ? found->second.number()
                                                          : std::numeric_limits<double>::infinity();
}

bool stops_at_target(const SettingValue::Table& stop) {
  const auto found = stop.find("target");
  return found != stop.end() && found->second == SettingValue{true};
}

Error no_way_on(const std::string& problem) { return {problem, {Remedy::other_directory, Remedy::begin_anew}}; }

const SettingValue::Table& stop_of(const SettingValue::Table& root) { return table_at(table_at(root, "run"), "stop"); }

}  // namespace

Continuation::Continuation(fs::path directory, const RunOrigin& memory, Scenario given)
    : directory_(std::move(directory)), memory_(memory), scenario_(std::move(given)) {
  const fs::path file = directory_ / record::kScenarioFile;
  if (!record::is_there(file)) return;  // it was killed before it began
  there_ = read_toml(file);
  const SettingValue::Table& run = table_at(*there_, "run");
  const auto every = run.find("evaluate_every");
  if (every == run.end() || table_at(scenario_.root(), "run").contains("evaluate_every")) return;
  scenario_ = scenario_.with({{"run", {SettingValue::Table{{"evaluate_every", every->second}}}}});
  const SettingValue::Table &was = stop_of(*there_), &is = stop_of(scenario_.root());
  if (std::ranges::any_of(kStops, [&](const char* key) { return stop_at(is, key) != stop_at(was, key); }))
    remark_ =
        fmt::format("{}: is evaluated as it began, evaluate_every = {}", directory_.string(), to_toml(every->second));
}

void Continuation::fail(const std::string& problem) const {
  throw Error(fmt::format("{}: {}", directory_.string(), problem));
}

void Continuation::refuse(const std::string& problem) const {
  throw no_way_on(fmt::format("{}: {}", directory_.string(), problem));
}

void Continuation::check_stop(const SettingValue::Table& here) const {
  const SettingValue::Table& was = stop_of(*there_);
  const SettingValue::Table& is = stop_of(here);
  for (const char* key : kStops)
    if (stop_at(is, key) < stop_at(was, key))
      fail(fmt::format("a run that goes on may stop later, not earlier: it has {}, here {}",
                       assigned(fmt::format("run.stop.{}", key), flatten(*there_)),
                       assigned(fmt::format("run.stop.{}", key), flatten(here))));
  if (stops_at_target(is) && !stops_at_target(was))
    fail("a run that goes on may stop later, not earlier: it does not stop at its target, here run.stop.target = true");
}

void Continuation::check_scenario(const World& world, const MethodPlan& method, const RunPlan& plan) const {
  const SettingValue::Table now = resolved_scenario(world, method, plan);
  check_stop(now);
  const Flat there = flatten(without_what_may_change(*there_)), here = flatten(without_what_may_change(now));
  const Flat paths_hidden = flatten(world.identity), given = flatten(scenario_.root());
  const auto is_path = [&](const std::string& key) {
    const auto hidden = paths_hidden.find(key), then = there.find(key);
    return hidden != paths_hidden.end() && then != there.end() && !(hidden->second == here.at(key)) &&
           then->second.is_text() && std::get<std::string>(then->second.value).starts_with('/');
  };
  std::optional<std::string> nearest;
  const auto consider = [&](const std::string& key) {
    if (!nearest || distance_from_user(key, given) < distance_from_user(*nearest, given)) nearest = key;
  };
  for (const auto& [key, value] : here)
    if (!there.contains(key) || (!equal(there.at(key), value) && !is_path(key))) consider(key);
  for (const auto& [key, value] : there)
    if (!here.contains(key)) consider(key);
  if (nearest)
    refuse(fmt::format("holds a run of another scenario: it has {}, here {}", assigned(*nearest, there),
                       assigned(*nearest, here)));
}

void Continuation::check(const World& world, const MethodPlan& method, const RunPlan& plan) const {
  if (!there_) return;
  check_scenario(world, method, plan);
  if (!memory_.file()) return;  // then each checkpoint says what it is of
  if (const auto differs = difference(memory_.file()->provenance, method.provenance))
    refuse(fmt::format("cannot go on: {}", *differs));
}

record::RunSummary Continuation::read(const fs::path& summary) const {
  try {
    return record::read_summary(summary);
  } catch (const Error& error) {  // its format may be that of another program
    refuse(error.what());
  }
}

void Continuation::check_logs(const record::RunSummary& summary) const {
  try {
    record::check_logs(summary, directory_);
  } catch (const Error& error) {
    throw no_way_on(
        fmt::format("{}; the run has ended, and nothing was changed: bring it back from a copy", error.what()));
  }
}

std::optional<record::RunSummary> Continuation::finished(const World& world, const MethodPlan& method,
                                                         const RunPlan& plan) {
  const fs::path file = directory_ / record::kSummaryFile;
  if (!record::is_there(file)) return std::nullopt;
  check(world, method, plan);
  record::RunSummary summary = read(file);
  if (const auto differs = difference(summary.names.provenance, method.provenance))
    refuse(fmt::format("holds a finished run: {}", *differs));
  if (is_unfinished(summary) || !there_) return std::nullopt;
  const SettingValue::Table& was = stop_of(*there_);
  const SettingValue::Table here = resolved_scenario(world, method, plan);
  const SettingValue::Table& is = stop_of(here);
  if (was == is) {
    if (summary.names.scenario_hash != identity_of(world, method, plan).hash)
      refuse(fmt::format("{} is not of the scenario that {} says", record::kSummaryFile, record::kScenarioFile));
    make_rows_again_ = !summary.missing.empty();
    if (make_rows_again_) return std::nullopt;
    check_logs(summary);
    return summary;
  }
  const std::string reason = name_of(summary.reason);
  const bool by_a_stop = summary.reason == StopReason::updates || summary.reason == StopReason::gradients ||
                         summary.reason == StopReason::time;
  if (summary.reason != StopReason::target && !by_a_stop)
    refuse(fmt::format("the run ended by {}, and no later stop lets it go on", reason));
  const bool is_later = by_a_stop ? stop_at(is, reason) > stop_at(was, reason) : !stops_at_target(is);
  if (!is_later) fail(fmt::format("the run ended by {}: only another run.stop.{} lets it go on", reason, reason));
  if (!record::holds_checkpoint(directory_))
    refuse("the run has ended and left no checkpoint to go on from; with run.checkpoint_every it leaves one");
  return std::nullopt;
}

std::optional<std::string> Continuation::document(const RunPlan& plan) const {
  if (!there_) return std::nullopt;
  SettingValue::Table changed = *there_;
  auto& run = std::get<SettingValue::Table>(changed["run"].value);
  for (const char* key : {"stop", "checkpoint_every", "keep_checkpoints"}) {
    run.erase(key);
    if (const auto now = plan.resolved.find(key); now != plan.resolved.end()) run[key] = now->second;
  }
  if (changed == *there_) return std::nullopt;
  return to_toml_document(changed);
}

}  // namespace tardigrad
