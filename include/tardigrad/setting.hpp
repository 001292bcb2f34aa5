// SPDX-License-Identifier: Apache-2.0
// What a setting is, said once: what reads it, what lists it, what checks a file in an editor.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "tardigrad/settings.hpp"

namespace tardigrad {

inline constexpr Range kPositive{.low = 0.0, .low_open = true};
constexpr Range at_least(double low) { return {.low = low}; }
/// "a number in [0, 1)", "an integer >= 1".
std::string describe(const Range& range, bool integral);

/// A text out of a few.
struct Choice {};
/// Any text.
struct Text {};
/// The path of a file (Settings::file_path).
struct FilePath {};
/// A number, or a list of them.
struct Numbers {};
/// A table of its own settings.
struct SubTable {};
/// A list of tables that have the same settings.
struct Tables {};
/// A value of one of several forms: a number or a table. Its rows are its forms.
struct OneOf {};

template <class T>
concept Nested = std::is_same_v<T, SubTable> || std::is_same_v<T, Tables> || std::is_same_v<T, OneOf>;

/// The words of a choice; at most ten.
using Words = std::array<const char*, 10>;

struct SettingRow;

/// What a table has besides its rows where the first of them, a choice of names, says `name`: { kind = "pareto", ... }.
struct SettingVariant {
  const char* name = "";
  const char* meaning = "";
  std::span<const SettingRow> rows = {};
};

/// A setting of type T: double, std::int64_t, bool, or one of the types above. A constant, given to `read` and put into
/// the list of those that a thing has.
template <class T>
struct Setting {
  using Value = std::conditional_t<std::is_arithmetic_v<T>, T, const char*>;
  const char* key;
  /// Of one that may be missing.
  std::optional<Value> fallback = {};
  /// Instead, where it depends on others, in words: "workers". Who reads it says the value.
  const char* default_in_words = "";
  Range range = {};
  const char* unit = "";
  const char* meaning = "";
  Words words = {};  ///< of a choice; of a number: texts that may stand in its place
};

template <Nested T>
struct Setting<T> {
  const char* key;
  const char* default_in_words = "";
  const char* meaning = "";
  std::span<const SettingRow> rows = {};
  std::span<const SettingVariant> variants = {};
};

/// A setting of any type, for lists.
struct SettingRow {
  enum class Kind : std::uint8_t { number, integer, boolean, choice, text, path, numbers, table, tables, one_of };
  using Default = std::variant<std::monostate, double, std::int64_t, bool, const char*>;
  Kind kind;
  const char* key;
  Default fallback = {};
  const char* default_in_words = "";
  Range range = {};
  const char* unit = "";
  const char* meaning = "";
  Words words = {};
  std::span<const SettingRow> rows = {};
  std::span<const SettingVariant> variants = {};

  template <class T>
  constexpr SettingRow(const Setting<T>& setting)  // NOLINT(google-explicit-constructor): lists are of any type
      : kind(kind_of<T>()),
        key(setting.key),
        fallback(default_of(setting)),
        default_in_words(setting.default_in_words),
        meaning(setting.meaning) {
    if constexpr (Nested<T>) {
      rows = setting.rows;
      variants = setting.variants;
    } else {
      range = setting.range;
      unit = setting.unit;
      words = setting.words;
    }
  }

  bool is(std::string_view name) const { return name == key; }
  bool must_be_given() const { return fallback.index() == 0 && !*default_in_words; }
  /// As a scenario would say it, texts without quotes: "0.5", "same", "workers"; "" when it must be given.
  std::string default_text() const;
  /// What it may be: "a number > 0, or \"auto\"", "same, rotate".
  std::string allowed_text() const;

 private:
  template <class T>
  static constexpr Kind kind_of() {
    if constexpr (std::is_same_v<T, double>) return Kind::number;
    if constexpr (std::is_same_v<T, std::int64_t>) return Kind::integer;
    if constexpr (std::is_same_v<T, bool>) return Kind::boolean;
    if constexpr (std::is_same_v<T, Choice>) return Kind::choice;
    if constexpr (std::is_same_v<T, Text>) return Kind::text;
    if constexpr (std::is_same_v<T, FilePath>) return Kind::path;
    if constexpr (std::is_same_v<T, Numbers>) return Kind::numbers;
    if constexpr (std::is_same_v<T, Tables>) return Kind::tables;
    if constexpr (std::is_same_v<T, OneOf>) return Kind::one_of;
    return Kind::table;
  }
  template <class T>
  static constexpr Default default_of(const Setting<T>& setting) {
    if constexpr (!Nested<T>)
      if (setting.fallback) return Default(*setting.fallback);
    return Default();
  }
};

/// Nothing: it is none of them.
const SettingRow* find(std::span<const SettingRow> rows, std::string_view key);
/// The first key that a table gave and no list has, that is, what is read and not listed: "noise.kind"; "": none.
std::string find_unlisted(const SettingValue::Table& read, std::initializer_list<std::span<const SettingRow>> lists);
/// Aborts where find_unlisted finds one. `where`: of messages.
void check_listed(const SettingValue::Table& read, std::initializer_list<std::span<const SettingRow>> lists,
                  const std::string& where);

/// The value that a table gives a setting, or its default.
/// Errors  Error as of Settings: it is missing and has no default, of another type, or out of its range
double read(Settings& settings, const Setting<double>& setting);
std::int64_t read(Settings& settings, const Setting<std::int64_t>& setting);
bool read(Settings& settings, const Setting<bool>& setting);
std::string read(Settings& settings, const Setting<Choice>& setting);
std::string read(Settings& settings, const Setting<Text>& setting);
std::vector<double> read(Settings& settings, const Setting<Numbers>& setting);
/// Empty when it is missing and may be.
Settings& read(Settings& settings, const Setting<SubTable>& setting);
/// Of a table with variants: which one it is.
std::string read_variant(Settings& table, const Setting<SubTable>& setting);

inline std::string read(Settings& settings, Setting<Choice> setting, const std::string& fallback) {
  setting.fallback = fallback.c_str();
  return read(settings, static_cast<const Setting<Choice>&>(setting));
}

/// Where default, or range, depend on others.
template <class T>
requires std::is_arithmetic_v<T> T read(Settings& settings, Setting<T> setting, std::type_identity_t<T> fallback) {
  setting.fallback = fallback;
  return read(settings, static_cast<const Setting<T>&>(setting));
}
template <class T>
T read(Settings& settings, Setting<T> setting, std::type_identity_t<T> fallback, Range range) {
  setting.fallback = fallback;
  setting.range = range;
  return read(settings, setting);
}
template <class T>
T read_in(Settings& settings, Setting<T> setting, Range range) {
  setting.range = range;
  return read(settings, setting);
}
/// One of a list, by its row: nothing where it is missing and its default, if any, is in words. False is 0, true 1.
/// Pre  it is a number, or false or true with a default
std::optional<double> read_number(Settings& settings, const SettingRow& row);
/// Nothing where it is missing: one whose default is to have none.
template <class T>
std::optional<T> read_if_given(Settings& settings, const Setting<T>& setting) {
  settings.allow(setting.key);
  if (!settings.has(setting.key)) return std::nullopt;
  return read(settings, setting);
}

}  // namespace tardigrad
