// SPDX-License-Identifier: Apache-2.0
#include "config/toml_file.hpp"

#define TOML_EXCEPTIONS 1
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "record/file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

// Scenarios are written by people: nothing sensible is nested deeper, and a hostile file shall not exhaust the stack.
constexpr int kMaxDepth = 32;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 24;

/// How deep the values of a text are nested: brackets, and the parts of dotted keys, in what is no string and no
/// comment. A parser goes no deeper than the product of the two, and has no limit of its own that it survives.
class DepthScanner {
 public:
  explicit DepthScanner(std::string_view text) : text_(text) {}

  /// The first line that is nested more than `most` deep, or 0.
  int too_deep(int most) {
    for (at_ = 0; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
      } else if (c == '"' || c == '\'') {
        skip_string(c);
      } else if (c == '\n') {
        ++line_;
        dots_ = 0;
      } else if (c == '=' || c == ',') {
        dots_ = 0;
      } else if (c == '[' || c == '{') {
        ++brackets_;
        dots_ = 0;
      } else if (c == ']' || c == '}') {
        brackets_ = std::max(0, brackets_ - 1);
      } else if (c == '.') {
        ++dots_;
      }
      if (brackets_ > most || dots_ > most) return line_;
    }
    return 0;
  }

 private:
  // From its quote to the last character of the string; three quotes end with three.
  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool is_long = text_.substr(at_).starts_with(three);
    for (at_ += is_long ? 3 : 1; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        if (!is_long) {  // an error of the text: the parser will say so
          --at_;
          return;
        }
        ++line_;
      } else if (c == '\\' && quote == '"') {
        ++at_;
      } else if (is_long ? text_.substr(at_).starts_with(three) : c == quote) {
        if (is_long) at_ += 2;
        for (int extra = 0; is_long && extra < 2 && text_.substr(at_ + 1).starts_with(quote); ++extra) ++at_;
        return;
      }
    }
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1, brackets_ = 0, dots_ = 0;
};

// It has no line.
constexpr const char* kAssignment = "assignment";

[[noreturn]] void fail_too_deep(const std::string& file, int line) {
  throw Error(fmt::format("{}:{}: tables are nested more than {} deep", file, line, kMaxDepth));
}

SettingValue convert(const toml::node& node, const std::string& file, int depth) {
  const int line = file == kAssignment ? 0 : static_cast<int>(node.source().begin.line);
  if (depth > kMaxDepth) fail_too_deep(file, line);
  if (const auto* value = node.as_boolean()) return {value->get(), line};
  if (const auto* value = node.as_integer()) return {value->get(), line};
  if (const auto* value = node.as_floating_point()) return {value->get(), line};
  if (const auto* value = node.as_string()) return {value->get(), line};
  if (const auto* array = node.as_array()) {
    SettingValue::List list;
    for (const toml::node& item : *array) list.push_back(convert(item, file, depth + 1));
    return {std::move(list), line};
  }
  if (const auto* table = node.as_table()) {
    SettingValue::Table result;
    for (const auto& [key, item] : *table) result.emplace(std::string(key.str()), convert(item, file, depth + 1));
    return {std::move(result), line};
  }
  throw Error(fmt::format("{}:{}: a date or time, which no setting takes", file, line));
}

SettingValue parse_value(std::string_view text) {
  if (const int line = DepthScanner(text).too_deep(kMaxDepth)) fail_too_deep(kAssignment, line);
  try {
    const toml::table document = toml::parse("value = " + std::string(text));
    if (document.size() == 1) return convert(*document.get("value"), kAssignment, 0);
  } catch (const toml::parse_error&) {
    // Not TOML: a bare word.
  }
  return {std::string(text)};
}

// TOML is UTF-8; what is not would make a resolved scenario that nobody can read back.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    const int more = lead < 0x80                   ? 0
                     : lead >= 0xC2 && lead < 0xE0 ? 1
                     : lead >= 0xE0 && lead < 0xF0 ? 2
                     : lead >= 0xF0 && lead < 0xF5 ? 3
                                                   : -1;
    if (more < 0) return false;
    for (int k = 0; k < more; ++k, ++i)
      if (i >= text.size() || (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return false;
  }
  return true;
}

