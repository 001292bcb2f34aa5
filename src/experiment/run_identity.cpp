// SPDX-License-Identifier: Apache-2.0
#include "experiment/run_identity.hpp"

#include <utility>

#include "config/toml_file.hpp"
#include "core/hash.hpp"

namespace tardigrad {
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

}  // namespace tardigrad
