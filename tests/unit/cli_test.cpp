// SPDX-License-Identifier: Apache-2.0
// Scenario files, assignments, grids and pruning.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/grid.hpp"
#include "cli/pruning.hpp"
#include "cli/scenario.hpp"
#include "cli/toml_file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

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
  EXPECT_THAT(complaint("nonsense"), HasSubstr("--set nonsense: must be KEY=VALUE"));
  EXPECT_THAT(complaint("=3"), HasSubstr("must be KEY=VALUE"));
  EXPECT_THAT(complaint("a..b=3"), HasSubstr("has an empty part"));
  EXPECT_THAT(complaint("x.y=3"), HasSubstr("what stands before `y` is no table"));
  EXPECT_THAT(complaint("a.\x91=3"), HasSubstr("--set: a text that is not UTF-8"));
  EXPECT_THAT(complaint("l.2=3"), HasSubstr("`2` is no place in a list of 2"));
  EXPECT_THAT(complaint("l.one=3"), HasSubstr("`one` is no place in a list of 2"));
}

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
      problems::ProblemCatalogue problems;
      const World world = scenario.make_world(scenario.seed(), {problems, {}});
      scenario.make_run_plan(Scenario::Use::run, world.problem->metric_names());
      scenario.make_method(world);
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
      {"run.runtime=thread", "run.runtime = \"thread\": must be one of sim, threads, hogwild; did you mean `threads`?"},
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
  problems::ProblemCatalogue problems;
  const World world = scenario.make_world(7, {problems, {}});
  EXPECT_EQ(world.workers, 4u);
  const RunPlan plan = scenario.make_run_plan(Scenario::Use::run, world.problem->metric_names());
  EXPECT_FALSE(plan.events);
  const MethodPlan method = scenario.make_method(world);
  EXPECT_EQ(method.method, nullptr);
  EXPECT_EQ(method.step(0), 0.1);
  EXPECT_EQ(method.step(12), 0.1 * 0.5);
  // What was resolved is a scenario again, of the same run.
  const std::string document = resolved_document(world, method, plan);
  const Scenario again(parse_toml(document, "again.toml"), "again.toml");
  const World same = again.make_world(7, {problems, {}});
  EXPECT_EQ(resolved_document(same, again.make_method(same),
                              again.make_run_plan(Scenario::Use::run, same.problem->metric_names())),
            document);
}

TEST(Scenario, MissingTablesAreNamed) {
  const Scenario scenario(parse_toml("[run]\nstop = { updates = 1 }\n", "f.toml"), "f.toml");
  problems::ProblemCatalogue problems;
  EXPECT_EQ(error_of([&] { scenario.make_world(1, {problems, {}}); }), "f.toml: there is no [workers] table");
  EXPECT_EQ(error_of([&] { scenario.compare_settings(); }), "f.toml: there is no [compare] table");
}

TEST(Scenario, DefaultsAreWrittenOut) {
  const Scenario scenario(parse_toml(kScenario, "f.toml"), "f.toml");
  problems::ProblemCatalogue problems;
  const World world = scenario.make_world(7, {problems, {}});
  const RunPlan plan = scenario.make_run_plan(Scenario::Use::run, world.problem->metric_names());
  const MethodPlan method = scenario.make_method(world);
  EXPECT_EQ(plan.options.evaluate_every.updates, 2u);  // fifty evaluations
  ASSERT_TRUE(plan.events);
  const std::string document = resolved_document(world, method, plan);
  EXPECT_THAT(document, HasSubstr("seed = 7\n"));
  EXPECT_THAT(document, HasSubstr("clip_radius = inf\n"));
  EXPECT_THAT(document, HasSubstr("evaluate_every = { updates = 2 }\n"));
  // It is a scenario itself, and says the same.
  const Scenario again(parse_toml(document, "again.toml"), "again.toml");
  const World same = again.make_world(again.seed(), {problems, {}});
  EXPECT_EQ(resolved_document(same, again.make_method(same),
                              again.make_run_plan(Scenario::Use::run, same.problem->metric_names())),
            document);
}

TEST(Scenario, AComparisonStopsAtTheTargetUnlessToldNotTo) {
  auto table = parse_toml(kScenario, "f.toml");
  apply_assignment(table, "run.target={metric=\"loss\",at_most=0.1}");
  const std::vector<std::string> metrics = {"loss"};
  EXPECT_FALSE(Scenario(table, "f").make_run_plan(Scenario::Use::run, metrics).options.stop.at_target);
  EXPECT_TRUE(Scenario(table, "f").make_run_plan(Scenario::Use::compare, metrics).options.stop.at_target);
  EXPECT_FALSE(Scenario(table, "f").make_run_plan(Scenario::Use::compare, metrics).events);
  EXPECT_FALSE(Scenario(table, "f").make_run_plan(Scenario::Use::compare_to_the_end, metrics).options.stop.at_target);
  apply_assignment(table, "run.stop.target=false");
  EXPECT_FALSE(Scenario(table, "f").make_run_plan(Scenario::Use::compare, metrics).options.stop.at_target);
}