// The place that a path names, made on the way.
SettingValue& descend(SettingValue& from, const std::string& key, std::string_view assignment) {
  if (from.is_list()) {
    auto& list = std::get<SettingValue::List>(from.value);
    std::size_t place = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), place);
    if (error != std::errc() || end != key.data() + key.size() || place >= list.size())
      throw Error(fmt::format("assignment {}: `{}` is no place in a list of {} (places count from 0)", assignment, key,
                              list.size()));
    return list[place];
  }
  if (!from.is_table()) throw Error(fmt::format("assignment {}: what stands before `{}` is no table", assignment, key));
  return std::get<SettingValue::Table>(from.value).try_emplace(key, SettingValue{SettingValue::Table{}}).first->second;
}

bool is_table_list(const SettingValue& value) {
  if (!value.is_list()) return false;
  const auto& list = std::get<SettingValue::List>(value.value);
  return !list.empty() && std::all_of(list.begin(), list.end(), [](const SettingValue& v) { return v.is_table(); });
}

void write_section(std::string& out, const std::string& header, const SettingValue::Table& table) {
  out += header;
  for (const auto& [key, value] : table) out += fmt::format("{} = {}\n", to_toml_key(key), to_toml(value));
}

}  // namespace

SettingValue::Table parse_toml(std::string_view text, const std::string& file) {
  if (const int line = DepthScanner(text).too_deep(kMaxDepth)) fail_too_deep(file, line);
  try {
    const toml::table document = toml::parse(text, file);
    return std::get<SettingValue::Table>(convert(document, file, 0).value);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    std::string what(error.description());
    for (char& c : what)
      if (c == '\n') c = ' ';
    throw Error(fmt::format("{}:{}:{}: {}", file, at.line, at.column, what));
  }
}

SettingValue::Table read_toml(const std::filesystem::path& file) {
  return parse_toml(record::read_file(file, kMostBytes), file.string());
}

void apply_assignment(SettingValue::Table& table, std::string_view assignment) {
  if (!is_utf8(assignment)) throw Error("assignment: a text that is not UTF-8");
  const std::size_t equals = assignment.find('=');
  const std::string_view path = assignment.substr(0, equals);
  if (equals == std::string_view::npos || path.empty())
    throw Error(fmt::format("assignment {}: must be KEY=VALUE, as in method.step_size=0.1", assignment));
  SettingValue root{table};  // a copy: a mistake leaves the table as it was
  SettingValue* place = &root;
  std::string_view rest = path;
  int depth = 0;
  for (bool more = true; more;) {
    const std::size_t dot = rest.find('.');
    more = dot != std::string_view::npos;
    const std::string key(rest.substr(0, dot));
    if (++depth > kMaxDepth) throw Error(fmt::format("assignment: a key of more than {} parts", kMaxDepth));
    if (key.empty()) throw Error(fmt::format("assignment {}: `{}` has an empty part", assignment, path));
    place = &descend(*place, key, assignment);
    if (more) rest = rest.substr(dot + 1);
  }
  *place = parse_value(assignment.substr(equals + 1));
  table = std::move(std::get<SettingValue::Table>(root.value));
}

std::string to_toml_document(const SettingValue::Table& table) {
  std::string out;
  SettingValue::Table plain;
  for (const auto& [key, value] : table)
    if (!value.is_table() && !is_table_list(value)) plain.emplace(key, value);
  write_section(out, "", plain);
  for (const auto& [key, value] : table) {
    if (value.is_table()) {
      write_section(out, fmt::format("{}[{}]\n", out.empty() ? "" : "\n", to_toml_key(key)),
                    std::get<SettingValue::Table>(value.value));
    } else if (is_table_list(value)) {
      for (const SettingValue& item : std::get<SettingValue::List>(value.value))
        write_section(out, fmt::format("{}[[{}]]\n", out.empty() ? "" : "\n", to_toml_key(key)),
                      std::get<SettingValue::Table>(item.value));
    }
  }
  return out;
}

}  // namespace tardigrad
