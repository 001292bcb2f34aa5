// SPDX-License-Identifier: Apache-2.0
#include "tardigrad/setting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

std::vector<std::string> list_of(const Words& words) {
  std::vector<std::string> list;
  for (const char* word : words)
    if (word) list.emplace_back(word);
  return list;
}

}  // namespace

std::string SettingRow::default_text() const {
  if (*default_in_words) return default_in_words;
  struct InWords {
    std::string operator()(std::monostate) const { return ""; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(const char* word) const { return word; }
    std::string operator()(double number) const { return fmt::format("{}", number); }
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
  };
  return std::visit(InWords{}, fallback);
}

std::string SettingRow::allowed_text() const {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (kind == Kind::boolean) return "true, false";
  if (kind == Kind::number || kind == Kind::integer) add(describe(range, kind == Kind::integer));
  if (kind == Kind::numbers) add(describe(range, false) + ", or a list of such");
  if (kind == Kind::text) add("a text");
  if (kind == Kind::path) add("the path of a file");
  if (*unit) text += std::string(" of ") + unit;
  for (const std::string& word : list_of(words)) add("\"" + word + "\"");
  for (const SettingRow& row : rows) add(kind == Kind::one_of ? row.allowed_text() : row.key);
  if (!variants.empty()) text += ", ...";
  if (kind == Kind::tables) return "[ { " + text + " }, ... ]";
  return kind == Kind::table ? "{ " + text + " }" : text;
}

const SettingRow* find(std::span<const SettingRow> rows, std::string_view key) {
  const auto found = std::ranges::find_if(rows, [&](const SettingRow& row) { return row.is(key); });
  return found == rows.end() ? nullptr : &*found;
}

namespace {

// Of a table: of its own list, and of its variant's.
std::string find_unlisted_in(const SettingValue::Table& read, const SettingRow& row) {
  if (row.rows.empty()) return "";  // it says no more than that it is a table
  std::span<const SettingRow> more;
  if (!row.variants.empty()) {
    const auto chosen = read.find(row.rows.front().key);
    for (const SettingVariant& variant : row.variants)
      if (chosen != read.end() && chosen->second == SettingValue{std::string(variant.name)}) more = variant.rows;
  }
  return find_unlisted(read, {row.rows, more});
}

// In a value: a table, or a list of them.
std::string find_unlisted_in(const SettingValue& value, const SettingRow& form) {
  using Kind = SettingRow::Kind;
  if (value.is_table() && form.kind == Kind::table)
    return find_unlisted_in(std::get<SettingValue::Table>(value.value), form);
  if (!value.is_list() || form.kind != Kind::tables) return "";
  for (const SettingValue& item : std::get<SettingValue::List>(value.value))
    if (std::string key = find_unlisted_in(std::get<SettingValue::Table>(item.value), form); !key.empty()) return key;
  return "";
}

}  // namespace

std::string find_unlisted(const SettingValue::Table& read, std::initializer_list<std::span<const SettingRow>> lists) {
  for (const auto& [key, value] : read) {
    const SettingRow* row = nullptr;
    for (const auto& list : lists)
      if (!row) row = find(list, key);
    if (!row) return key;
    std::span<const SettingRow> forms = {row, 1};
    if (row->kind == SettingRow::Kind::one_of) forms = row->rows;
    for (const SettingRow& form : forms)
      if (const std::string inner = find_unlisted_in(value, form); !inner.empty()) return key + "." + inner;
  }
  return "";
}

void check_listed(const SettingValue::Table& read, std::initializer_list<std::span<const SettingRow>> lists,
                  const std::string& where) {
  const std::string key = find_unlisted(read, lists);
  TG_CHECK(key.empty(), where, ".", key, " is read, and not listed");
}

double read(Settings& settings, const Setting<double>& setting) {
  if (setting.fallback) return settings.number_or(setting.key, *setting.fallback, setting.range);
  return settings.number(setting.key, setting.range);
}

std::int64_t read(Settings& settings, const Setting<std::int64_t>& setting) {
  if (setting.fallback) return settings.integer_or(setting.key, *setting.fallback, setting.range);
  return settings.integer(setting.key, setting.range);
}

std::optional<double> read_number(Settings& settings, const SettingRow& row) {
  if (const auto* fallback = std::get_if<bool>(&row.fallback)) return settings.boolean_or(row.key, *fallback);
  const bool integral = row.kind == SettingRow::Kind::integer;
  TG_CHECK(integral || row.kind == SettingRow::Kind::number, row.key, " is no number");
  const auto given = [&] {
    return integral ? static_cast<double>(settings.integer(row.key, row.range)) : settings.number(row.key, row.range);
  };
  if (const auto* fallback = std::get_if<double>(&row.fallback))
    return settings.number_or(row.key, *fallback, row.range);
  if (const auto* fallback = std::get_if<std::int64_t>(&row.fallback))
    return static_cast<double>(settings.integer_or(row.key, *fallback, row.range));
  if (row.must_be_given()) return given();
  settings.allow(row.key);
  if (!settings.has(row.key)) return std::nullopt;
  return given();
}

bool read(Settings& settings, const Setting<bool>& setting) {
  TG_CHECK(setting.fallback, setting.key, " has no default");
  return settings.boolean_or(setting.key, *setting.fallback);
}

std::string read(Settings& settings, const Setting<Choice>& setting) {
  if (setting.fallback) return settings.choice_or(setting.key, *setting.fallback, list_of(setting.words));
  return settings.choice(setting.key, list_of(setting.words));
}

std::string read(Settings& settings, const Setting<Text>& setting) {
  return setting.fallback ? settings.text_or(setting.key, *setting.fallback) : settings.text(setting.key);
}

std::vector<double> read(Settings& settings, const Setting<Numbers>& setting) {
  return settings.numbers(setting.key, setting.range);
}

Settings& read(Settings& settings, const Setting<SubTable>& setting) {
  return *setting.default_in_words ? settings.table_or_empty(setting.key) : settings.table(setting.key);
}

std::string read_variant(Settings& table, const Setting<SubTable>& setting) {
  const SettingRow& choice = setting.rows.front();
  std::vector<std::string> names;
  for (const SettingVariant& variant : setting.variants) names.emplace_back(variant.name);
  if (const auto* fallback = std::get_if<const char*>(&choice.fallback))
    return table.choice_or(choice.key, *fallback, names);
  return table.choice(choice.key, names);
}

}  // namespace tardigrad
