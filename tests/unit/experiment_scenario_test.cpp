// SPDX-License-Identifier: Apache-2.0
// Scenario files: what they mean, and every mistake in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/toml_file.hpp"
#include "experiment/run_identity.hpp"
#include "experiment/scenario.hpp"
#include "support/error_of.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using test::error_of;
using testing::HasSubstr;

constexpr const char* kScenario = R"([problem]
name = "quadratic"
dimension = 10
mu = 0.1
smoothness = 1.0
[workers]
count = 4
compute_time = 1.0
[method]
name = "vanilla-asgd"
step_size = 0.1
[run]
stop = { updates = 100 }
)";

struct Complaint {
  const char* change;  // "key=value" or "" ; several separated by ';'
  const char* message;
};

// What a user gets to see for each mistake in a scenario.
void expect_complaints(const char* toml, const std::vector<Complaint>& complaints) {
  for (const Complaint& complaint : complaints) {
    const std::string message = error_of([&] {
      auto table = parse_toml(toml, "f.toml");
      apply_assignment(table, complaint.change);
      const Scenario scenario(std::move(table), "f.toml");
      Catalogues catalogues;
      const World world = make_world(scenario, scenario.seed(), {catalogues, {}});
      make_run_plan(scenario, Use::run, world.problem->metric_names());
      make_method(scenario, world, catalogues.methods);
    });
    EXPECT_THAT(message, HasSubstr(complaint.message)) << complaint.change;
    EXPECT_EQ(message.find('\n'), std::string::npos) << complaint.change;
  }
}

TEST(Scenario, EveryMistakeHasItsLine) {
  const std::vector<Complaint> complaints = {
      {"porblem.name=1", "f.toml: porblem = { name = 1 }: unknown key; did you mean `problem`?"},
      {"run=3", "run = 3: must be a table, as in [run]"},
      {"problem.dimenson=3", "problem.dimenson = 3: unknown key; did you mean `dimension`?"},
      {"problem.name=quadratc",
       "problem.name = \"quadratc\": problem `quadratc` is unknown; did you mean `quadratic`?"},
      {"workers.count=0", "workers.count = 0: must be an integer"},
      {"workers.cuont=4", "workers.cuont = 4: unknown key; did you mean `count`?"},
      {"method.name=vanila", "is no method; did you mean `vanilla-asgd`?"},
      {"run.stop={}", "must hold at least one of updates, gradients, time"},
      {"run.stop.updates=0", "run.stop.updates = 0: must be an integer >= 1"},
      {"run.stop.time=-1", "run.stop.time = -1: must be a number in (0, "},
      {"run.stop.upates=5", "run.stop.upates = 5: unknown key; did you mean `updates`?"},
      {"run.stop.target=true", "run.stop.target = true: there is no run.target to stop at"},
      {"run.target={metric=\"los\",at_most=1}",
       "run.target.metric = \"los\": must be one of loss, gradient_norm; did you mean `loss`?"},
      {"run.target={metric=\"loss\"}", "needs a threshold beside it: either at_most or at_least"},
      {"run.target={metric=\"loss\",at_most=1,at_least=2}", "either at_most or at_least"},
      {"run.target={metric=\"loss\",at_most=1,hold=0}", "run.target.hold = 0: must be an integer in [1"},
      {"run.evaluate_every={time=1,updates=2}", "either time or updates, not both"},
      {"run.evaluate_every.updates=0", "run.evaluate_every.updates = 0: must be an integer >= 1"},
      {"run.evaluate_every.tiem=1", "unknown key; did you mean `time`?"},
      {"run.events=often", "run.events = \"often\": must be true, false, or { every = k }"},
      {"run.events={every=0}", "run.events.every = 0: must be an integer >= 1"},
      {"run.seed=-1", "run.seed = -1: must be an integer"},
      {"run.seed=1.5", "run.seed = 1.5: must be an integer"},
      {"run.runtime=thread",
       "run.runtime = \"thread\": must be one of sim, threads, hogwild, grpc; did you mean `threads`?"},
      {"run.time_scale=2", "run.time_scale = 2: means something only with run.runtime = \"threads\""},
      {"workers.restart_after=2", "workers.restart_after = 2: means something only with run.runtime = \"threads\""},
      {"run.sede=1", "run.sede = 1: unknown key; did you mean `seed`?"},
  };
  expect_complaints(kScenario, complaints);
}

constexpr const char* kHogwild = R"([problem]
name = "quadratic"
[workers]
count = 4
[method]
name = "vanilla-asgd"
step_size = 0.1
[run]
runtime = "hogwild"
stop = { updates = 100 }
)";

