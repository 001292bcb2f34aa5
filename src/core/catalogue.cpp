// SPDX-License-Identifier: Apache-2.0
#include "core/catalogue.hpp"

#include <cctype>

#include "tardigrad/error.hpp"

namespace tardigrad {

bool is_row_name(const std::string& name) {
  return !name.empty() && name.size() <= 60 &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
}

bool is_row_text(const char* text) {
  constexpr std::size_t kMost = 300;
  return text && text == one_line(text, kMost);
}

namespace {

bool can_be_listed(std::span<const SettingRow> settings) {
  return std::ranges::all_of(settings, [](const SettingRow& setting) {
    return setting.key && is_row_name(setting.key) && is_row_text(setting.default_in_words) &&
           is_row_text(setting.unit) && is_row_text(setting.meaning) && can_be_listed(setting.rows) &&
           std::ranges::all_of(setting.variants, [](const SettingVariant& variant) {
             return is_row_text(variant.name) && is_row_text(variant.meaning) && can_be_listed(variant.rows);
           });
  });
}

}  // namespace

void check_row(const std::string& whose, const std::string& kind, const std::string& name, const std::string& summary,
               std::span<const SettingRow> settings, bool makes) {
  const std::string brings = whose + ": brings a " + kind + " ";
  if (!is_row_name(name))
    throw Error(brings + "named `" + one_line(name, 100) + "`: a name is 1 to 60 letters, digits, - and _");
  const std::string named = brings + "`" + name + "` ";
  if (summary.empty() || !is_row_text(summary.c_str()))
    throw Error(named + "without a summary of one line and at most 300 bytes");
  if (!can_be_listed(settings))
    throw Error(named +
                "with a setting whose key is not 1 to 60 letters, digits, - and _, or whose texts are no lines");
  if (!makes) throw Error(named + "without `make`");
}

}  // namespace tardigrad
