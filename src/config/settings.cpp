// SPDX-License-Identifier: Apache-2.0
#include "tardigrad/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "tardigrad/error.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad {
namespace {

bool contains(const Range& range, double x) {
  if (std::isnan(x)) return false;
  if (range.low_open ? x <= range.low : x < range.low) return false;
  return !(range.high_open ? x >= range.high : x > range.high);
}

std::string quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + '"';
}

bool is_bare_key(const std::string& key) {
  if (key.empty()) return false;
  for (const char c : key)
    if (!(std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_')) return false;
  return true;
}

}  // namespace

std::string describe(const Range& range, bool integral) {
  const std::string noun = integral ? "an integer" : "a number";
  const bool low = std::isfinite(range.low), high = std::isfinite(range.high);
  if (low && high)
    return fmt::format("{} in {}{}, {}{}", noun, range.low_open ? '(' : '[', range.low, range.high,
                       range.high_open ? ')' : ']');
  if (low) return fmt::format("{} {} {}", noun, range.low_open ? ">" : ">=", range.low);
  if (high) return fmt::format("{} {} {}", noun, range.high_open ? "<" : "<=", range.high);
  return noun;
}

double SettingValue::number() const {
  return value.index() == 1 ? static_cast<double>(std::get<std::int64_t>(value)) : std::get<double>(value);
}

std::string to_toml_key(const std::string& key) { return is_bare_key(key) ? key : quote(key); }

std::string to_toml(const SettingValue& value) {
  struct Writer {
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(std::int64_t i) const { return fmt::format("{}", i); }
    std::string operator()(double d) const {
      if (std::isnan(d)) return "nan";
      if (std::isinf(d)) return d > 0 ? "inf" : "-inf";
      std::string text = fmt::format("{}", d);  // the shortest text that reads back as the same double
      if (text.find_first_of(".e") == std::string::npos) text += ".0";
      return text;
    }
    std::string operator()(const std::string& s) const { return quote(s); }
    std::string operator()(const SettingValue::List& list) const {
      std::string out = "[";
      for (const SettingValue& item : list) out += (out.size() > 1 ? ", " : "") + to_toml(item);
      return out + "]";
    }
    std::string operator()(const SettingValue::Table& table) const {
      if (table.empty()) return "{}";
      std::string out = "{ ";
      for (const auto& [key, item] : table)
        out += (out.size() > 2 ? ", " : "") + to_toml_key(key) + " = " + to_toml(item);
      return out + " }";
    }
  };
  return std::visit(Writer{}, value.value);
}

Settings::Settings(SettingValue::Table table, std::string path, std::string file, int line)
    : table_(std::move(table)), path_(std::move(path)), file_(std::move(file)), line_(line) {}

std::string Settings::path_of(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

void Settings::fail(const std::string& key, const std::string& problem, const std::vector<Remedy>& remedies) const {
  const auto found = table_.find(key);
  const int line = found != table_.end() && found->second.line > 0 ? found->second.line : line_;
  std::string where = file_;
  if (!file_.empty() && line > 0) where += fmt::format(":{}", line);
  if (!where.empty()) where += ": ";
  std::string thing = path_of(key);
  if (found != table_.end()) {
    std::string value = to_toml(found->second);
    if (value.size() > 80) value = value.substr(0, 77) + "...";
    thing += " = " + value;
  }
  throw Error(where + thing + ": " + problem, remedies);
}

bool Settings::has(const std::string& key) const { return table_.count(key) > 0; }

const SettingValue* Settings::find(const std::string& key) {
  known_.insert(key);
  const auto found = table_.find(key);
  return found == table_.end() ? nullptr : &found->second;
}

const SettingValue& Settings::require(const std::string& key, const char* what) {
  if (const SettingValue* value = find(key)) return *value;
  // A misspelt key is the likelier mistake than a missing one: name it if it is there.
  for (const auto& [present, value] : table_)
    if (!known_.count(present) && !nearest_match(present, {key}).empty())
      fail(present, "unknown key; did you mean `" + key + "`?");
  fail(key, fmt::format("is missing; it must be {}", what));
}

double Settings::check_number(const std::string& key, const SettingValue& value, Range range) const {
  if (!value.is_number() || !contains(range, value.number())) fail(key, "must be " + describe(range, false));
  return value.number();
}

double Settings::number(const std::string& key, Range range) {
  const SettingValue& value = require(key, describe(range, false).c_str());
  const double x = check_number(key, value, range);
  resolved_[key] = {x};
  return x;
}

double Settings::number_or(const std::string& key, double fallback, Range range) {
  if (find(key)) return number(key, range);
  resolved_[key] = {fallback};
  return fallback;
}

std::int64_t Settings::integer(const std::string& key, Range range) {
  const SettingValue& value = require(key, describe(range, true).c_str());
  // 1e6 is a float in TOML, and what people write.
  const bool integral =
      value.value.index() == 1 ||
      (value.value.index() == 2 && std::floor(value.number()) == value.number() && std::abs(value.number()) <= 0x1p53);
  if (!integral || !contains(range, value.number())) fail(key, "must be " + describe(range, true));
  const std::int64_t x =
      value.value.index() == 1 ? std::get<std::int64_t>(value.value) : static_cast<std::int64_t>(value.number());
  resolved_[key] = {x};
  return x;
}

std::int64_t Settings::integer_or(const std::string& key, std::int64_t fallback, Range range) {
  if (find(key)) return integer(key, range);
  resolved_[key] = {fallback};
  return fallback;
}

bool Settings::boolean_or(const std::string& key, bool fallback) {
  bool result = fallback;
  if (const SettingValue* value = find(key)) {
    if (value->value.index() != 0) fail(key, "must be true or false");
    result = std::get<bool>(value->value);
  }
  resolved_[key] = {result};
  return result;
}

std::string Settings::text(const std::string& key) {
  const SettingValue& value = require(key, "a text in quotes");
  if (!value.is_text()) fail(key, "must be a text in quotes");
  resolved_[key] = {std::get<std::string>(value.value)};
  return std::get<std::string>(value.value);
}

std::string Settings::text_or(const std::string& key, const std::string& fallback) {
  if (find(key)) return text(key);
  resolved_[key] = {fallback};
  return fallback;
}

std::string Settings::file_path(const std::string& key) {
  namespace fs = std::filesystem;
  const std::string given = text(key);
  if (given.empty()) fail(key, "must be the path of a file");
  const bool from_command_line = find(key)->line == 0;
  fs::path path = given;
  if (given == "~" || given.starts_with("~/")) {
    const char* home = std::getenv("HOME");
    if (!home || !*home) fail(key, "~ stands for HOME, which is not set");
    path = fs::path(home) / given.substr(std::min<std::size_t>(2, given.size()));
  } else if (!from_command_line) {
    path = fs::path(file_).parent_path() / path;
  }
  const std::string absolute = fs::absolute(path).lexically_normal().string();
  resolved_[key] = {absolute};
  paths_.insert(key);
  return absolute;
}

std::string Settings::check_choice(const std::string& key, std::string word,
                                   const std::vector<std::string>& allowed) const {
  for (const std::string& choice : allowed)
    if (choice == word) return word;
  fail(key, "must be one of " + join(allowed) + did_you_mean(word, allowed));
}

std::string Settings::choice(const std::string& key, const std::vector<std::string>& allowed) {
  const SettingValue& value = require(key, ("one of " + join(allowed)).c_str());
  if (!value.is_text()) fail(key, "must be one of " + join(allowed) + ", in quotes");
  return check_choice(key, text(key), allowed);
}

std::string Settings::choice_or(const std::string& key, const std::string& fallback,
                                const std::vector<std::string>& allowed) {
  if (find(key)) return choice(key, allowed);
  resolved_[key] = {fallback};
  return fallback;
}

std::vector<double> Settings::numbers(const std::string& key, Range range) {
  const SettingValue& value = require(key, "a number or a list of numbers");
  std::vector<double> result;
  SettingValue::List list;
  if (value.is_list())
    list = std::get<SettingValue::List>(value.value);
  else
    list = {value};
  if (list.empty()) fail(key, "must not be empty");
  for (const SettingValue& item : list) {
    if (!item.is_number() || !contains(range, item.number()))
      fail(key, fmt::format("must be {}, or a list of such", describe(range, false)));
    result.push_back(item.number());
  }
  resolved_[key] = value;
  return result;
}

Settings& Settings::table(const std::string& key) {
  const SettingValue& value = require(key, "a table");
  if (!value.is_table()) fail(key, "must be a table, as in { key = value }");
  auto& children = children_[key];
  if (children.empty())
    children.push_back(std::make_unique<Settings>(std::get<SettingValue::Table>(value.value), path_of(key), file_,
                                                  value.line ? value.line : line_));
  return *children.front();
}

Settings& Settings::table_or_empty(const std::string& key) {
  if (find(key)) return table(key);
  auto& children = children_[key];
  if (children.empty())
    children.push_back(std::make_unique<Settings>(SettingValue::Table{}, path_of(key), file_, line_));
  return *children.front();
}

std::vector<Settings*> Settings::tables(const std::string& key) {
  const SettingValue& value = require(key, "a list of tables");
  if (!value.is_list()) fail(key, "must be a list of tables, as in [ { key = value }, ... ]");
  const auto& list = std::get<SettingValue::List>(value.value);
  auto& children = children_[key];
  if (children.empty()) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!list[i].is_table()) fail(key, "must be a list of tables, as in [ { key = value }, ... ]");
      children.push_back(std::make_unique<Settings>(std::get<SettingValue::Table>(list[i].value),
                                                    fmt::format("{}[{}]", path_of(key), i), file_,
                                                    list[i].line ? list[i].line : line_));
    }
  }
  std::vector<Settings*> result;
  for (const auto& child : children) result.push_back(child.get());
  return result;
}