Grid grid_of(const std::string& toml) {
  Settings compare(parse_toml(toml, "f.toml"), "compare", "f.toml");
  return read_grid(compare);
}

TEST(Grid, ListsAreAxes) {
  const Grid grid = grid_of(
      "seeds = [3, 5]\n[[methods]]\nname = \"clipped-asgd\"\nstep_size = [0.1, 0.2]\nclip_radius = [1, inf]\n"
      "[[methods]]\nname = \"minibatch-sgd\"\nstep_size = 1.0\n");
  EXPECT_THAT(grid.seeds, ElementsAre(3u, 5u));
  std::vector<std::string> ids;
  for (const GridPoint& point : grid.points) ids.push_back(run_id(point, 3));
  EXPECT_THAT(
      ids,
      ElementsAre("clipped-asgd,clip_radius=1,step_size=0.1,seed=3", "clipped-asgd,clip_radius=1,step_size=0.2,seed=3",
                  "clipped-asgd,clip_radius=inf,step_size=0.1,seed=3",
                  "clipped-asgd,clip_radius=inf,step_size=0.2,seed=3", "minibatch-sgd,step_size=1,seed=3"));
}

TEST(Grid, EveryMistakeHasItsLine) {
  const auto complaint = [](const char* toml) { return error_of([&] { grid_of(toml); }); };
  EXPECT_THAT(complaint("[[methods]]\nname = \"x\"\n"), HasSubstr("compare.seeds: is missing"));
  EXPECT_THAT(complaint("seeds = [1, 1]\n"), HasSubstr("holds a seed twice"));
  EXPECT_THAT(complaint("seeds = [1.5]\n"), HasSubstr("must be whole numbers"));
  EXPECT_THAT(complaint("seeds = [1]\n"), HasSubstr("must hold at least one [[compare.methods]] table"));
  EXPECT_THAT(complaint("seeds = [1]\n[[methods]]\nname = \"x\"\nstep_size = []\n"),
              HasSubstr("step_size is an empty list"));
  EXPECT_THAT(complaint("seeds = [1]\n[[methods]]\nname = \"x\"\nstep_size = [[1]]\n"),
              HasSubstr("is a grid axis: its values must be numbers, texts, true or false, and not [1]"));
  EXPECT_THAT(
      complaint("seeds = [1]\n[[methods]]\nname = \"x\"\nstep_size = 1\n[[methods]]\nname = \"x\"\nstep_size = [1]\n"),
      HasSubstr("stands in the grid twice"));
  EXPECT_THAT(complaint("seeds = [1]\n[[methods]]\nname = \"x\"\nlabel = 3\n"), HasSubstr("label must be a text"));
}

TEST(Grid, WordsStandBesideNumbers) {
  const Grid grid = grid_of(
      "seeds = 1\n[[methods]]\nname = \"clipped-asgd\"\nclip_radius = [1.0, \"auto\", inf]\nstop = [true, false]\n");
  std::vector<std::string> ids;
  for (const GridPoint& point : grid.points) ids.push_back(run_id(point, 3));
  EXPECT_THAT(
      ids,
      ElementsAre("clipped-asgd,clip_radius=1,stop=true,seed=3", "clipped-asgd,clip_radius=1,stop=false,seed=3",
                  "clipped-asgd,clip_radius=auto,stop=true,seed=3", "clipped-asgd,clip_radius=auto,stop=false,seed=3",
                  "clipped-asgd,clip_radius=inf,stop=true,seed=3", "clipped-asgd,clip_radius=inf,stop=false,seed=3"));
  EXPECT_EQ(grid.points[2].setting[0].second, report::Value("auto"));
  EXPECT_EQ(to_toml(grid.points[2].method.at("clip_radius")), "\"auto\"");
}

