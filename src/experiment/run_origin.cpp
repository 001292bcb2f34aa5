// SPDX-License-Identifier: Apache-2.0
#include "experiment/run_origin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/toml_file.hpp"
#include "record/run_directory.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace fs = std::filesystem;

RunOrigin::RunOrigin(fs::path directory)
    : directory_(fs::absolute(directory).lexically_normal()),
      file_(record::read_provenance(directory / record::kProvenanceFile)) {}

RunOrigin RunOrigin::beside(const fs::path& scenario) {
  return scenario.filename() == record::kScenarioFile ? RunOrigin(scenario.parent_path()) : RunOrigin();
}

fs::path RunOrigin::where_now(const fs::path& path) const {
  std::error_code unknown;
  if (!file_ || !path.is_absolute() || fs::exists(path, unknown)) return path;
  const fs::path moved = (directory_ / path.lexically_relative(file_->directory)).lexically_normal();
  return fs::exists(moved, unknown) ? moved : path;
}

void RunOrigin::mend(SettingValue& value) const {
  if (value.is_text()) {
    auto& text = std::get<std::string>(value.value);
    text = where_now(text).string();
  } else if (value.is_table()) {
    for (auto& [key, item] : std::get<SettingValue::Table>(value.value)) mend(item);
  } else if (value.is_list()) {
    for (SettingValue& item : std::get<SettingValue::List>(value.value)) mend(item);
  }
}

Scenario RunOrigin::load_scenario(const fs::path& file, const std::vector<std::string>& assignments) const {
  SettingValue::Table table = read_toml(file);
  const bool own = file_ && fs::absolute(file).lexically_normal() == directory_ / record::kScenarioFile;
  if (own && table.contains("problem")) mend(table["problem"]);
  for (const std::string& assignment : assignments) apply_assignment(table, assignment);
  return Scenario(std::move(table), file.string());
}

void RunOrigin::bring(Catalogues& catalogues, const char* what, const std::string& name,
                      const DataSource& plugin) const {
  const fs::path path = where_now(plugin.name);
  std::error_code unknown;
  if (!fs::exists(path, unknown))
    throw Error(fmt::format("{}: its {} `{}` came from the plugin {}, which has gone", directory_.string(), what, name,
                            path.string()),
                {Remedy::name_plugin});
  catalogues.add_plugin(path);
}

Catalogues RunOrigin::catalogues(const std::vector<fs::path>& given, const OwnRows& own,
                                 const Scenario& scenario) const {
  Catalogues catalogues;
  catalogues.add(own);
  for (const fs::path& plugin : given) catalogues.add_plugin(plugin);
  if (!file_) return catalogues;
  const record::Provenance& then = file_->provenance;
  const auto known = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  };
  if (const auto problem = scenario.name_in("problem");
      problem && then.plugin && !known(catalogues.problems.names(), *problem))
    bring(catalogues, "problem", *problem, *then.plugin);
  if (const auto method = scenario.name_in("method");
      method && then.method_plugin && !known(catalogues.methods.names(), *method))
    bring(catalogues, "method", *method, *then.method_plugin);
  return catalogues;
}

}  // namespace tardigrad
