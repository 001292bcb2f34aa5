// SPDX-License-Identifier: Apache-2.0
#include "cli/grid.hpp"

#include <fmt/format.h>

#include <set>

#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

void add_points(const SettingValue::Table& entry, const std::string& path, Settings& compare,
                std::vector<GridPoint>& points) {
  GridPoint first{.method = entry, .method_label = {}, .setting = {}, .path = path};
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

}  // namespace

Grid read_grid(Settings& compare) {
  Grid grid;
  for (const double seed : compare.numbers("seeds", {.low = 0, .high = 0x1p53})) {
    if (seed != static_cast<double>(static_cast<std::uint64_t>(seed))) compare.fail("seeds", "must be whole numbers");
    grid.seeds.push_back(static_cast<std::uint64_t>(seed));
  }
  if (std::set(grid.seeds.begin(), grid.seeds.end()).size() != grid.seeds.size())
    compare.fail("seeds", "holds a seed twice");

  const std::optional<SettingValue> methods = compare.raw("methods");
  if (!methods || !methods->is_list() || std::get<SettingValue::List>(methods->value).empty())
    compare.fail("methods", "must hold at least one [[compare.methods]] table");
  const auto& list = std::get<SettingValue::List>(methods->value);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_table()) compare.fail("methods", "must be a list of [[compare.methods]] tables");
    add_points(std::get<SettingValue::Table>(list[i].value), fmt::format("compare.methods[{}]", i), compare,
               grid.points);
  }
  std::set<std::string> ids;
  for (const GridPoint& point : grid.points)
    if (!ids.insert(run_id(point, 0)).second)
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
