// SPDX-License-Identifier: Apache-2.0
#include "cli/grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

std::vector<WorldEntry> read_worlds(Settings& compare) {
  std::vector<WorldEntry> worlds;
  if (!compare.has("worlds")) {
    compare.allow("worlds");
    return worlds;
  }
  for (Settings* table : compare.tables("worlds")) {
    WorldEntry entry{
        .label = table->text("label"), .changes = {}, .path = fmt::format("compare.worlds[{}]", worlds.size())};
    const auto ends_a_path = [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20; };
    if (entry.label.empty() || entry.label.front() == '.' || std::ranges::any_of(entry.label, ends_a_path))
      table->fail("label", "names a folder: it must not be empty, begin with a dot, or hold a slash");
    for (const WorldEntry& other : worlds)
      if (other.label == entry.label) table->fail("label", "stands twice");
    for (const char* part : {"problem", "workers", "run"}) {
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
  if (!value.is_list()) compare.fail("methods", fmt::format("{}.worlds must be a list of labels", path));
  for (const SettingValue& item : std::get<SettingValue::List>(value.value)) {
    if (!item.is_text() || std::ranges::find(known, std::get<std::string>(item.value)) == known.end())
      compare.fail("methods", fmt::format("{}.worlds holds {}: must be one of {}", path, to_toml(item), join(known)));
    labels.push_back(std::get<std::string>(item.value));
  }
  return labels;
}

void add_points(SettingValue::Table entry, const std::string& path, Settings& compare, Grid& grid) {
  std::vector<GridPoint>& points = grid.points;
  GridPoint first{.method = {}, .method_label = {}, .setting = {}, .path = path};
  if (const auto worlds = entry.find("worlds"); worlds != entry.end()) {
    first.worlds = read_world_labels(worlds->second, path, grid, compare);
    entry.erase(worlds);
  }
  first.method = entry;
  std::vector<std::string> axes;
  for (const auto& [key, value] : entry) {
    if (!value.is_list()) continue;
    const auto& list = std::get<SettingValue::List>(value.value);
    if (list.empty()) compare.fail("methods", fmt::format("{}.{} is an empty list", path, key));
    for (const SettingValue& item : list)
      if (!item.is_number())
        compare.fail("methods", fmt::format("{}.{} is a grid axis: all of its values must be numbers", path, key));
    axes.push_back(key);
  }
  if (const auto label = entry.find("label"); label != entry.end()) {
    if (!label->second.is_text()) compare.fail("methods", fmt::format("{}.label must be a text in quotes", path));
    first.method_label = std::get<std::string>(label->second.value);
    first.method.erase("label");
  } else if (const auto name = entry.find("name"); name != entry.end() && name->second.is_text()) {
    first.method_label = std::get<std::string>(name->second.value);
  }
  // An odometer over the axes.
  std::vector<std::size_t> at(axes.size(), 0);
  for (;;) {
    GridPoint point = first;
    for (std::size_t a = 0; a < axes.size(); ++a)
      point.method[axes[a]] = std::get<SettingValue::List>(entry.at(axes[a]).value)[at[a]];
    for (const auto& [key, value] : point.method)
      if (value.is_number()) point.setting.emplace_back(key, value.number());
    points.push_back(std::move(point));
    std::size_t a = axes.size();
    while (a > 0 && ++at[a - 1] == std::get<SettingValue::List>(entry.at(axes[a - 1]).value).size()) at[--a] = 0;
    if (a == 0) return;
  }
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
  for (const double seed : compare.numbers("seeds", {.low = 0, .high = 0x1p53})) {
    if (seed != static_cast<double>(static_cast<std::uint64_t>(seed))) compare.fail("seeds", "must be whole numbers");
    grid.seeds.push_back(static_cast<std::uint64_t>(seed));
  }
  if (std::set(grid.seeds.begin(), grid.seeds.end()).size() != grid.seeds.size())
    compare.fail("seeds", "holds a seed twice");

  grid.worlds = read_worlds(compare);
  const std::optional<SettingValue> methods = compare.raw("methods");
  if (!methods || !methods->is_list() || std::get<SettingValue::List>(methods->value).empty())
    compare.fail("methods", "must hold at least one [[compare.methods]] table");
  const auto& list = std::get<SettingValue::List>(methods->value);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_table()) compare.fail("methods", "must be a list of [[compare.methods]] tables");
    add_points(std::get<SettingValue::Table>(list[i].value), fmt::format("compare.methods[{}]", i), compare, grid);
  }
  std::set<std::string> ids;
  for (const GridPoint& point : grid.points)
    for (const std::string& world : worlds_of(point, grid))
      if (!ids.insert(world + "/" + run_id(point, 0)).second)
        compare.fail("methods",
                     fmt::format("{} stands in the grid twice (give one of them a `label`)", run_id(point, 0)));
  return grid;
}

std::string run_id(const GridPoint& point, std::uint64_t seed) {
  std::string id = point.method_label;
  for (const auto& [key, value] : point.setting) id += fmt::format(",{}={}", key, value);
  id += fmt::format(",seed={}", seed);
  for (char& c : id)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20) c = '_';
  return id;
}

}  // namespace tardigrad::cli
