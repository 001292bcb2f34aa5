// SPDX-License-Identifier: Apache-2.0
#include "experiment/grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/hash.hpp"
#include "experiment/compare_settings.hpp"
#include "report/comparison_sentences.hpp"
#include "report/numbers.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

std::vector<WorldEntry> read_worlds(Settings& compare) {
  std::vector<WorldEntry> worlds;
  if (!compare.has(kWorlds.key)) {
    compare.allow(kWorlds.key);
    return worlds;
  }
  for (Settings* table : compare.tables(kWorlds.key)) {
    WorldEntry entry{
        .label = read(*table, kWorldLabel), .changes = {}, .path = fmt::format("compare.worlds[{}]", worlds.size())};
    const auto ends_a_path = [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20; };
    if (entry.label.empty() || entry.label.front() == '.' || std::ranges::any_of(entry.label, ends_a_path))
      table->fail(kWorldLabel.key, "names a folder: it must not be empty, begin with a dot, or hold a slash");
    for (const WorldEntry& other : worlds)
      if (other.label == entry.label) table->fail(kWorldLabel.key, "stands twice");
    for (const char* part : {kWorldProblem.key, kWorldWorkers.key, kWorldRun.key}) {
      table->allow(part);
      if (const std::optional<SettingValue> value = table->raw(part)) {
        if (!value->is_table()) table->fail(part, "must be a table");
        entry.changes[part] = *value;
      }
    }
    worlds.push_back(std::move(entry));
  }
  return worlds;
}

// worlds = ["iid"] of a method's entry.
std::vector<std::string> read_world_labels(const SettingValue& value, const std::string& path, const Grid& grid,
                                           Settings& compare) {
  std::vector<std::string> known, labels;
  for (const WorldEntry& world : grid.worlds) known.push_back(world.label);
  if (!value.is_list()) compare.fail(kComparedMethods.key, fmt::format("{}.worlds must be a list of labels", path));
  for (const SettingValue& item : std::get<SettingValue::List>(value.value)) {
    if (!item.is_text() || std::ranges::find(known, std::get<std::string>(item.value)) == known.end())
      compare.fail(kComparedMethods.key,
                   fmt::format("{}.worlds holds {}: must be one of {}", path, to_toml(item), join(known)));
    labels.push_back(std::get<std::string>(item.value));
  }
  return labels;
}

// "clipping.kind = coordinate": what was given, leaf by leaf. Texts in lists and such stand as TOML writes them.
void add_setting(const SettingValue::Table& table, const std::string& prefix, report::Setting& setting) {
  for (const auto& [key, value] : table) {
    if (prefix.empty() && key == "name") continue;
    const std::string path = prefix + key;
    if (value.is_table())
      add_setting(std::get<SettingValue::Table>(value.value), path + ".", setting);
    else if (value.is_number())
      setting.emplace_back(path, value.number());
    else if (value.is_text())
      setting.emplace_back(path, std::get<std::string>(value.value));
    else if (value.is_list())
      setting.emplace_back(path, to_toml(value));
    else
      setting.emplace_back(path, std::get<bool>(value.value));
  }
}

std::vector<std::string> read_axes(const SettingValue::Table& entry, const std::string& path, Settings& compare) {
  std::vector<std::string> axes;
  for (const auto& [key, value] : entry) {
    if (!value.is_list()) continue;
    const auto& list = std::get<SettingValue::List>(value.value);
    if (list.empty()) compare.fail(kComparedMethods.key, fmt::format("{}.{} is an empty list", path, key));
    for (const SettingValue& item : list)
      if (item.is_list() || item.is_table())
        compare.fail(kComparedMethods.key,
                     fmt::format("{}.{} is a grid axis: its values must be numbers, texts, true or false, "
                                 "and not {}",
                                 path, key, to_toml(item)));
    axes.push_back(key);
  }
  return axes;
}

// The name of the method, or the label in its place, which is no setting.
std::string take_label(SettingValue::Table& entry, const std::string& path, Settings& compare) {
  if (const auto label = entry.find("label"); label != entry.end()) {
    if (!label->second.is_text())
      compare.fail(kComparedMethods.key, fmt::format("{}.label must be a text in quotes", path));
    std::string text = std::get<std::string>(label->second.value);
    entry.erase(label);
    return text;
  }
  const auto name = entry.find("name");
  return name != entry.end() && name->second.is_text() ? std::get<std::string>(name->second.value) : "";
}

// Every run has a directory, and every one is told of.
constexpr double kMostRuns = 1e6;

// Before the points of an entry are made.
void check_size(const SettingValue::Table& entry, const std::vector<std::string>& axes, const std::string& path,
                const Settings& compare, const Grid& grid) {
  double points = 1.0;
  for (const std::string& axis : axes)
    points *= static_cast<double>(std::get<SettingValue::List>(entry.at(axis).value).size());
  const double worlds = static_cast<double>(std::max<std::size_t>(1, grid.worlds.size()));
  const double seeds = static_cast<double>(std::max(grid.seeds.size(), grid.search_seeds.size()));
  const double runs = (static_cast<double>(grid.points.size()) + points) * worlds * seeds;
  if (runs > kMostRuns)
    compare.fail(kComparedMethods.key,
                 fmt::format("{} is a grid of {} points, which makes {:.3g} runs on {} seeds in {} worlds; a "
                             "comparison has at most {} runs",
                             path, points, runs, seeds, worlds, kMostRuns));
}