// Of a run without a server: what would have no effect.
TEST(Scenario, HogwildHeedsWhatItTakes) {
  const std::vector<Complaint> complaints = {
      {"method.name=clipped-asgd",
       "method.name = \"clipped-asgd\": needs a server, and with run.runtime = \"hogwild\" "
       "there is none: only vanilla-asgd runs there"},
      {"method.name=vanila-asgd", "did you mean `vanilla-asgd`?"},
      {"method.step_size=0", "method.step_size = 0: must be a number > 0"},
      {"method.clip_radius=2.0",
       "method.clip_radius = 2.0: has no effect with run.runtime = \"hogwild\": only "
       "step_size and schedule have, as no server is there"},
      {"method.clipping={rule=\"norm\"}", "method.clipping = { rule = \"norm\" }: has no effect"},
      {"method.privacy={noise_multiplier=1.0}", "method.privacy = { noise_multiplier = 1.0 }: has no effect"},
      {"method.update={rule=\"momentum\"}", "method.update = { rule = \"momentum\" }: has no effect"},
      {"method.dispatch=uniform", "method.dispatch = \"uniform\": has no effect"},
      {"method.initial_orders=uniform", "method.initial_orders = \"uniform\": has no effect"},
      {"method.concurrency=2", "method.concurrency = 2: has no effect"},
      {"method.step=2", "method.step = 2: unknown key; did you mean `step_size`?"},
      {"method.schedule={kind=\"cosine\"}", "method.schedule.updates: is missing"},
      {"workers.compute_time=1.0",
       "workers.compute_time = 1.0: has no effect with run.runtime = \"hogwild\": its workers "
       "are `count` threads, as fast as they can be and always there"},
      {"workers.availability={up=1.0}", "workers.availability = { up = 1.0 }: has no effect"},
      {"workers.groups=[{count=2}]", "workers.groups = [{ count = 2 }]: has no effect"},
      {"workers.restart_after=1.0", "workers.restart_after = 1.0: has no effect"},
      {"workers.count=5000", "workers.count = 5000: must be an integer in [1, 4096]"},
      {"workers.cuont=5", "workers.cuont = 5: unknown key; did you mean `count`?"},
      {"run.events=true",
       "run.events = true: is not possible with runtime = \"hogwild\": no server is there that sees what happens"},
      {"run.events={every=3}", "run.events = { every = 3 }: is not possible"},
      {"run.record=true", "run.record = true: is not possible"},
      {"run.time_scale=2", "run.time_scale = 2: means something only with run.runtime = \"threads\""},
      {"run.checkpoint_every={updates=5}", "run.checkpoint_every = { updates = 5 }: is not possible"},
      {"run.keep_checkpoints=5", "needs checkpoint_every beside it"},
  };
  expect_complaints(kHogwild, complaints);
}

TEST(Scenario, HogwildTakesAStepAndASchedule) {
  auto table = parse_toml(kHogwild, "f.toml");
  apply_assignment(table, "method.schedule={kind=\"inverse-square-root\",updates=4}");
  const Scenario scenario(std::move(table), "f.toml");
  Catalogues catalogues;
  const World world = make_world(scenario, 7, {catalogues, {}});
  EXPECT_EQ(world.workers, 4u);
  const RunPlan plan = make_run_plan(scenario, Use::run, world.problem->metric_names());
  EXPECT_FALSE(plan.events);
  const MethodPlan method = make_method(scenario, world, catalogues.methods);
  EXPECT_EQ(method.method, nullptr);
  EXPECT_EQ(method.step_size(0), 0.1);
  EXPECT_EQ(method.step_size(12), 0.1 * 0.5);
  // What was resolved is a scenario again, of the same run.
  const std::string document = resolved_document(world, method, plan);
  const Scenario again(parse_toml(document, "again.toml"), "again.toml");
  const World same = make_world(again, 7, {catalogues, {}});
  EXPECT_EQ(resolved_document(same, make_method(again, same, catalogues.methods),
                              make_run_plan(again, Use::run, same.problem->metric_names())),
            document);
}

TEST(Scenario, MissingTablesAreNamed) {
  const Scenario scenario(parse_toml("[run]\nstop = { updates = 1 }\n", "f.toml"), "f.toml");
  Catalogues catalogues;
  EXPECT_EQ(error_of([&] { make_world(scenario, 1, {catalogues, {}}); }), "f.toml: there is no [workers] table");
  EXPECT_EQ(error_of([&] { scenario.compare_settings(); }), "f.toml: there is no [compare] table");
}

TEST(Scenario, DefaultsAreWrittenOut) {
  const Scenario scenario(parse_toml(kScenario, "f.toml"), "f.toml");
  Catalogues catalogues;
  const World world = make_world(scenario, 7, {catalogues, {}});
  const RunPlan plan = make_run_plan(scenario, Use::run, world.problem->metric_names());
  const MethodPlan method = make_method(scenario, world, catalogues.methods);
  EXPECT_EQ(plan.options.evaluate_every.updates, 2u);  // fifty evaluations
  ASSERT_TRUE(plan.events);
  const std::string document = resolved_document(world, method, plan);
  EXPECT_THAT(document, HasSubstr("seed = 7\n"));
  EXPECT_THAT(document, HasSubstr("clip_radius = inf\n"));
  EXPECT_THAT(document, HasSubstr("evaluate_every = { updates = 2 }\n"));
  // It is a scenario itself, and says the same.
  const Scenario again(parse_toml(document, "again.toml"), "again.toml");
  const World same = make_world(again, again.seed(), {catalogues, {}});
  EXPECT_EQ(resolved_document(same, make_method(again, same, catalogues.methods),
                              make_run_plan(again, Use::run, same.problem->metric_names())),
            document);
}

TEST(Scenario, AComparisonStopsAtTheTargetUnlessToldNotTo) {
  auto table = parse_toml(kScenario, "f.toml");
  apply_assignment(table, "run.target={metric=\"loss\",at_most=0.1}");
  const std::vector<std::string> metrics = {"loss"};
  EXPECT_FALSE(make_run_plan(Scenario(table, "f"), Use::run, metrics).options.stop.at_target);
  EXPECT_TRUE(make_run_plan(Scenario(table, "f"), Use::compare, metrics).options.stop.at_target);
  EXPECT_FALSE(make_run_plan(Scenario(table, "f"), Use::compare, metrics).events);
  EXPECT_FALSE(make_run_plan(Scenario(table, "f"), Use::compare_to_the_end, metrics).options.stop.at_target);
  apply_assignment(table, "run.stop.target=false");
  EXPECT_FALSE(make_run_plan(Scenario(table, "f"), Use::compare, metrics).options.stop.at_target);
}

}  // namespace
}  // namespace tardigrad