std::optional<SettingValue> Settings::raw(const std::string& key) {
  const SettingValue* value = find(key);
  if (!value) return std::nullopt;
  resolved_[key] = *value;
  return *value;
}

void Settings::finish() const {
  const std::string* first = nullptr;
  int first_line = 0;
  for (const auto& [key, value] : table_) {
    if (known_.count(key)) continue;
    if (!first || value.line < first_line) {
      first = &key;
      first_line = value.line;
    }
  }
  if (first) {
    const std::vector<std::string> known(known_.begin(), known_.end());
    fail(*first, "unknown key" + did_you_mean(*first, known) + " (known here: " + join(known) + ")");
  }
  for (const auto& [key, children] : children_)
    for (const auto& child : children) child->finish();
}

SettingValue::Table Settings::resolved() const { return resolved(Paths::shown); }

SettingValue::Table Settings::resolved_without_paths() const { return resolved(Paths::hidden); }

SettingValue::Table Settings::resolved(Paths paths) const {
  SettingValue::Table result = resolved_;
  if (paths == Paths::hidden)
    for (const std::string& key : paths_) result[key] = {std::string("FILE")};
  for (const auto& [key, children] : children_) {
    const auto original = table_.find(key);
    if (original != table_.end() && original->second.is_list()) {
      SettingValue::List list;
      for (const auto& child : children) list.push_back({child->resolved(paths)});
      result[key] = {std::move(list)};
    } else if (!children.empty()) {
      SettingValue::Table table = children.front()->resolved(paths);
      if (!table.empty() || original != table_.end()) result[key] = {std::move(table)};
    }
  }
  return result;
}

}  // namespace tardigrad
