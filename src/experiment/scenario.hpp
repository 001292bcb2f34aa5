// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/runtime_row.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad {

/// A scenario file as it was read: tables [problem], [workers], [method], [run], [compare] and nothing else.
/// Errors  every function: Error "FILE:LINE: key = value: what is allowed"
class Scenario {
 public:
  Scenario(SettingValue::Table root, std::string file);

  const std::string& file() const { return file_; }
  const SettingValue::Table& root() const { return root_; }
  /// The scenario with some keys replaced: [problem], [workers], [run].
  Scenario with(const SettingValue::Table& changes) const;
  bool has(const std::string& table) const { return root_.count(table) > 0; }
  /// A reader of one of its tables, which must be there.
  Settings settings(const std::string& table) const;

  /// problem.name or method.name; nothing where there is none.
  std::optional<std::string> name_in(const std::string& table) const;
  /// run.runtime, or the first of the catalogue.
  const RuntimeRow& runtime() const;
  /// run.seed, or 1.
  std::uint64_t seed() const;
  /// A reader of the [compare] table.
  std::unique_ptr<Settings> compare_settings() const;

 private:
  SettingValue::Table root_;
  std::string file_;
};

/// Reads a scenario file and applies assignments ("a.b=c") to it, in order.
Scenario load_scenario(const std::filesystem::path& file, const std::vector<std::string>& assignments);

}  // namespace tardigrad
