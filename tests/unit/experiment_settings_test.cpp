// SPDX-License-Identifier: Apache-2.0
// What [run], [workers] and [compare] list is what is read: the other way round is checked whenever they are read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/toml_file.hpp"
#include "engines/catalogue/runtimes.hpp"
#include "experiment/compare_settings.hpp"
#include "experiment/grid.hpp"
#include "experiment/run_plan.hpp"
#include "experiment/run_settings.hpp"
#include "experiment/scenario_schema.hpp"
#include "experiment/world.hpp"
#include "support/error_of.hpp"
#include "timing/settings.hpp"

namespace tardigrad {
namespace {

// A value of another type than any setting has.
constexpr const char* kWrong = "[[true]]";

constexpr const char* kRest = R"([problem]
name = "quadratic"
[method]
name = "vanilla-asgd"
step_size = 0.1
)";

std::string problem_with(const std::string& text, const std::string& assignment) {
  return test::error_of([&] {
    SettingValue::Table table = parse_toml(kRest + text, "f.toml");
    apply_assignment(table, assignment);
    const Scenario scenario(std::move(table), "f.toml");
    Catalogues catalogues;
    const World world = make_world(scenario, 1, {catalogues, {}});
    make_run_plan(scenario, Use::run, world.problem->metric_names());
    if (scenario.has("compare")) {
      const std::unique_ptr<Settings> compare = scenario.compare_settings();
      read_grid(*compare);
      compare->finish();
    }
  });
}

// Is every setting of a list asked for, in one of the scenarios?
void expect_read(std::span<const SettingRow> rows, const std::string& where,
                 const std::vector<std::string>& scenarios) {
  for (const SettingRow& row : rows) {
    const std::string path = where + "." + row.key;
    bool read = false;
    for (const std::string& text : scenarios) {
      const std::string said = problem_with(text, path + "=" + kWrong);
      read |= said.find(path.substr(path.rfind('.') + 1) + " = [[true]]: ") != said.npos &&
              said.find("unknown key") == said.npos && said.find("means something only") == said.npos;
    }
    EXPECT_TRUE(read) << path << ": " << problem_with(scenarios.front(), path + "=" + kWrong);
    EXPECT_STRNE(row.meaning, "") << path;
    if (row.kind == SettingRow::Kind::table) expect_read(row.rows, path, scenarios);
  }
}

constexpr const char* kWorkers = "[workers]\ncount = 2\ncompute_time = 1.0\n";

TEST(ScenarioSettings, WhatRunListsIsRead) {
  const std::string start = std::string(kWorkers) + "[run]\n";
  expect_read(kRunSettings, "run",
              {start + "stop = { updates = 3 }\nevaluate_every = { updates = 1 }\ncheckpoint_every = { updates = 1 }\n"
                       "target = { metric = \"loss\", at_most = 0.1 }\n",
               start + "stop = { time = 3 }\nevaluate_every = { time = 1 }\ncheckpoint_every = { seconds = 1 }\n"
                       "target = { metric = \"loss\", at_least = 0.1 }\n",
               // a table is read where it holds one of its keys
               start + "stop = { time = 3 }\ncheckpoint_every = {}\ntarget = { metric = \"loss\" }\n"});
  for (const RuntimeRow& row : runtimes())
    expect_read(row.run_settings, "run", {start + "stop = { time = 3 }\nruntime = \"" + row.name + "\"\n"});
  EXPECT_THAT(problem_with(start + "stop = { time = 3 }\n", "run.events={ every = 0 }"),
              testing::HasSubstr("run.events.every = 0: must be an integer >= 1"));
}

TEST(ScenarioSettings, WhatWorkersListIsRead) {
  const std::string run = "[run]\nstop = { time = 3 }\n";
  const std::string alone = kWorkers + run;
  const std::string grouped = "[workers]\ngroups = [{ count = 2, compute_time = 1.0, availability = {} }]\n" + run;
  const std::string staying = std::string(kWorkers) + "availability = { up = 1.0 }\n" + run;
  expect_read(timing::kWorkersSettings, "workers", {alone, staying, grouped});
  expect_read(timing::kGroup, "workers.groups.0", {grouped});
  for (const SettingVariant& law : timing::kLaws) {
    std::string table = "compute_time = { kind = \"" + std::string(law.name) + "\"";
    for (const SettingRow& row : law.rows) table += ", " + std::string(row.key) + " = 1.0";
    expect_read(law.rows, "workers.compute_time", {"[workers]\ncount = 2\n" + table + " }\n" + run});
  }
  for (const RuntimeRow& row : runtimes())
    expect_read(row.workers_settings, "workers", {alone + "runtime = \"" + row.name + "\"\n"});
}

TEST(ScenarioSettings, WhatCompareListsIsRead) {
  const std::string text = std::string(kWorkers) +
                           "[run]\nstop = { time = 3 }\n[compare]\nseeds = [1]\n[[compare.methods]]\n"
                           "name = \"vanilla-asgd\"\nstep_size = 0.1\n[[compare.worlds]]\nlabel = \"w\"\n";
  expect_read(kCompareSettings, "compare", {text});
  for (const SettingRow& row : kWorldRows)
    EXPECT_THAT(problem_with(text, std::string("compare.worlds.0.") + row.key + "=1"),
                testing::HasSubstr(std::string("compare.worlds[0].") + row.key + " = 1: must be"));
}

// tests/schema_test.sh asks a validator; here is what needs none.
TEST(ScenarioSettings, TheSchemaIsMadeOfTheLists) {
  const auto schema = nlohmann::json::parse(scenario_schema(Catalogues()));
  EXPECT_EQ(schema["additionalProperties"], false);
  const auto& definitions = schema["definitions"];
  for (const SettingRow& row : kRunSettings) EXPECT_TRUE(definitions["run"]["properties"].contains(row.key)) << row.key;
  EXPECT_EQ(definitions["run"]["properties"]["seed"]["default"], 1);
  const auto& method = definitions["method"]["allOf"][0]["then"];
  EXPECT_EQ(method["properties"]["step_size"]["exclusiveMinimum"], 0.0);
  EXPECT_EQ(method["additionalProperties"], false);
  const auto& compared = definitions["compared_method"]["allOf"][0]["then"]["properties"];
  EXPECT_EQ(compared["step_size"]["anyOf"][1]["items"]["exclusiveMinimum"], 0.0);
}

// A stranger's method has the settings of its row, and not what those that are built in have in common.
TEST(ScenarioSettings, TheSchemaKnowsWhatWasAdded) {
  static constexpr Setting<double> kGamma = {.key = "gamma", .range = kPositive, .meaning = "a step"};
  static constexpr SettingRow kSettings[] = {kGamma};
  Catalogues catalogues;
  catalogues.methods.add({.name = "mine",
                          .summary = "steps",
                          .settings = kSettings,
                          .make = [](Settings&, const MethodContext&) { return std::unique_ptr<Method>(); }},
                         {.whose = "plugin mine.so"});
  catalogues.problems.add({.name = "valley",
                           .summary = "lists no settings",
                           .make = [](Settings&, const ProblemContext&) { return std::unique_ptr<Problem>(); }},
                          {.whose = "plugin mine.so"});
  const auto schema = nlohmann::json::parse(scenario_schema(catalogues));
  const auto& problem = schema["definitions"]["problem"];
  EXPECT_THAT(problem["properties"]["name"]["enum"], testing::Contains("valley"));
  for (const auto& each : problem["allOf"])  // it may have any settings
    EXPECT_NE(each["if"]["properties"]["name"]["const"], "valley");
  for (const char* definition : {"method", "compared_method"}) {
    const auto& method = schema["definitions"][definition];
    EXPECT_EQ(method["properties"]["name"]["enum"].back(), "mine");
    const auto& properties = method["allOf"].back()["then"]["properties"];
    EXPECT_TRUE(properties.contains("gamma"));
    EXPECT_FALSE(properties.contains("clip_radius"));
  }
}

}  // namespace
}  // namespace tardigrad
