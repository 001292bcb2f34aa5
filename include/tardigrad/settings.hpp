// SPDX-License-Identifier: Apache-2.0
// A table of a scenario, read strictly: what nobody asked for is an error.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "tardigrad/error.hpp"

namespace tardigrad {

/// A value of a scenario with the line that it stands on (0: not from a file).
struct SettingValue {
  using List = std::vector<SettingValue>;
  using Table = std::map<std::string, SettingValue>;
  std::variant<bool, std::int64_t, double, std::string, List, Table> value;
  int line = 0;

  bool is_number() const { return value.index() == 1 || value.index() == 2; }
  bool is_text() const { return value.index() == 3; }
  bool is_list() const { return value.index() == 4; }
  bool is_table() const { return value.index() == 5; }
  double number() const;  ///< Pre  is_number()
  bool operator==(const SettingValue& other) const { return value == other.value; }
};

/// Allowed range of a number, for the check and for the message.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;   ///< low itself is not allowed
  bool high_open = false;  ///< high itself is not allowed
  static Range positive() { return {.low = 0.0, .low_open = true}; }
  static Range at_least(double low) { return {.low = low}; }
};

/// Reads one table. Each getter notes its key as known and the value that it gave (so that the
/// resolved scenario holds every default); `finish` throws for a key that no getter knows, naming
/// the nearest one. A getter without default throws when the key is missing.
///
/// Errors  Error: "FILE:LINE: method.step_size = -1: must be a number > 0"
/// Thread  one at a time
class Settings {
 public:
  /// `path` is how messages call this table ("method"), `file` what they begin with.
  Settings(SettingValue::Table table, std::string path = "", std::string file = "", int line = 0);

  bool has(const std::string& key) const;
  double number(const std::string& key, Range range = {});
  double number_or(const std::string& key, double fallback, Range range = {});
  std::int64_t integer(const std::string& key, Range range = {});
  std::int64_t integer_or(const std::string& key, std::int64_t fallback, Range range = {});
  bool boolean_or(const std::string& key, bool fallback);
  std::string text(const std::string& key);
  std::string text_or(const std::string& key, const std::string& fallback);
  /// The path of a file, made absolute: ~ is the home folder; a path that begins nowhere counts from the folder of the
  /// scenario's file, one from the command line from the current folder. The file need not be there.
  std::string file_path(const std::string& key);
  /// A text out of `allowed`; the message of a miss names the nearest.
  std::string choice(const std::string& key, const std::vector<std::string>& allowed);
  std::string choice_or(const std::string& key, const std::string& fallback, const std::vector<std::string>& allowed);
  std::vector<double> numbers(const std::string& key, Range range = {});  ///< a number or a list of them
  /// A sub-table, read by its own Settings; its `finish` is called by ours.
  Settings& table(const std::string& key);
  /// As `table`, empty when the key is missing.
  Settings& table_or_empty(const std::string& key);
  /// A list of tables.
  std::vector<Settings*> tables(const std::string& key);
  /// The value as it stands, noted as known; nothing when missing.
  std::optional<SettingValue> raw(const std::string& key);

  /// Notes that a key is known though it was not asked for in this configuration.
  void allow(const std::string& key) { known_.insert(key); }
  /// Throws for the first key (by line) that nobody asked for, here or in a sub-table.
  void finish() const;
  /// What the getters gave, defaults included.
  SettingValue::Table resolved() const;
  /// As `resolved`, with "FILE" in the place of every path: what is computed depends on what is in a file, not on where
  /// it lies.
  SettingValue::Table resolved_without_paths() const;

  /// An Error about one key of this table: "FILE:LINE: path.key = value: problem".
  [[noreturn]] void fail(const std::string& key, const std::string& problem,
                         const std::vector<Remedy>& remedies = {}) const;
  std::string path_of(const std::string& key) const;

 private:
  const SettingValue* find(const std::string& key);
  const SettingValue& require(const std::string& key, const char* what);
  double check_number(const std::string& key, const SettingValue& value, Range range) const;
  enum class Paths : std::uint8_t { shown, hidden };
  SettingValue::Table resolved(Paths paths) const;
  std::string check_choice(const std::string& key, std::string word, const std::vector<std::string>& allowed) const;

  SettingValue::Table table_;
  std::string path_, file_;
  int line_ = 0;
  std::set<std::string> known_;
  SettingValue::Table resolved_;
  std::set<std::string> paths_;  // keys that file_path gave
  std::map<std::string, std::vector<std::unique_ptr<Settings>>> children_;
};

/// A value as TOML writes it, for messages and for the resolved scenario.
std::string to_toml(const SettingValue& value);
/// A key as TOML writes it: bare where that is allowed, else quoted.
std::string to_toml_key(const std::string& key);

}  // namespace tardigrad
