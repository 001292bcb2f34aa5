// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/catalogue.hpp"

namespace tardigrad::problems {

/// Every problem by its name: those built in, those that were added, and those of the LibTorch plugin, which is opened
/// when one of them is first asked for.
/// Thread  one at a time
class ProblemCatalogue : public Catalogue<ProblemRow> {
 public:
  ProblemCatalogue();

  /// Errors  Error: unknown name, with the nearest; a name of the LibTorch plugin where that is not installed
  const ProblemRow& row(const std::string& name);
  /// Makes the problem of a row. A stranger's is looked at closely (see guarded.hpp).
  std::unique_ptr<Problem> make(const ProblemRow& row, Settings& settings, const ProblemContext& context) const;
  /// All names, those of the LibTorch plugin included.
  std::vector<std::string> names() const;

  /// What the problem of a known name is, and whether it is installed; opens nothing.
  std::string summary(const std::string& name) const;

  /// Its own settings, beside those of every problem; opens nothing. Nothing: a stranger's, which does not list them.
  std::optional<std::span<const SettingRow>> settings_of(const std::string& name) const;

  /// Opens the LibTorch plugin if it is installed; says whether its problems are there.
  bool add_torch_plugin();
};

}  // namespace tardigrad::problems
