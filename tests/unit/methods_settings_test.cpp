// SPDX-License-Identifier: Apache-2.0
// What a method lists is what it reads: the other way round is checked whenever one is made (methods/catalogue.cpp).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "methods/catalogue.hpp"
#include "methods/frames/server_step.hpp"
#include "support/method_files.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad::methods {
namespace {

// A value that nobody allows: of another type than any setting has.
const SettingValue kWrong = {SettingValue::List{{true}}};

std::string problem_with(const SettingValue::Table& table) {
  try {
    Settings settings(table, "method");
    make_method(settings, {.workers = 8});
    settings.finish();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

// Is the key asked for in this table?
bool is_read(SettingValue::Table table, const std::string& group, const std::string& key) {
  SettingValue::Table* where = &table;
  if (!group.empty()) {
    SettingValue& inner = table[group];
    if (!inner.is_table()) inner = {SettingValue::Table{}};
    where = &std::get<SettingValue::Table>(inner.value);
  }
  (*where)[key] = kWrong;
  const std::string name = "method." + (group.empty() ? "" : group + ".") + key, problem = problem_with(table);
  return problem.starts_with(name + " = [true]: ") && problem.find("unknown key") == std::string::npos;
}

bool is_read_somewhere(const std::string& method, const std::string& group, const std::string& key) {
  return std::ranges::any_of(test::method_files(), [&](const test::MethodFile& file) {
    return (method.empty() || file.method() == method) && is_read(file.table, group, key);
  });
}

TEST(MethodSettings, WhatIsListedIsRead) {
  for (const MethodRow& row : catalogue())
    for (const SettingRow& setting : row.settings)
      EXPECT_TRUE(is_read_somewhere(row.name, "", setting.key)) << row.name << ": " << setting.key;
  for (const SettingRow& setting : kCommonSettings) {
    EXPECT_TRUE(is_read_somewhere("", "", setting.key)) << setting.key;
    for (const SettingRow& inner : setting.rows)
      EXPECT_TRUE(is_read_somewhere("", setting.key, inner.key)) << setting.key << "." << inner.key;
  }
}

// A table that stands for all that a method has says each thing once.
TEST(MethodSettings, NothingIsListedTwice) {
  for (const MethodRow& row : catalogue())
    for (const SettingRow& setting : row.settings) {
      EXPECT_EQ(std::ranges::count_if(row.settings, [&](const SettingRow& each) { return each.is(setting.key); }), 1)
          << row.name << ": " << setting.key;
      EXPECT_STRNE(setting.meaning, "") << row.name << ": " << setting.key;
    }
}

}  // namespace
}  // namespace tardigrad::methods