// What two entries of one method differ in is named, in sub-tables too.
TEST(Grid, AllThatIsGivenIsASetting) {
  const Grid grid = grid_of(
      "seeds = 1\n[[methods]]\nname = \"m\"\nclipping = { kind = \"block\", radii = [1, 2] }\ndispatch = \"uniform\"\n"
      "[[methods]]\nname = \"m\"\nclipping = { kind = \"coordinate\", radii = [1, 2] }\ndispatch = \"uniform\"\n");
  ASSERT_EQ(grid.points.size(), 2u);
  EXPECT_EQ(run_id(grid.points[0], 1), "m,clipping.kind=block,clipping.radii=[1, 2],dispatch=uniform,seed=1");
  EXPECT_EQ(run_id(grid.points[1], 1), "m,clipping.kind=coordinate,clipping.radii=[1, 2],dispatch=uniform,seed=1");
}

TEST(Grid, NamesOfRunsFitIntoAFileName) {
  const std::string word(300, 'x');
  const Grid grid = grid_of("seeds = 1\n[[methods]]\nname = \"m\"\na = [\"" + word + "y\", \"" + word + "z\"]\n");
  const std::string one = run_id(grid.points[0], 1), other = run_id(grid.points[1], 1);
  EXPECT_LT(one.size(), 200u);
  EXPECT_THAT(one, AllOf(StartsWith("m,a=xxx"), EndsWith(",seed=1")));
  EXPECT_NE(one, other);
}

TEST(Grid, SeedsOfTheSearchAreOthers) {
  const std::string method = "[[methods]]\nname = \"m\"\n";
  EXPECT_THAT(grid_of("seeds = [1, 2]\n" + method).search_seeds, IsEmpty());
  EXPECT_THAT(grid_of("seeds = [1, 2]\nsearch_seeds = [4, 5]\n" + method).search_seeds, ElementsAre(4u, 5u));
  const auto complaint = [&](const char* seeds) {
    return error_of([&] { grid_of("seeds = [1, 2]\n" + (seeds + method)); });
  };
  EXPECT_THAT(complaint("search_seeds = [3, 2]\n"),
              HasSubstr("compare.search_seeds = [3, 2]: 2 is in `seeds` too: what is chosen on a seed must not be "
                        "reported on it"));
  EXPECT_THAT(complaint("search_seeds = [3, 3]\n"), HasSubstr("holds a seed twice"));
  EXPECT_THAT(complaint("search_seeds = []\n"), HasSubstr("must not be empty"));
  EXPECT_THAT(complaint("search_seeds = \"a\"\n"), HasSubstr("or a list of such"));
}

TEST(Grid, RunsAreRankedByTheirFirstHitOrTheLastingOne) {
  const std::string method = "[[methods]]\nname = \"m\"\n";
  EXPECT_EQ(grid_of("seeds = 1\n" + method).rank, report::Goal::Rank::first);
  EXPECT_EQ(grid_of("seeds = 1\nrank_by = \"lasting\"\n" + method).rank, report::Goal::Rank::lasting);
  EXPECT_THAT(error_of([&] { grid_of("seeds = 1\nrank_by = \"last\"\n" + method); }),
              HasSubstr("must be one of first, lasting; did you mean `lasting`?"));
}

TEST(Grid, LabelsTellVariantsApart) {
  const Grid grid = grid_of(
      "seeds = [1]\n[[methods]]\nname = \"m\"\nlabel = \"m stop\"\nstop = true\n[[methods]]\nname = \"m\"\nstop = "
      "false\n");
  EXPECT_EQ(grid.points[0].method_label, "m stop");
  EXPECT_EQ(grid.points[0].method.count("label"), 0u);
  EXPECT_EQ(grid.points[1].method_label, "m");
  EXPECT_THAT(
      error_of([] { grid_of("seeds = 1\n[[methods]]\nname = \"m\"\n[[methods]]\nname = \"k\"\nlabel = \"m\"\n"); }),
      HasSubstr("the label \"m\" stands for \"m\" and for \"k\": give each its own"));
}

TEST(Grid, WorldsReplaceKeysAndMethodsChooseThem) {
  const Grid grid = grid_of(
      "seeds = [1]\n[[worlds]]\nlabel = \"iid\"\n[[worlds]]\nlabel = \"skew\"\nproblem.partition = { alpha = 0.5 }\n"
      "[[methods]]\nname = \"m\"\nstep_size = 1\nworlds = [\"iid\"]\n"
      "[[methods]]\nname = \"m\"\nstep_size = 1\nworlds = [\"skew\"]\n");
  ASSERT_EQ(grid.worlds.size(), 2u);
  EXPECT_EQ(grid.worlds[1].label, "skew");
  EXPECT_THAT(grid.points[0].worlds, ElementsAre("iid"));
  EXPECT_EQ(grid.points[0].method.count("worlds"), 0u);
  // A key that the world gives takes the place of the scenario's whole; the others stay.
  const SettingValue::Table root =
      parse_toml("problem = { name = \"cnn\", partition = { kind = \"shared\" } }", "file.toml");
  EXPECT_EQ(to_toml_document(with_changes(root, grid.worlds[1].changes)),
            to_toml_document(parse_toml("problem = { name = \"cnn\", partition = { alpha = 0.5 } }", "file.toml")));
}

