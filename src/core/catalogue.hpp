// SPDX-License-Identifier: Apache-2.0
// What a scenario can name, by name: a registry that owns its rows, those that are built in and those that were added.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tardigrad/problem.hpp"

namespace tardigrad {

/// Who brought a row.
struct RowOrigin {
  std::optional<DataSource> plugin = {};  ///< its file as it was opened; nothing: it came with the program
  std::string library = {};               ///< Plugin::library
  /// How messages call a stranger: "plugin mine.so". "": it is our own, and is trusted.
  std::string whose = {};
};

/// 1 to 60 letters, digits, - and _.
bool is_row_name(const std::string& name);
/// One line of at most 300 bytes.
bool is_row_text(const char* text);
/// What every row has. `makes`: is there something that makes it?
/// Errors  Error "WHOSE: brings a KIND ..." for a name, a summary or settings that cannot be listed
void check_row(const std::string& whose, const std::string& kind, const std::string& name, const std::string& summary,
               std::span<const SettingRow> settings, bool makes);

/// Rows are ProblemRow, MethodRow: { name, summary, settings, make, ... }. References to them stay good.
/// Thread  one at a time while it is added to; then any
template <class Row>
class Catalogue {
 public:
  /// `kind` is what messages call a row: "problem".
  explicit Catalogue(std::string kind) : kind_(std::move(kind)) {}

  /// Errors  as check_row; Error when the name is taken
  void add(Row row, RowOrigin origin) {
    const std::optional<std::span<const SettingRow>> settings = row.settings;
    check_row(origin.whose, kind_, row.name, row.summary, settings.value_or(std::span<const SettingRow>()),
              static_cast<bool>(row.make));
    if (find(row.name))
      throw Error(origin.whose + ": brings a " + kind_ + " `" + row.name + "`, but that name is taken");
    origins_[row.name] = std::move(origin);
    rows_.push_back(std::move(row));
  }
  const Row* find(const std::string& name) const {
    const auto found = std::ranges::find(rows_, name, &Row::name);
    return found == rows_.end() ? nullptr : &*found;
  }
  /// Of a row that `find` finds.
  const RowOrigin& origin(const std::string& name) const { return origins_.at(name); }
  /// In the order in which they were added.
  const std::deque<Row>& rows() const { return rows_; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Row& row : rows_) names.push_back(row.name);
    return names;
  }

 private:
  std::string kind_;
  std::deque<Row> rows_;
  std::map<std::string, RowOrigin> origins_;
};

}  // namespace tardigrad
