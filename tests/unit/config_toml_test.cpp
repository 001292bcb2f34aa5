// SPDX-License-Identifier: Apache-2.0
// TOML files and assignments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/toml_file.hpp"
#include "support/error_of.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using test::error_of;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Toml, ValuesKeepTheirLines) {
  const auto table = parse_toml("[a]\nb = 1\nc = [1.5, \"x\"]\n\n[a.d]\ne = true\n", "f.toml");
  const auto& a = std::get<SettingValue::Table>(table.at("a").value);
  EXPECT_EQ(a.at("b").line, 2);
  EXPECT_EQ(std::get<std::int64_t>(a.at("b").value), 1);
  EXPECT_EQ(std::get<SettingValue::Table>(a.at("d").value).at("e").line, 6);
}

TEST(Toml, SaysWhereItIsNotToml) {
  EXPECT_EQ(parse_toml("\xef\xbb\xbf[a]\r\nb = 1\r\n", "f.toml"), parse_toml("[a]\nb = 1\n", "f.toml"));  // Notepad's
  EXPECT_THAT(error_of([] { parse_toml("a = 1\nb = = 2\n", "f.toml"); }), StartsWith("f.toml:2:"));
  EXPECT_THAT(error_of([] { parse_toml("a = 1\na = 2\n", "f.toml"); }), StartsWith("f.toml:2:"));
  EXPECT_THAT(error_of([] { parse_toml("d = 2026-01-01\n", "f.toml"); }), HasSubstr("f.toml:1: a date or time"));
  EXPECT_THAT(error_of([] { read_toml("/nonexistent.toml"); }),
              HasSubstr("/nonexistent.toml: cannot read: No such file"));
  EXPECT_THAT(error_of([] { read_toml("/"); }), HasSubstr("/: cannot read: is a directory"));
  EXPECT_THAT(error_of([] { parse_toml("a = " + std::string(40, '[') + std::string(40, ']'), "f.toml"); }),
              HasSubstr("nested more than 32 deep"));
}

// A parser that goes as deep as a text does has no stack left; so each way down is closed before it is begun.
TEST(Toml, IsNotParsedWhereItIsTooDeep) {
  const auto times = [](std::size_t count, const std::string& text) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += text;
    return all;
  };
  constexpr std::size_t kDeep = 100'000;
  const std::string lists = times(kDeep, "["), tables = times(kDeep, "{a="), keys = times(kDeep, "a.") + "a";
  for (const std::string& text : {"a = " + lists, "a = " + tables, keys + " = 1", "[" + keys + "]", "[[" + keys + "]]",
                                  "a = {" + keys + " = 1}", "s = '[' # {\nb = '''\n''''\nc = " + lists,
                                  "s = \"\"\"\"\"\"\"\"\nc = " + lists, "s = \"\\\"[\" \nc = " + lists})
    EXPECT_THAT(error_of([&] { parse_toml(text, "f.toml"); }), HasSubstr("nested more than 32 deep"))
        << text.substr(0, 40);
  SettingValue::Table table;
  EXPECT_THAT(error_of([&] { apply_assignment(table, "a=" + lists); }), HasSubstr("nested more than 32 deep"));
  EXPECT_THAT(error_of([&] { apply_assignment(table, "a=" + tables); }), HasSubstr("nested more than 32 deep"));
  EXPECT_THAT(error_of([&] { apply_assignment(table, keys + "=1"); }), HasSubstr("a key of more than 32 parts"));
  const std::string strings = "s = '" + lists + "' # " + lists + "\nt = \"\"\"\n" + lists + "\"\"\"\nl = [0.5, 1.5]\n";
  EXPECT_EQ(parse_toml(strings, "f").size(), 3u);
}

TEST(Toml, DocumentsAreReadBackAsTheyWere) {
  const auto table = parse_toml(
      "x = 0.1\ny = inf\nz = -3\ns = \"a\\\"b\\\\\\n\\u0001\"\n\"odd key\" = 1\n[t]\nl = [1, [2.5], {k = true}]\n"
      "[[u]]\nv = 1\n[[u]]\nv = 2\n[e]\n[t.\"a.b\"]\nc = 1\n",
      "f.toml");
  EXPECT_EQ(parse_toml(to_toml_document(table), "again.toml"), table);
}

TEST(Assignment, ReachesTablesAndLists) {
  auto table = parse_toml("[workers]\ngroups = [ { count = 8 }, { count = 8 } ]\n", "f.toml");
  apply_assignment(table, "workers.groups.1.count=4");
  apply_assignment(table, "method.name=vanilla-asgd");
  apply_assignment(table, "method.step_size=0.5");
  apply_assignment(table, "run.stop={ updates = 10 }");
  apply_assignment(table, "compare.seeds=[1, 2]");
  EXPECT_EQ(to_toml_document(table),
            "[compare]\nseeds = [1, 2]\n\n[method]\nname = \"vanilla-asgd\"\nstep_size = 0.5\n\n"
            "[run]\nstop = { updates = 10 }\n\n[workers]\ngroups = [{ count = 8 }, { count = 4 }]\n");
}

TEST(Assignment, EveryMistakeHasItsLine) {
  SettingValue::Table table = parse_toml("x = 1\nl = [1, 2]\n", "f.toml");
  const auto complaint = [&](const char* assignment) { return error_of([&] { apply_assignment(table, assignment); }); };
  EXPECT_THAT(complaint("nonsense"), HasSubstr("assignment nonsense: must be KEY=VALUE"));
  EXPECT_THAT(complaint("=3"), HasSubstr("must be KEY=VALUE"));
  EXPECT_THAT(complaint("a..b=3"), HasSubstr("has an empty part"));
  EXPECT_THAT(complaint("x.y=3"), HasSubstr("what stands before `y` is no table"));
  EXPECT_THAT(complaint("a.\x91=3"), HasSubstr("assignment: a text that is not UTF-8"));
  EXPECT_THAT(complaint("l.2=3"), HasSubstr("`2` is no place in a list of 2"));
  EXPECT_THAT(complaint("l.one=3"), HasSubstr("`one` is no place in a list of 2"));
}

}  // namespace
}  // namespace tardigrad
