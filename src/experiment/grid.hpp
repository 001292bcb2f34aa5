// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/comparison.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad {

/// One point of a method's grid: a [method] table without lists, and what varies in it.
struct GridPoint {
  SettingValue::Table method;
  std::string method_label;              ///< the method's name, or `label` where the entry gives one
  report::Setting setting;               ///< all that was given, name and label apart; of a sub-table "table.key"
  std::string path;                      ///< for messages: "compare.methods[0]"
  std::vector<std::string> worlds = {};  ///< labels of the worlds that it is run in; empty: in all
};

/// One of several worlds that the methods are compared in, each in a comparison of its own: the scenario with some
/// keys of [problem], [workers] and [run] replaced.
struct WorldEntry {
  std::string label;
  SettingValue::Table changes;  ///< { problem = { ... }, workers = { ... }, run = { ... } }
  std::string path;             ///< for messages: "compare.worlds[0]"
};

/// What [compare] asks for: every method at every point of its grid, with every seed.
struct Grid {
  std::vector<std::uint64_t> seeds;         ///< of the report
  std::vector<std::uint64_t> search_seeds;  ///< that settings are chosen on; empty: on those of the report
  report::Goal::Rank rank = report::Goal::Rank::first;
  std::vector<WorldEntry> worlds;  ///< empty: the scenario as it stands
  std::vector<GridPoint> points;
};

/// Reads `seeds = [1, 2, 3]`, `search_seeds`, `rank_by` and `[[compare.methods]]`, where a list is a grid axis of
/// numbers, texts and truth values; axes are expanded with the last one varying fastest, in the alphabetical order of
/// their keys. Reads `[[compare.worlds]]`, where there are any. Errors  Error: no methods, no seeds, a seed or a method
/// twice, one label for two methods, a list with something else
///         in it
Grid read_grid(Settings& compare);

/// A scenario's tables with the changes of a world: a key that the world gives takes the place of the scenario's.
SettingValue::Table with_changes(SettingValue::Table root, const SettingValue::Table& changes);

/// "clipped-asgd,clip_radius=1,step_size=0.05,seed=2": the name of a run's folder. Where it would be too long for one,
/// a hash of the settings takes the place of their rest.
std::string run_id(const GridPoint& point, std::uint64_t seed);

}  // namespace tardigrad
