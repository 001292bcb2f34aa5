// SPDX-License-Identifier: Apache-2.0
#include "tardigrad/setting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>

#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using testing::ThrowsMessage;

constexpr Setting<double> kRate = {.key = "rate",
                                   .fallback = 0.5,
                                   .range = {.low = 0, .high = 1, .high_open = true},
                                   .unit = "s",
                                   .meaning = "how fast"};
constexpr Setting<double> kRadius = {
    .key = "radius", .fallback = std::numeric_limits<double>::infinity(), .range = kPositive, .words = {"auto"}};
constexpr Setting<std::int64_t> kCount = {.key = "count", .range = at_least(1)};
constexpr Setting<std::int64_t> kLimit = {.key = "limit", .default_in_words = "count", .range = at_least(1)};
constexpr Setting<bool> kStop = {.key = "stop", .fallback = true};
constexpr Setting<Choice> kRule = {.key = "rule", .fallback = "one", .words = {"one", "two"}};
constexpr SettingRow kInner[] = {kRate, kStop};
constexpr Setting<SubTable> kTable = {.key = "table", .default_in_words = "{}", .rows = kInner};
constexpr SettingRow kRows[] = {kRate, kRadius, kCount, kLimit, kStop, kRule, kTable};

using Texts = std::pair<std::string, std::string>;

Settings of(SettingValue::Table table) { return Settings(std::move(table), "method"); }

TEST(Setting, IsReadAsItIsListed) {
  Settings settings = of({{"count", {std::int64_t{7}}}, {"rule", {std::string("two")}}});
  EXPECT_EQ(read(settings, kRate), 0.5);
  EXPECT_EQ(read(settings, kCount), 7);
  EXPECT_EQ(read(settings, kLimit, 7), 7);
  EXPECT_EQ(read(settings, kStop), true);
  EXPECT_EQ(read(settings, kRule), "two");
  EXPECT_EQ(read_if_given(settings, kRadius), std::nullopt);
  settings.finish();
  EXPECT_EQ(to_toml({settings.resolved()}), "{ count = 7, limit = 7, rate = 0.5, rule = \"two\", stop = true }");
}

TEST(Setting, IsReadByItsRow) {
  constexpr Setting<double> kLater = {.key = "later", .default_in_words = "never", .range = kPositive};
  constexpr Setting<double> kNeeded = {.key = "needed", .range = kPositive};
  Settings settings = of({{"needed", {2.0}}});
  EXPECT_EQ(read_number(settings, kRate), 0.5);
  EXPECT_EQ(read_number(settings, kLater), std::nullopt);
  EXPECT_EQ(read_number(settings, kNeeded), 2.0);
  settings.finish();
  Settings wrong = of({{"later", {0.0}}});
  EXPECT_THAT([&] { read_number(wrong, kLater); }, ThrowsMessage<Error>("method.later = 0.0: must be a number > 0"));
  EXPECT_THAT([&] { read_number(wrong, kNeeded); },
              ThrowsMessage<Error>("method.needed: is missing; it must be a number > 0"));
}

TEST(Setting, WhatIsNotAllowedIsSaidAsEver) {
  const auto refuses = [](SettingValue::Table table, const auto& setting, const std::string& message) {
    Settings settings = of(std::move(table));
    EXPECT_THAT([&] { read(settings, setting); }, ThrowsMessage<Error>(message));
  };
  refuses({{"rate", {1.0}}}, kRate, "method.rate = 1.0: must be a number in [0, 1)");
  refuses({}, kCount, "method.count: is missing; it must be an integer >= 1");
  refuses({{"stop", {1.0}}}, kStop, "method.stop = 1.0: must be true or false");
  refuses({{"rule", {std::string("tow")}}}, kRule,
          "method.rule = \"tow\": must be one of one, two; did you mean `two`?");
  Settings settings = of({{"limit", {std::int64_t{9}}}});
  EXPECT_THAT([&] { read(settings, kLimit, 7, {.low = 1, .high = 8}); },
              ThrowsMessage<Error>("method.limit = 9: must be an integer in [1, 8]"));
}

TEST(Setting, SaysWhatItIs) {
  const auto texts = [](const char* key) {
    const SettingRow* row = find(kRows, key);
    return Texts(row->default_text(), row->allowed_text());
  };
  EXPECT_EQ(texts("rate"), Texts("0.5", "a number in [0, 1) of s"));
  EXPECT_EQ(texts("radius"), Texts("inf", "a number > 0, \"auto\""));
  EXPECT_EQ(texts("count"), Texts("", "an integer >= 1"));
  EXPECT_EQ(texts("limit"), Texts("count", "an integer >= 1"));
  EXPECT_EQ(texts("stop"), Texts("true", "true, false"));
  EXPECT_EQ(texts("rule"), Texts("one", "\"one\", \"two\""));
  EXPECT_EQ(texts("table"), Texts("{}", "{ rate, stop }"));
  EXPECT_TRUE(find(kRows, "count")->must_be_given());
  EXPECT_FALSE(find(kRows, "limit")->must_be_given());
  EXPECT_EQ(find(kRows, "none"), nullptr);
}

}  // namespace
}  // namespace tardigrad
