// SPDX-License-Identifier: Apache-2.0
// What a problem lists is what it reads, LibTorch's included where they are installed. The other way round is checked
// whenever one is made (problems/catalogue.cpp).
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "problems/catalogue.hpp"
#include "problems_testing.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad::problems {
namespace {

using namespace testing;  // NOLINT: helpers of these tests
namespace fs = std::filesystem;

// A value of another type than any setting has.
const SettingValue kWrong = {SettingValue::List{{true}}};

class ProblemSettings : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!catalogue_.find(GetParam()) && !catalogue_.add_torch_plugin()) GTEST_SKIP() << "without LibTorch";
    std::string pattern = (fs::temp_directory_path() / "tardigrad-settings-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::ofstream rows(folder_ / "rows");
    for (int i = 0; i < 40; ++i) rows << (i % 2 ? "+1 1:1\n" : "-1 2:1\n");
    std::ofstream text(folder_ / "text");
    for (int i = 0; i < 4000; ++i) text << "abcde fghij"[i % 11];
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  std::span<const SettingRow> listed() const { return catalogue_.settings_of(GetParam()).value(); }

  // What it needs to be made at all, and to be small.
  Table least() const {
    const std::string name = GetParam();
    Table table = {{"name", {name}}};
    if (name == "logistic") table["data"] = {(folder_ / "rows").string()};
    if (name == "char-lstm") {
      table["data"] = {(folder_ / "text").string()};
      for (const char* key : {"hidden", "embedding"}) table[key] = integer(4);
    }
    return table;
  }

  // What was read, defaults included.
  Table made(Table table) {
    Settings settings(std::move(table), "problem");
    settings.text("name");
    problem_ = catalogue_.make(catalogue_.row(GetParam()), settings, {.workers = 2, .seed = 1, .data_root = folder_});
    settings.finish();
    return settings.resolved();
  }

  // Is one that is wrong told of, as one that is known?
  void expect_read(Table table, const std::string& key, const std::string& inner = "") {
    (inner.empty() ? table[key] : std::get<Table>(table[key].value)[inner]) = kWrong;
    const std::string path = "problem." + key + (inner.empty() ? "" : "." + inner);
    try {
      made(std::move(table));
      ADD_FAILURE() << path << " is not read";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_TRUE(message.starts_with(path + " = [true]: ")) << message;
      EXPECT_EQ(message.find("unknown key"), message.npos) << message;
    }
  }

  ProblemCatalogue catalogue_;
  std::unique_ptr<Problem> problem_;  // keeps its data, which the next one has too
  fs::path folder_;
};

// The table of a variant with all that must be given.
Table table_of(const SettingRow& setting, const SettingVariant& variant) {
  Table table = {{setting.rows.front().key, text(variant.name)}};
  for (const SettingRow& row : variant.rows)
    if (row.must_be_given()) table[row.key] = {1.0};
  return table;
}

// Every one that has a value of its own is among those that were read.
void expect_resolved(std::span<const SettingRow> rows, const Table& resolved) {
  for (const SettingRow& row : rows)
    if (row.must_be_given() || row.fallback.index() != 0) {
      EXPECT_EQ(resolved.count(row.key), 1u) << row.key;
    }
}

TEST_P(ProblemSettings, WhatIsListedIsRead) {
  expect_resolved(listed(), made(least()));
  for (const SettingRow& setting : listed()) {
    expect_read(least(), setting.key);
    if (setting.kind == SettingRow::Kind::table) {
      Table table = least();
      table[setting.key] = {Table{}};
      for (const SettingRow& inner : setting.rows) expect_read(table, setting.key, inner.key);
    }
    for (const SettingVariant& variant : setting.variants) {
      Table table = least();
      table[setting.key] = {table_of(setting, variant)};
      const Table resolved = made(table);
      expect_resolved(variant.rows, std::get<Table>(resolved.at(setting.key).value));
      for (const SettingRow& inner : variant.rows) expect_read(table, setting.key, inner.key);
    }
  }
}

constexpr const char* kNames[] = {"quadratic", "quadratic-tridiagonal", "logistic", "softmax", "cnn", "resnet18",
                                  "char-lstm"};
INSTANTIATE_TEST_SUITE_P(Rows, ProblemSettings, ::testing::ValuesIn(kNames), [](const auto& each) {
  std::string name = each.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

void expect_once_each(std::span<const SettingRow> rows, const std::string& where) {
  for (const SettingRow& row : rows) {
    EXPECT_EQ(std::ranges::count_if(rows, [&](const SettingRow& each) { return each.is(row.key); }), 1)
        << where << row.key;
    EXPECT_STRNE(row.meaning, "") << where << row.key;
    expect_once_each(row.rows, where + row.key + ".");
    for (const SettingVariant& variant : row.variants) {
      EXPECT_STRNE(variant.meaning, "") << where << row.key << ", " << variant.name;
      expect_once_each(variant.rows, where + row.key + ", " + variant.name + ".");
    }
  }
}

// LibTorch's too, which are listed without it. A stranger's need not be.
TEST(ProblemSettingsListed, EachOnceWithItsMeaning) {
  ProblemCatalogue catalogue;
  EXPECT_EQ(catalogue.names(), std::vector<std::string>(std::begin(kNames), std::end(kNames)));
  for (const std::string& name : catalogue.names()) expect_once_each(catalogue.settings_of(name).value(), name + ".");
  catalogue.add({.name = "mine",
                 .summary = "a problem",
                 .make = [](Settings&, const ProblemContext&) { return std::unique_ptr<Problem>(); }},
                {.whose = "plugin mine.so"});
  EXPECT_FALSE(catalogue.settings_of("mine"));
  EXPECT_FALSE(catalogue.settings_of("quadratc"));
}

}  // namespace
}  // namespace tardigrad::problems
