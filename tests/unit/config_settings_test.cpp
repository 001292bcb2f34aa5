// SPDX-License-Identifier: Apache-2.0
#include "tardigrad/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using List = SettingValue::List;
using Table = SettingValue::Table;

SettingValue integer_value(std::int64_t i, int line = 0) { return {i, line}; }
SettingValue text_value(const char* text, int line = 0) { return {std::string(text), line}; }

Settings method(Table table) { return Settings(std::move(table), "method", "run.toml", 3); }

std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

TEST(Settings, NumbersComeFromIntegersAndFloats) {
  Settings s = method({{"a", {0.5}}, {"b", integer_value(2)}});
  EXPECT_EQ(s.number("a"), 0.5);
  EXPECT_EQ(s.number("b"), 2.0);
  EXPECT_EQ(s.number_or("c", 7.5), 7.5);
  EXPECT_EQ(s.number_or("a", 9.0), 0.5);
  EXPECT_TRUE(s.has("a"));
  EXPECT_FALSE(s.has("c"));
}

TEST(Settings, IntegersMayBeWrittenAsFloats) {
  Settings s = method({{"a", integer_value(-3)}, {"b", {1e6}}});
  EXPECT_EQ(s.integer("a"), -3);
  EXPECT_EQ(s.integer("b"), 1'000'000);
  EXPECT_EQ(s.integer_or("c", 4), 4);
  EXPECT_EQ(s.integer_or("a", 4), -3);
}

TEST(Settings, TextsChoicesAndBooleans) {
  Settings s = method({{"t", text_value("abc")}, {"c", text_value("dog")}, {"b", {true}}});
  EXPECT_EQ(s.text("t"), "abc");
  EXPECT_EQ(s.text_or("t", "x"), "abc");
  EXPECT_EQ(s.text_or("u", "x"), "x");
  EXPECT_EQ(s.choice("c", {"cat", "dog"}), "dog");
  EXPECT_EQ(s.choice_or("c", "cat", {"cat", "dog"}), "dog");
  EXPECT_EQ(s.choice_or("d", "cat", {"cat", "dog"}), "cat");
  EXPECT_TRUE(s.boolean_or("b", false));
  EXPECT_TRUE(s.boolean_or("e", true));
}

TEST(Settings, ListsOfNumbers) {
  Settings s = method({{"one", integer_value(3)}, {"many", {List{integer_value(1), {2.5}}}}});
  EXPECT_EQ(s.numbers("one"), (std::vector<double>{3}));
  EXPECT_EQ(s.numbers("many"), (std::vector<double>{1, 2.5}));
}

TEST(Settings, SubTables) {
  Settings s = method({{"inner", {Table{{"k", integer_value(1)}}}},
                       {"list", {List{{Table{{"k", integer_value(2)}}}, {Table{{"k", integer_value(3)}}}}}}});
  EXPECT_EQ(s.table("inner").integer("k"), 1);
  EXPECT_EQ(&s.table("inner"), &s.table("inner"));
  EXPECT_EQ(&s.table_or_empty("inner"), &s.table("inner"));
  EXPECT_EQ(s.table_or_empty("none").integer_or("k", 9), 9);
  const std::vector<Settings*> tables = s.tables("list");
  ASSERT_EQ(tables.size(), 2u);
  EXPECT_EQ(tables[0]->integer("k"), 2);
  EXPECT_EQ(tables[1]->integer("k"), 3);
  s.finish();
}

TEST(Settings, RawNotesTheKey) {
  Settings s = method({{"a", text_value("x")}});
  EXPECT_EQ(s.raw("a"), std::optional<SettingValue>(text_value("x")));
  EXPECT_EQ(s.raw("b"), std::nullopt);
  s.finish();
}

struct Message {
  Table table;
  std::function<void(Settings&)> act;
  const char* text;
};

