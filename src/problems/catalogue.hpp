// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tardigrad/problem.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad::problems {

/// Every problem by its name: those built in, those of the plugins added, and those of the LibTorch plugin, which is
/// opened when one of them is first asked for.
/// Thread  one at a time
class ProblemCatalogue {
 public:
  /// Where a problem came from.
  struct Origin {
    std::optional<DataSource> plugin = {};  ///< its file as it was opened; nothing: it is built in
    std::string library = {};               ///< Plugin::library
    std::filesystem::path guarded = {};     ///< of a user's plugin: its path
  };

  ProblemCatalogue();

  /// Adds the problems of a user's shared library.
  /// Errors  as load_plugin, and Error when a name is taken
  void add_plugin(const std::filesystem::path& path) { add(path, path); }

  /// Errors  Error: unknown name, with the nearest; a name of the LibTorch plugin where that is not installed
  const ProblemRow& row(const std::string& name);
  /// Makes the problem of a row. One of a user's plugin is looked at closely (see guarded.hpp).
  std::unique_ptr<Problem> make(const ProblemRow& row, Settings& settings, const ProblemContext& context) const;
  const ProblemRow* find(const std::string& name) const;
  /// Of a problem that `find` finds.
  const Origin& origin(const std::string& name) const { return origins_.at(name); }

  /// What `row` knows without opening anything more.
  const std::vector<ProblemRow>& rows() const { return rows_; }
  /// All names, those of the LibTorch plugin included.
  std::vector<std::string> names() const;

  /// What the problem of a known name is, and whether it is installed; opens nothing.
  std::string summary(const std::string& name) const;

  /// Its own settings, beside those of every problem; opens nothing. Nothing: a plugin's, which does not list them.
  std::optional<std::span<const SettingRow>> settings_of(const std::string& name) const;

  /// Opens the LibTorch plugin if it is installed; says whether its problems are there.
  bool add_torch_plugin();

 private:
  void add(const std::filesystem::path& path, const std::filesystem::path& guarded);
  std::vector<ProblemRow> rows_;
  std::map<std::string, Origin> origins_;
};

}  // namespace tardigrad::problems
