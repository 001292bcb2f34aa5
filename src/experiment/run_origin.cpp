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

problems::ProblemCatalogue RunOrigin::problems(const std::vector<fs::path>& given, const Scenario& scenario) const {
  problems::ProblemCatalogue catalogue;
  for (const fs::path& plugin : given) catalogue.add_plugin(plugin);
  if (!file_ || !file_->provenance.plugin) return catalogue;
  const std::optional<std::string> problem = scenario.problem_name();
  const std::vector<std::string> known = catalogue.names();
  if (!problem || std::ranges::find(known, *problem) != known.end()) return catalogue;
  const fs::path plugin = where_now(file_->provenance.plugin->name);
  std::error_code unknown;
  if (!fs::exists(plugin, unknown))
    throw Error(fmt::format("{}: its problem `{}` came from the plugin {}, which has gone", directory_.string(),
                            *problem, plugin.string()),
                {Remedy::name_plugin});
  catalogue.add_plugin(plugin);
  return catalogue;
}

}  // namespace tardigrad