TEST(Settings, EveryMessage) {
  const Table number_5 = {{"a", integer_value(5, 7)}};
  const Table text_x = {{"a", text_value("x", 7)}};
  const std::vector<Message> messages = {
      {{{"a", integer_value(-1, 7)}},
       [](Settings& s) { s.number("a", Range::positive()); },
       "run.toml:7: method.a = -1: must be a number > 0"},
      {number_5, [](Settings& s) { s.number("a", Range::at_least(6)); },
       "run.toml:7: method.a = 5: must be a number >= 6"},
      {number_5, [](Settings& s) { s.number("a", {.high = 4}); }, "run.toml:7: method.a = 5: must be a number <= 4"},
      {number_5, [](Settings& s) { s.number("a", {.high = 5, .high_open = true}); },
       "run.toml:7: method.a = 5: must be a number < 5"},
      {number_5, [](Settings& s) { s.number("a", {.low = 0, .high = 1}); },
       "run.toml:7: method.a = 5: must be a number in [0, 1]"},
      {number_5, [](Settings& s) { s.number("a", {.low = 0, .high = 5, .low_open = true, .high_open = true}); },
       "run.toml:7: method.a = 5: must be a number in (0, 5)"},
      {{{"a", {std::nan(""), 7}}}, [](Settings& s) { s.number("a"); }, "run.toml:7: method.a = nan: must be a number"},
      {text_x, [](Settings& s) { s.number("a"); }, "run.toml:7: method.a = \"x\": must be a number"},
      {{}, [](Settings& s) { s.number("a"); }, "run.toml:3: method.a: is missing; it must be a number"},
      {{{"a", {2.5, 7}}}, [](Settings& s) { s.integer("a"); }, "run.toml:7: method.a = 2.5: must be an integer"},
      {number_5, [](Settings& s) { s.integer("a", {.low = 1, .high = 4}); },
       "run.toml:7: method.a = 5: must be an integer in [1, 4]"},
      {{},
       [](Settings& s) { s.integer("a", Range::at_least(1)); },
       "run.toml:3: method.a: is missing; it must be an integer >= 1"},
      {number_5, [](Settings& s) { s.boolean_or("a", true); }, "run.toml:7: method.a = 5: must be true or false"},
      {number_5, [](Settings& s) { s.text("a"); }, "run.toml:7: method.a = 5: must be a text in quotes"},
      {{}, [](Settings& s) { s.text("a"); }, "run.toml:3: method.a: is missing; it must be a text in quotes"},
      {number_5,
       [](Settings& s) {
         s.choice("a", {"cat", "dog"});
       },
       "run.toml:7: method.a = 5: must be one of cat, dog, in quotes"},
      {{},
       [](Settings& s) {
         s.choice("a", {"cat", "dog"});
       },
       "run.toml:3: method.a: is missing; it must be one of cat, dog"},
      {{{"a", text_value("constnat", 7)}},
       [](Settings& s) {
         s.choice("a", {"constant", "by-delay"});
       },
       "run.toml:7: method.a = \"constnat\": must be one of constant, by-delay; did you mean `constant`?"},
      {{{"a", text_value("zzzzzz", 7)}},
       [](Settings& s) {
         s.choice_or("a", "constant", {"constant", "by-delay"});
       },
       "run.toml:7: method.a = \"zzzzzz\": must be one of constant, by-delay"},
      {{},
       [](Settings& s) { s.numbers("a"); },
       "run.toml:3: method.a: is missing; it must be a number or a list of numbers"},
      {{{"a", {List{}, 7}}}, [](Settings& s) { s.numbers("a"); }, "run.toml:7: method.a = []: must not be empty"},
      {{{"a", {List{integer_value(1), integer_value(-1)}, 7}}},
       [](Settings& s) { s.numbers("a", Range::positive()); },
       "run.toml:7: method.a = [1, -1]: must be a number > 0, or a list of such"},
      {number_5, [](Settings& s) { s.table("a"); }, "run.toml:7: method.a = 5: must be a table, as in { key = value }"},
      {{}, [](Settings& s) { s.table("a"); }, "run.toml:3: method.a: is missing; it must be a table"},
      {number_5, [](Settings& s) { s.tables("a"); },
       "run.toml:7: method.a = 5: must be a list of tables, as in [ { key = value }, ... ]"},
      {{{"a", {List{integer_value(1)}, 7}}},
       [](Settings& s) { s.tables("a"); },
       "run.toml:7: method.a = [1]: must be a list of tables, as in [ { key = value }, ... ]"},
      {{}, [](Settings& s) { s.tables("a"); }, "run.toml:3: method.a: is missing; it must be a list of tables"},
      {{{"stepsize", integer_value(1, 9)}},
       [](Settings& s) { s.number("step_size"); },
       "run.toml:9: method.stepsize = 1: unknown key; did you mean `step_size`?"},
      {{{"a", integer_value(1, 9)}, {"clip", integer_value(1, 8)}},
       [](Settings& s) {
         s.number_or("step_size", 1);
         s.allow("clip_radius");
         s.finish();
       },
       "run.toml:8: method.clip = 1: unknown key; did you mean `clip_radius`? (known here: clip_radius, step_size)"},
      {number_5, [](Settings& s) { s.fail("a", "is odd"); }, "run.toml:7: method.a = 5: is odd"},
  };
  for (const Message& message : messages) {
    Settings settings = method(message.table);
    EXPECT_EQ(error_of([&] { message.act(settings); }), message.text);
  }
}

