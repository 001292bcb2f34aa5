// SPDX-License-Identifier: Apache-2.0
#include "experiment/scenario.hpp"

#include <fmt/format.h>

#include <utility>

#include "config/toml_file.hpp"
#include "engines/catalogue/runtimes.hpp"
#include "experiment/grid.hpp"
#include "experiment/run_settings.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

const std::vector<std::string> kTables = {"problem", "workers", "method", "run", "compare"};

}  // namespace

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

std::optional<std::string> Scenario::name_in(const std::string& table) const {
  const auto found = root_.find(table);
  if (found == root_.end() || !found->second.is_table()) return std::nullopt;
  const auto& keys = std::get<SettingValue::Table>(found->second.value);
  const auto name = keys.find("name");
  if (name == keys.end() || !name->second.is_text()) return std::nullopt;
  return std::get<std::string>(name->second.value);
}

std::uint64_t Scenario::seed() const {
  Settings run = settings("run");
  return static_cast<std::uint64_t>(read(run, kSeed));
}

const RuntimeRow& Scenario::runtime() const {
  Settings run = settings("run");
  return tardigrad::runtime(run.choice_or(kRuntime.key, *kRuntime.fallback, runtime_names()));
}

Scenario load_scenario(const std::filesystem::path& file, const std::vector<std::string>& assignments) {
  SettingValue::Table table = read_toml(file);
  for (const std::string& assignment : assignments) apply_assignment(table, assignment);
  return Scenario(std::move(table), file.string());
}

std::unique_ptr<Settings> Scenario::compare_settings() const { return std::make_unique<Settings>(settings("compare")); }

}  // namespace tardigrad
