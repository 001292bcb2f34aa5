// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "tardigrad/settings.hpp"

namespace tardigrad {

/// A TOML text as a table of settings with line numbers. `file` is how messages call it.
/// Errors  Error "FILE:LINE:COLUMN: ..." for what is not TOML, and for dates, which no setting takes
SettingValue::Table parse_toml(std::string_view text, const std::string& file);
/// Errors  Error also when the file cannot be read
SettingValue::Table read_toml(const std::filesystem::path& file);

/// Applies "a.b.c=value" to a table: makes the tables on the way; a number in the path is a place in a list. The value
/// is read as TOML; what is not TOML is taken as a text (so method.name=vanilla-asgd needs no quotes).
/// Errors  Error naming the assignment
void apply_assignment(SettingValue::Table& table, std::string_view assignment);

/// A whole table as a TOML document that `parse_toml` reads back to the same values.
std::string to_toml_document(const SettingValue::Table& table);

}  // namespace tardigrad