TEST(Settings, MessagesWithoutFileOrLine) {
  Settings bare({{"a", integer_value(5)}});
  EXPECT_EQ(error_of([&] { bare.text("a"); }), "a = 5: must be a text in quotes");
  Settings no_line({{"a", integer_value(5)}}, "x", "run.toml");
  EXPECT_EQ(error_of([&] { no_line.text("a"); }), "run.toml: x.a = 5: must be a text in quotes");
}

TEST(Settings, LongValuesAreCutInMessages) {
  Settings s({{"a", text_value(std::string(200, 'x').c_str())}});
  EXPECT_EQ(error_of([&] { s.number("a"); }), "a = \"" + std::string(76, 'x') + "...: must be a number");
}

TEST(Settings, MessagesOfSubTablesNameTheirPath) {
  Settings s = method({{"inner", {Table{{"k", integer_value(1)}}, 11}},
                       {"list", {List{{Table{}}, {Table{{"k", integer_value(3, 13)}}}}, 12}}});
  EXPECT_EQ(error_of([&] { s.table("inner").text("k"); }), "run.toml:11: method.inner.k = 1: must be a text in quotes");
  EXPECT_EQ(error_of([&] { s.tables("list")[1]->text("k"); }),
            "run.toml:13: method.list[1].k = 3: must be a text in quotes");
}

TEST(Settings, FinishLooksIntoSubTables) {
  Settings s = method({{"inner", {Table{{"typo", integer_value(1, 12)}}, 11}}});
  s.table("inner").number_or("top", 1);
  EXPECT_EQ(error_of([&] { s.finish(); }),
            "run.toml:12: method.inner.typo = 1: unknown key; did you mean `top`? (known here: top)");
}

TEST(Settings, ResolvedHoldsValuesAndDefaults) {
  Settings s = method({{"a", integer_value(1)}, {"inner", {Table{}}}, {"list", {List{{Table{{"k", {2.0}}}}}}}});
  s.number("a");
  s.number_or("b", 0.5);
  s.table("inner").text_or("t", "x");
  s.table_or_empty("unused");
  s.tables("list").front()->integer("k");
  const SettingValue::Table resolved = s.resolved();
  EXPECT_EQ(to_toml({resolved}), R"({ a = 1.0, b = 0.5, inner = { t = "x" }, list = [{ k = 2 }] })");
}

