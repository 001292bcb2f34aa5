// SPDX-License-Identifier: Apache-2.0
// What a program that embeds the library gets: include/tardigrad/experiment.hpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "record/run_summary.hpp"
#include "support/error_of.hpp"
#include "tardigrad/experiment.hpp"

namespace tardigrad {
namespace {

using test::error_of;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kScenario = R"([problem]
name = "quadratic"
dimension = 8
noise = { kind = "gaussian", scale = 0.1 }
[workers]
groups = [ { count = 2, compute_time = 1.0 }, { count = 1, compute_time = 7.0 } ]
[method]
name = "clipped-asgd"
step_size = 0.2
clip_radius = 1.0
[run]
stop = { updates = 60 }
evaluate_every = { updates = 20 }
)";

constexpr const char* kCompare = R"([problem]
name = "quadratic"
dimension = 8
[workers]
count = 3
compute_time = 1.0
[run]
stop = { updates = 500 }
target = { metric = "loss", at_most = 0.01 }
evaluate_every = { updates = 5 }
[compare]
seeds = [1, 2]
[[compare.methods]]
name = "vanilla-asgd"
step_size = [0.1, 0.3]
[[compare.methods]]
name = "minibatch-sgd"
step_size = 0.5
)";

class Embedded : public testing::Test {
 protected:
  Embedded() {
    std::string name = (std::filesystem::temp_directory_path() / "tardigrad-embedded-XXXXXX").string();
    if (mkdtemp(name.data())) folder_ = name;
  }
  ~Embedded() override { std::filesystem::remove_all(folder_); }

  ScenarioSource scenario(const char* text) const {
    std::ofstream(folder_ / "s.toml") << text;
    return {.file = folder_ / "s.toml", .threads = 1};
  }
  std::filesystem::path folder_;
};

TEST_F(Embedded, ARunIsTheSameWithAndWithoutADirectory) {
  const RunReport nowhere = run(scenario(kScenario));
  EXPECT_EQ(nowhere.reason, StopReason::updates);
  EXPECT_EQ(nowhere.counters.updates, 60u);
  EXPECT_THAT(nowhere.evaluations, SizeIs(4));  // at the start, and thrice
  EXPECT_THAT(nowhere.parameters, SizeIs(8));
  const RunReport there = run(scenario(kScenario), {.directory = folder_ / "r"});
  EXPECT_EQ(there.digest, nowhere.digest);
  EXPECT_EQ(there.parameters, nowhere.parameters);
  EXPECT_EQ(record::read_summary(folder_ / "r" / "summary.json").digest, nowhere.digest);
}

TEST_F(Embedded, AnInterruptedRunGoesOnToTheSameEnd) {
  const RunReport whole = run(scenario(kScenario));
  struct StopsAt final : Observer {
    void on_arrival(const ArrivalRecord& record) override { stop = record.updates >= 30; }
    std::atomic<bool> stop{false};
  } observer;
  const RunReport half =
      run(scenario(kScenario), {.directory = folder_ / "r", .observer = &observer, .interrupted = &observer.stop});
  EXPECT_EQ(half.reason, StopReason::interrupted);
  const RunReport rest = run(scenario(kScenario), {.directory = folder_ / "r", .resume = true});
  EXPECT_EQ(rest.digest, whole.digest);
  EXPECT_EQ(rest.parameters, whole.parameters);
  const RunReport again = run(scenario(kScenario), {.directory = folder_ / "r", .resume = true});  // it has ended
  EXPECT_EQ(again.digest, whole.digest);
}

TEST_F(Embedded, MistakesAreErrors) {
  const ScenarioSource source = scenario(kScenario);
  run(source, {.directory = folder_ / "r"});
  EXPECT_THAT(error_of([&] { run(source, {.directory = folder_ / "r"}); }), HasSubstr("holds a finished run"));
  EXPECT_NO_THROW(run(source, {.directory = folder_ / "r", .overwrite = true}));
  EXPECT_THAT(error_of([&] { run(source, {.resume = true}); }), HasSubstr("needs its directory"));
  ScenarioSource wrong = source;
  wrong.assignments = {"method.step_siz=1"};
  EXPECT_THAT(error_of([&] { run(wrong); }), HasSubstr("did you mean `step_size`?"));
  wrong.file = folder_ / "none.toml";
  EXPECT_THAT(error_of([&] { run(wrong); }), HasSubstr("No such file"));
}

// What helps is said by the remedies: an embedding program has no options.
TEST_F(Embedded, MistakesNameNoOptions) {
  const ScenarioSource source = scenario(kScenario);
  run(source, {.directory = folder_ / "r"});
  const std::string directory = (folder_ / "r").string();
  const auto remedies_of = [](const auto& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::Not(HasSubstr("--")));
      return error.remedies();
    }
    ADD_FAILURE() << "no error";
    return std::vector<Remedy>{};
  };
  using testing::ElementsAre;
  EXPECT_THAT(remedies_of([&] { run(source, {.directory = folder_ / "r"}); }),
              ElementsAre(Remedy::other_directory, Remedy::begin_anew));
  ScenarioSource changed = source;
  changed.assignments = {"method.step_size=0.1"};
  EXPECT_THAT(remedies_of([&] { run(changed, {.directory = folder_ / "r", .resume = true}); }),
              ElementsAre(Remedy::other_directory, Remedy::begin_anew));
  changed.assignments = {"problem.name=mine"};
  EXPECT_THAT(remedies_of([&] { run(changed); }), ElementsAre(Remedy::name_plugin));
  changed.assignments = {"method"};
  EXPECT_THAT(remedies_of([&] { run(changed); }), testing::IsEmpty());
}