void add_points(SettingValue::Table entry, const std::string& path, Settings& compare, Grid& grid) {
  GridPoint first{.method = {}, .method_label = take_label(entry, path, compare), .setting = {}, .path = path};
  if (const auto worlds = entry.find("worlds"); worlds != entry.end()) {
    first.worlds = read_world_labels(worlds->second, path, grid, compare);
    entry.erase(worlds);
  }
  if (const auto name = entry.find("name"); name != entry.end() && !name->second.is_text())
    compare.fail(kComparedMethods.key, fmt::format("{}.name must be a text in quotes", path));
  first.method = entry;
  const std::vector<std::string> axes = read_axes(entry, path, compare);
  check_size(entry, axes, path, compare, grid);
  // An odometer over the axes.
  std::vector<std::size_t> at(axes.size(), 0);
  for (;;) {
    GridPoint point = first;
    for (std::size_t a = 0; a < axes.size(); ++a)
      point.method[axes[a]] = std::get<SettingValue::List>(entry.at(axes[a]).value)[at[a]];
    add_setting(point.method, "", point.setting);
    grid.points.push_back(std::move(point));
    std::size_t a = axes.size();
    while (a > 0 && ++at[a - 1] == std::get<SettingValue::List>(entry.at(axes[a - 1]).value).size()) at[--a] = 0;
    if (a == 0) return;
  }
}

// A table with one label for two methods would choose the better of them as a "setting".
void check_labels(const Grid& grid, const Settings& compare) {
  std::map<std::string, SettingValue> names;
  for (const GridPoint& point : grid.points) {
    const auto name = point.method.find("name");
    if (name == point.method.end()) continue;
    const auto [known, fresh] = names.try_emplace(point.method_label, name->second);
    if (!fresh && !(known->second == name->second))
      compare.fail(kComparedMethods.key,
                   fmt::format("the label \"{}\" stands for {} and for {}: give each its own", point.method_label,
                               to_toml(known->second), to_toml(name->second)));
  }
}

std::vector<std::uint64_t> read_seeds(Settings& compare, const Setting<Numbers>& setting) {
  std::vector<std::uint64_t> seeds;
  for (const double seed : read(compare, setting)) {
    if (seed != static_cast<double>(static_cast<std::uint64_t>(seed)))
      compare.fail(setting.key, "must be whole numbers");
    seeds.push_back(static_cast<std::uint64_t>(seed));
  }
  if (std::set(seeds.begin(), seeds.end()).size() != seeds.size()) compare.fail(setting.key, "holds a seed twice");
  return seeds;
}

// Where a point is run; the one world of a scenario without [[compare.worlds]] has no name.
std::vector<std::string> worlds_of(const GridPoint& point, const Grid& grid) {
  if (!point.worlds.empty()) return point.worlds;
  std::vector<std::string> all;
  for (const WorldEntry& world : grid.worlds) all.push_back(world.label);
  return all.empty() ? std::vector<std::string>{""} : all;
}

}  // namespace

SettingValue::Table with_changes(SettingValue::Table root, const SettingValue::Table& changes) {
  for (const auto& [name, value] : changes) {
    SettingValue& table = root[name];
    if (!table.is_table()) table.value = SettingValue::Table{};
    for (const auto& [key, replacement] : std::get<SettingValue::Table>(value.value))
      std::get<SettingValue::Table>(table.value)[key] = replacement;
  }
  return root;
}

Grid read_grid(Settings& compare) {
  Grid grid;
  grid.seeds = read_seeds(compare, kReportSeeds);
  compare.allow(kSearchSeeds.key);
  if (compare.has(kSearchSeeds.key)) grid.search_seeds = read_seeds(compare, kSearchSeeds);
  for (const std::uint64_t seed : grid.search_seeds)
    if (std::ranges::find(grid.seeds, seed) != grid.seeds.end())
      compare.fail(kSearchSeeds.key,
                   fmt::format("{} is in `seeds` too: what is chosen on a seed must not be reported on it", seed));

  if (read(compare, kRankBy) == "lasting") grid.rank = report::Goal::Rank::lasting;
  grid.worlds = read_worlds(compare);
  const std::optional<SettingValue> methods = compare.raw(kComparedMethods.key);
  if (!methods || !methods->is_list() || std::get<SettingValue::List>(methods->value).empty())
    compare.fail(kComparedMethods.key, "must hold at least one [[compare.methods]] table");
  const auto& list = std::get<SettingValue::List>(methods->value);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_table()) compare.fail(kComparedMethods.key, "must be a list of [[compare.methods]] tables");
    add_points(std::get<SettingValue::Table>(list[i].value), fmt::format("compare.methods[{}]", i), compare, grid);
  }
  check_labels(grid, compare);
  std::set<std::string> ids;
  for (const GridPoint& point : grid.points)
    for (const std::string& world : worlds_of(point, grid))
      if (!ids.insert(world + "/" + run_id(point, 0)).second)
        compare.fail(kComparedMethods.key,
                     fmt::format("{} stands in the grid twice (give one of them a `label`)", run_id(point, 0)));
  return grid;
}

std::string run_id(const GridPoint& point, std::uint64_t seed) {
  constexpr std::size_t kLongest = 200;  // a file name has at most 255 bytes
  std::string id = point.method_label;
  for (const auto& [key, value] : point.setting) {
    const double* number = std::get_if<double>(&value);
    id += fmt::format(",{}={}", key, number ? fmt::format("{}", *number) : report::to_text(value));
  }
  if (id.size() > kLongest) {
    Hasher hasher;
    hasher.add(id);
    id = report::cut(id, kLongest / 4) + "~" + hasher.hex();
  }
  id += fmt::format(",seed={}", seed);
  for (char& c : id)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20) c = '_';
  return id;
}

}  // namespace tardigrad