TEST(ToToml, EveryKindOfValue) {
  EXPECT_EQ(to_toml({true}), "true");
  EXPECT_EQ(to_toml(integer_value(-7)), "-7");
  EXPECT_EQ(to_toml({0.1}), "0.1");
  EXPECT_EQ(to_toml({3.0}), "3.0");
  EXPECT_EQ(to_toml({1e300}), "1e+300");
  EXPECT_EQ(to_toml({INFINITY}), "inf");
  EXPECT_EQ(to_toml({-INFINITY}), "-inf");
  EXPECT_EQ(to_toml(text_value("a\"b\\c\n\t\x01")), R"("a\"b\\c\n\t\u0001")");
  EXPECT_EQ(to_toml({List{}}), "[]");
  EXPECT_EQ(to_toml({Table{}}), "{}");
  EXPECT_EQ(to_toml({Table{{"a b", integer_value(1)}}}), R"({ "a b" = 1 })");
}

TEST(NearestMatch, FindsSlipsAndPrefixesAndKnowsWhenNothingIsNear) {
  const std::vector<std::string> names = {"ringmaster", "rennala", "clipped-asgd"};
  EXPECT_EQ(nearest_match("ringmastre", names), "ringmaster");
  EXPECT_EQ(nearest_match("renala", names), "rennala");
  EXPECT_EQ(nearest_match("clipped", names), "clipped-asgd");
  EXPECT_EQ(nearest_match("xyz", names), "");
  EXPECT_EQ(nearest_match("", names), "");
  EXPECT_EQ(nearest_match("a", {}), "");
  EXPECT_EQ(did_you_mean("renala", names), "; did you mean `rennala`?");
  EXPECT_EQ(did_you_mean("xyz", names), "");
  EXPECT_EQ(join(names), "ringmaster, rennala, clipped-asgd");
  EXPECT_EQ(join({}), "");
}

// Absolute, from the folder that the value was written in; a hash of the resolved settings does not know where.
TEST(Settings, PathsCountFromTheirFile) {
  const auto table = [](const std::string& text, int line) {
    return SettingValue::Table{{"data", {text, line}}, {"name", {std::string("x"), 1}}};
  };
  const auto path = [&](const std::string& text, int line, const std::string& file) {
    Settings settings(table(text, line), "problem", file);
    settings.text("name");
    std::string found = settings.file_path("data");
    EXPECT_EQ(settings.resolved(), (SettingValue::Table{{"data", {found}}, {"name", {std::string("x")}}}));
    EXPECT_EQ(settings.resolved_without_paths(),
              (SettingValue::Table{{"data", {std::string("FILE")}}, {"name", {std::string("x")}}}));
    settings.finish();
    return found;
  };
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(path("d.svm", 2, "/a/b/s.toml"), "/a/b/d.svm");
  EXPECT_EQ(path("../d.svm", 2, "/a/b/s.toml"), "/a/d.svm");
  EXPECT_EQ(path("./d.svm", 2, "s.toml"), here + "/d.svm");
  EXPECT_EQ(path("d.svm", 2, "b/s.toml"), here + "/b/d.svm");
  EXPECT_EQ(path("d.svm", 0, "/a/b/s.toml"), here + "/d.svm");  // from the command line
  EXPECT_EQ(path("/d.svm", 2, "/a/b/s.toml"), "/d.svm");
  setenv("HOME", "/home/me", 1);
  EXPECT_EQ(path("~/d.svm", 2, "/a/b/s.toml"), "/home/me/d.svm");
  EXPECT_EQ(path("~d.svm", 2, "/a/b/s.toml"), "/a/b/~d.svm");
  Settings empty(table("", 2), "problem", "/a/s.toml");
  EXPECT_THROW(empty.file_path("data"), Error);
}

TEST(CheckDeathTest, PrintsTheConditionItsPartsAndTheContexts) {
  struct Seed final : FailureContext {
    std::string describe() const override { return "seed 42"; }
  };
  struct Inner final : FailureContext {
    std::string describe() const override { return "last event 7"; }
  };
  const auto fail = [] {
    const Seed seed;
    const Inner inner;
    TG_CHECK(1 + 1 == 3, "sum ", 2);
  };
  EXPECT_DEATH(fail(), "config_settings_test.cpp:[0-9]+: `1 \\+ 1 == 3` does not hold: sum 2\nlast event 7\nseed 42");
}

}  // namespace
}  // namespace tardigrad