TEST(Grid, EveryMistakeAboutWorldsHasItsLine) {
  const auto complaint = [](const std::string& worlds) {
    return error_of([&] { grid_of("seeds = [1]\n[[worlds]]\nlabel = \"iid\"\n" + worlds); });
  };
  EXPECT_THAT(complaint("[[worlds]]\nlabel = \"iid\"\n"), HasSubstr("worlds[1].label = \"iid\": stands twice"));
  EXPECT_THAT(complaint("[[worlds]]\nlabel = \"a/b\"\n"), HasSubstr("names a folder"));
  EXPECT_THAT(complaint("[[worlds]]\n"), HasSubstr("worlds[1].label: is missing"));
  EXPECT_THAT(complaint("problem = 3\n"), HasSubstr("must be a table"));
  const std::string method = "[[methods]]\nname = \"m\"\n";
  EXPECT_THAT(complaint(method + "worlds = [\"idd\"]\n"),
              HasSubstr("compare.methods[0].worlds holds \"idd\": must be one of iid"));
  EXPECT_THAT(complaint(method + "worlds = \"iid\"\n"), HasSubstr("worlds must be a list of labels"));
  EXPECT_THAT(complaint(method + method + "worlds = [\"iid\"]\n"), HasSubstr("stands in the grid twice"));
}

// Point 0 is complete with a product of 10 x 12 = 120.
TEST(Pruning, EndsOnlyWhatCannotWin) {
  const std::vector<PruningCandidate> runs = {
      {.method = "a", .point = 0, .ended = true, .time_to_target = 10},
      {.method = "a", .point = 0, .ended = true, .time_to_target = 12},
      {.method = "a", .point = 1, .ended = true, .time_to_target = 4, .elapsed = 4},
      {.method = "a", .point = 1, .ended = false, .time_to_target = {}, .elapsed = 29.9},  // 119.6: may still win
      {.method = "a", .point = 2, .ended = false, .time_to_target = {}, .elapsed = 12.1},  // 121: cannot
      {.method = "a", .point = 2, .ended = false, .time_to_target = {}, .elapsed = 10},
      {.method = "a", .point = 3, .ended = true, .time_to_target = {}, .elapsed = 5},  // failed
      {.method = "a", .point = 3, .ended = false, .time_to_target = {}, .elapsed = 1},
      {.method = "a", .point = 4, .ended = false, .time_to_target = {}, .elapsed = 1000},
      {.method = "a",
       .point = 4,
       .ended = false,
       .time_to_target = {},
       .elapsed = 0},  // not started: may be there at 0
      {.method = "b", .point = 5, .ended = false, .time_to_target = {}, .elapsed = 1000},  // another method
  };
  EXPECT_THAT(find_hopeless(runs),
              ElementsAre(false, false, false, false, true, true, false, true, false, false, false));
}

TEST(Pruning, NothingIsHopelessWhereTheTargetIsMetAtTheStart) {
  EXPECT_THAT(find_hopeless({{.method = "a", .point = 0, .ended = true, .time_to_target = 0},
                             {.method = "a", .point = 1, .ended = false, .time_to_target = {}, .elapsed = 1}}),
              ElementsAre(false, false));
}

TEST(Pruning, NothingIsHopelessBeforeAPointIsComplete) {
  const std::vector<PruningCandidate> runs = {
      {.method = "a", .point = 0, .ended = true, .time_to_target = 10},
      {.method = "a", .point = 0, .ended = false, .time_to_target = {}, .elapsed = 3},
      {.method = "a", .point = 1, .ended = false, .time_to_target = {}, .elapsed = 1000},
  };
  EXPECT_THAT(find_hopeless(runs), ElementsAre(false, false, false));
}

// A point of the grid has the same number in every world: what it took or failed in one says nothing of the other.
TEST(Pruning, WorldsDoNotMix) {
  const std::vector<PruningCandidate> runs = {
      {.method = "hard/a", .point = 1, .ended = true, .time_to_target = {}, .elapsed = 100},  // failed
      {.method = "easy/a", .point = 0, .ended = true, .time_to_target = 10},
      {.method = "easy/a", .point = 1, .ended = false, .time_to_target = {}, .elapsed = 3},
  };
  EXPECT_THAT(find_hopeless(runs), ElementsAre(false, false, false));
}

}  // namespace
}  // namespace tardigrad::cli
