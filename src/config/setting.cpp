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
  struct Text {
    std::string operator()(std::monostate) const { return ""; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(const char* word) const { return word; }
    std::string operator()(double number) const { return fmt::format("{}", number); }
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
  };
  return std::visit(Text{}, fallback);
}

std::string SettingRow::allowed_text() const {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (kind == Kind::boolean) return "true, false";
  if (kind == Kind::number || kind == Kind::integer) add(describe(range, kind == Kind::integer));
  if (*unit) text += std::string(" of ") + unit;
  for (const std::string& word : list_of(words)) add("\"" + word + "\"");
  for (const SettingRow& row : rows) add(row.key);
  return kind == Kind::table ? "{ " + text + " }" : text;
}

const SettingRow* find(std::span<const SettingRow> rows, std::string_view key) {
  const auto found = std::ranges::find_if(rows, [&](const SettingRow& row) { return row.is(key); });
  return found == rows.end() ? nullptr : &*found;
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
  TG_CHECK(row.kind == SettingRow::Kind::number, row.key, " is no number");
  if (const auto* fallback = std::get_if<double>(&row.fallback))
    return settings.number_or(row.key, *fallback, row.range);
  if (row.must_be_given()) return settings.number(row.key, row.range);
  settings.allow(row.key);
  if (!settings.has(row.key)) return std::nullopt;
  return settings.number(row.key, row.range);
}

bool read(Settings& settings, const Setting<bool>& setting) {
  TG_CHECK(setting.fallback, setting.key, " has no default");
  return settings.boolean_or(setting.key, *setting.fallback);
}

std::string read(Settings& settings, const Setting<Choice>& setting) {
  if (setting.fallback) return settings.choice_or(setting.key, *setting.fallback, list_of(setting.words));
  return settings.choice(setting.key, list_of(setting.words));
}

}  // namespace tardigrad
