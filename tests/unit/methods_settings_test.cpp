// SPDX-License-Identifier: Apache-2.0
// What a method lists is what it reads: the other way round is checked whenever one is made (methods/catalogue.cpp).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

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

// The variants with a golden trace, and those in which a setting is read that none of them reads: local_epochs instead
// of local_steps, a delay limit that the method does not choose itself, what is left at a schedule's end.
std::vector<SettingValue::Table> variants() {
  std::vector<SettingValue::Table> tables;
  for (const test::MethodFile& file : test::method_files()) {
    tables.push_back(file.table);
    if (file.table.count("local_steps")) {
      tables.push_back(file.table);
      tables.back().erase("local_steps");
    }
  }
  tables.push_back({{"name", {std::string("async-lmo")}}, {"step_size", {1.0}}, {"delay_limit", {std::int64_t{4}}}});
  const SettingValue::Table cosine = {{"kind", {std::string("cosine")}}, {"updates", {std::int64_t{4}}}};
  tables.push_back({{"name", {std::string("vanilla-asgd")}}, {"step_size", {1.0}}, {"schedule", {cosine}}});
  return tables;
}

bool is_read_somewhere(const std::string& method, const std::string& group, const std::string& key) {
  static const std::vector<SettingValue::Table> tables = variants();
  return std::ranges::any_of(tables, [&](const SettingValue::Table& table) {
    return (method.empty() || std::get<std::string>(table.at("name").value) == method) && is_read(table, group, key);
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