// f(x) = (x - goal)^2 / 2 in one dimension.
class Valley final : public Problem {
 public:
  explicit Valley(float goal) : goal_(goal) {}
  const Layout& layout() const override { return layout_; }
  void initial_point(std::span<float> x) const override { x[0] = 0.0f; }
  std::unique_ptr<Replica> make_replica() const override {
    struct ThisReplica final : Replica {
      explicit ThisReplica(float where) : goal(where) {}
      double gradient(const Order&, std::span<const float> x, std::span<float> g) override {
        g[0] = x[0] - goal;
        return 0.0;
      }
      std::vector<double> evaluate(std::span<const float> x, std::size_t, const void*) override {
        return {0.5 * (x[0] - goal) * (x[0] - goal)};
      }
      float goal;
    };
    return std::make_unique<ThisReplica>(goal_);
  }
  std::vector<std::string> metric_names() const override { return {"loss"}; }
  std::vector<Metric> metrics(std::span<const double> sums) const override { return {{"loss", sums[0]}}; }

 private:
  Layout layout_{"x", 1};
  float goal_;
};

// x <- x - gamma g at every arrival, and tells how many there were.
class Plain final : public Method {
 public:
  Plain(double gamma, int& arrivals) : gamma_(gamma), arrivals_(arrivals) {}
  Capabilities required_capabilities() const override { return {}; }
  void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override { commands.assign(worker.id); }
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    ++arrivals_;
    commands.assign(order.worker);
    model.step(gamma_, vec::kGradient, &gradient);
    return {.coefficient = gamma_};
  }
  void on_worker_lost(WorkerId, std::size_t, Model&, Commands&) override {}
  void serialize(Archive&) override {}

 private:
  double gamma_;
  int& arrivals_;
};

// What makes a method or a problem may hold what the program knows.
TEST_F(Embedded, AProgramsOwnMethodsAndProblemsAreNamedByScenarios) {
  float goal = 3.0f;
  int arrivals = 0;
  static constexpr Setting<double> kGamma = {.key = "gamma", .fallback = 0.5, .range = kPositive, .meaning = "step"};
  static constexpr SettingRow kSettings[] = {kGamma};
  ScenarioSource source = scenario(
      "problem = { name = 'valley' }\n"
      "workers = { count = 1, compute_time = 1.0 }\n"
      "method = { name = 'plain' }\n"
      "run = { stop = { updates = 2 }, checkpoint_every = { updates = 1 } }\n");
  source.problems = {{.name = "valley", .summary = "a valley", .make = [&goal](Settings&, const ProblemContext&) {
                        return std::make_unique<Valley>(goal);
                      }}};
  source.methods = {{.name = "plain",
                     .summary = "steps",
                     .settings = kSettings,
                     .make = [&arrivals](Settings& settings, const MethodContext&) {
                       return std::make_unique<Plain>(read(settings, kGamma), arrivals);
                     }}};
  EXPECT_EQ(run(source, {.directory = folder_ / "r"}).parameters, std::vector<float>{2.25f});
  EXPECT_EQ(arrivals, 2);
  goal = 4.0f;
  EXPECT_EQ(run(source).parameters, std::vector<float>{3.0f});
  source.assignments = {"run.stop.updates=3"};  // and its run goes on
  EXPECT_EQ(run(source, {.directory = folder_ / "r", .resume = true}).parameters, std::vector<float>{3.125f});

  source.assignments = {"method.gama=1.0"};
  EXPECT_THAT(error_of([&] { run(source); }), HasSubstr("did you mean `gamma`?"));
  source.assignments = {};
  source.methods.front().name = "vanilla-asgd";
  EXPECT_EQ(error_of([&] { run(source); }), "this program: brings a method `vanilla-asgd`, but that name is taken");
  source.methods.front().make = [](Settings&, const MethodContext&) -> std::unique_ptr<Method> { throw 7; };
  source.methods.front().name = "plain";
  EXPECT_EQ(error_of([&] { run(source); }),
            "this program: method `plain`: make threw something that is no std::exception");
}

TEST_F(Embedded, AComparisonTellsEveryRunAndWhoWins) {
  const CompareReport report = compare(scenario(kCompare), {.directory = folder_ / "c"});
  EXPECT_TRUE(report.complete);
  EXPECT_THAT(report.runs, SizeIs(6));
  for (const ComparedRun& each : report.runs) {
    EXPECT_TRUE(each.ended);
    EXPECT_TRUE(each.time_to_target) << each.method << " " << each.setting;
  }
  ASSERT_FALSE(report.sentences.empty());
  EXPECT_THAT(report.sentences.front(), HasSubstr("reaches loss <= 0.01 first"));
  // What is there is taken over: the same digests.
  const CompareReport again = compare(scenario(kCompare), {.directory = folder_ / "c"});
  ASSERT_THAT(again.runs, SizeIs(6));
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(again.runs[i].digest, report.runs[i].digest);
}

}  // namespace
}  // namespace tardigrad
