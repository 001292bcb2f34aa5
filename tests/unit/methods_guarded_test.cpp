// SPDX-License-Identifier: Apache-2.0
// The guard around a stranger's method: it changes nothing of one that keeps its promises, and tells of each promise
// that is broken in one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "methods/guarded.hpp"
#include "support/error_of.hpp"
#include "support/fake_world.hpp"
#include "support/method_files.hpp"

namespace tardigrad {
namespace {

using test::error_of;
using testing::HasSubstr;

// Workers that come late, vanish and return.
test::Outcomes run(Method& method, double seconds) {
  test::Bowl bowl({.dimension = 6, .noise = 0.3, .examples = {1, 2, 3, 4, 5}});
  const test::RandomTimes times(7);
  const test::ComingAndGoing uptimes({.seed = 3, .uptime = 8.0, .downtime = 2.0, .late = 2});
  return test::simulate(bowl, times, method,
                        {.workers = 5, .run = test::stop_after_time(seconds), .availability = &uptimes});
}

class GuardedBuiltIn : public testing::TestWithParam<test::MethodFile> {};
INSTANTIATE_TEST_SUITE_P(Methods, GuardedBuiltIn, testing::ValuesIn(test::method_files()), test::name_of_method_file);

TEST_P(GuardedBuiltIn, DoesWhatItDoesWithoutTheGuard) {
  const auto alone = test::make(GetParam().table, 5);
  const auto row = std::ranges::find(methods::catalogue(), GetParam().method(), &MethodRow::name);
  ASSERT_NE(row, methods::catalogue().end());
  SettingValue::Table table = GetParam().table;
  table.erase("name");
  Settings settings(table, "method");
  const auto guarded = methods::make_guarded(*row, "it", settings, {.workers = 5, .objective = Objective::examples});
  EXPECT_EQ(run(*guarded, 30).result.digest, run(*alone, 30).result.digest);
}

// A method that does what a test says.
struct Script {
  Capabilities needs = {};
  std::function<void(Model&, Commands&)> joins = [](Model&, Commands&) {};
  std::function<Decision(const Gradient&, Model&)> arrives = [](const Gradient&, Model&) { return Decision{}; };
  std::function<Version()> oldest = [] { return Version{0}; };
  std::vector<Metric> figures = {};
};

class Scripted final : public Method {
 public:
  explicit Scripted(Script script) : script_(std::move(script)) {}
  Capabilities required_capabilities() const override { return script_.needs; }
  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override {
    commands.assign(worker.id);
    script_.joins(model, commands);
  }
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    commands.assign(order.worker);
    return script_.arrives(gradient, model);
  }
  void on_worker_lost(WorkerId, std::size_t, Model&, Commands&) override {}
  Version oldest_useful_version() const override { return script_.oldest(); }
  void serialize(Archive&) override {}
  std::vector<Metric> figures() const override { return script_.figures; }

 private:
  Script script_;
};

std::string fault_of(const Script& script, const Capabilities& listed = {true, true, true, true, true}) {
  const MethodRow row{.name = "m", .summary = "", .capabilities = listed, .make = [&](Settings&, const MethodContext&) {
                        return std::make_unique<Scripted>(script);
                      }};
  Settings settings({}, "method");
  return error_of([&] { run(*methods::make_guarded(row, "it", settings, {.workers = 5}), 5); });
}
std::string fault_on_joining(std::function<void(Model&, Commands&)> joins) {
  return fault_of({.joins = std::move(joins)});
}
std::string fault_on_arrival(std::function<void(const Gradient&, Model&)> arrives) {
  return fault_of({.arrives = [&](const Gradient& gradient, Model& model) {
    arrives(gradient, model);
    return Decision{};
  }});
}

constexpr Vec kNone{Vec::Kind::work, 7};

TEST(GuardedMethod, AScriptThatKeepsItsPromisesRuns) { EXPECT_EQ(fault_of({}), "no error"); }

TEST(GuardedMethod, Capabilities) {
  EXPECT_EQ(fault_of({.needs = {.timers = true}}, {}),
            "it: required_capabilities does what it must not: it needs timers, which its row does not list");
  const std::string fault = "it: on_worker_joined does what it must not: it needs ";
  const std::string why = ", which required_capabilities does not ask for";
  EXPECT_EQ(fault_on_joining([](Model&, Commands& c) { c.assign(0); }), fault + "queues" + why);
  EXPECT_EQ(fault_on_joining([](Model&, Commands& c) { c.cancel(0); }), fault + "cancel" + why);
  EXPECT_EQ(fault_on_joining([](Model&, Commands& c) { c.set_timer(TimerId{1}, Time{1}); }), fault + "timers" + why);
  EXPECT_EQ(fault_of({.needs = {.queues = true},
                      .joins = [](Model&, Commands& c) { c.assign(0, {.steps = 2, .step_size = 0.1}); }}),
            fault + "local_steps" + why);
  EXPECT_EQ(fault_on_arrival([](const Gradient& g, Model&) { g.point(); }),
            "it: on_gradient does what it must not: it needs points" + why);
  EXPECT_EQ(fault_on_arrival([](const Gradient& g, Model& m) { m.squared_distance(vec::kPoint, {}, &g); }),
            "it: on_gradient does what it must not: it needs points" + why);
}

TEST(GuardedMethod, Commands) {
  EXPECT_THAT(fault_on_joining([](Model&, tardigrad::Commands& c) { c.assign(100); }),
              HasSubstr("a command to worker 100, which is not there"));
  EXPECT_EQ(fault_of({.needs = {.queues = true, .local_steps = true},
                      .joins = [](Model&, tardigrad::Commands& c) { c.assign(0, {.epochs = 2, .step_size = 0.1}); }}),
            "worker 0: an order of 2 epochs of 0 steps: it has between 1 and 4294967295");
  for (const Time after : {Time{-1}, Time::max()})
    EXPECT_THAT(fault_of({.needs = {.timers = true},
                          .joins = [&](Model&, tardigrad::Commands& c) { c.set_timer(TimerId{1}, after); }}),
                HasSubstr("a timer of " + std::to_string(after.count()) + " ns"));
}

TEST(GuardedMethod, Decisions) {
  const auto fault_of_decision = [](const Decision& decision) {
    return fault_of({.arrives = [&](const Gradient&, Model&) { return decision; }});
  };
  const std::string fault = "it: on_gradient does what it must not: ";
  for (const Outcome outcome : {Outcome::cancelled, Outcome::lost, static_cast<Outcome>(77)})
    EXPECT_EQ(fault_of_decision({.outcome = outcome}),
              fault + "an arrival is applied, discarded or not finite, and nothing else");
  EXPECT_EQ(fault_of_decision({.coefficient = std::numeric_limits<double>::infinity()}),
            fault + "its coefficient is not finite");
  const std::string reason(1000, 'r');
  EXPECT_EQ(fault_of_decision({.outcome = Outcome::discarded, .reason = {.rule = reason.c_str()}}), "no error");
  EXPECT_EQ(fault_of_decision({.outcome = Outcome::discarded, .reason = {.rule = nullptr}}), "no error");
}

TEST(GuardedMethod, VersionsAndFigures) {
  Version next = 3;
  EXPECT_EQ(fault_of({.oldest = [&] { return next--; }}),
            "it: oldest_useful_version does what it must not: it went back");
  EXPECT_EQ(fault_of({.oldest = [] { return Version{1}; }}),
            "it: on_gradient does what it must not: it applied what oldest_useful_version calls useless");
  const std::string names = "it: figures does what it must not: a figure without a name";
  EXPECT_THAT(fault_of({.figures = {{"a", 1.0}, {"a", 2.0}}}), HasSubstr(names));
  EXPECT_THAT(fault_of({.figures = {{"a\xff", 1.0}}}), HasSubstr(names));
  EXPECT_EQ(fault_of({.figures = {{"a", std::numeric_limits<double>::quiet_NaN()}}}), "no error");
}

TEST(GuardedMethod, Programs) {
  const auto fault_of_program = [](const std::function<void(VectorProgram&)>& write) {
    return fault_on_arrival([&](const Gradient& gradient, Model& model) {
      VectorProgram program;
      write(program);
      model.run(program, &gradient);
    });
  };
  const Vec t = vec::temporary(0), beyond = vec::temporary(VectorProgram::kMostTemporaries);
  const std::string fault = "it: on_gradient does what it must not: ";
  EXPECT_EQ(fault_of_program([&](VectorProgram& p) { p.scale(t, 1.0, t); }),
            fault + "a program reads temporary 0 before it writes it");
  EXPECT_EQ(fault_of_program([&](VectorProgram& p) { p.scale(t, 1.0, beyond); }),
            fault + "a program reads temporary 4 before it writes it");
  EXPECT_EQ(fault_of_program([&](VectorProgram& p) { p.clear(beyond); }), fault + "there is no temporary 4");
  EXPECT_EQ(fault_of_program([&](VectorProgram& p) { p.clear(kNone); }), fault + "there is no work vector 7");
  EXPECT_EQ(fault_of_program([&](VectorProgram& p) { p.add(vec::kModel, vec::kModel, 1.0, kNone); }),
            fault + "there is no work vector 7");
  EXPECT_EQ(fault_of_program([&](VectorProgram& p) { p.add(vec::kModel, vec::kModel, 1.0, {}); }),
            fault + "it reads a vector that has no memory");
  for (const Vec out : {Vec{}, vec::kGradient, vec::kPoint})
    EXPECT_EQ(fault_of_program([&](VectorProgram& p) { p.clear(out); }),
              fault + "it writes what is neither x nor a work vector");
  EXPECT_EQ(fault_of_program([&](VectorProgram& p) {
              for (std::uint32_t i = 0; i < VectorProgram::kMostTemporaries; ++i) p.clear(vec::temporary(i));
              for (std::uint64_t i = 0; i < 5; ++i) p.noise(t, t, 1.0, 1, i);
            }),
            fault + "a program of too many noises");
  EXPECT_EQ(fault_of_program([&](VectorProgram& p) {  // 0 times whatever it holds; a quotient without p
              p.clear(t);
              p.divide_root(t, {}, 1.0, vec::kGradient, t, {.c = 1.0});
              p.add(vec::kModel, vec::kModel, -0.1, t);
            }),
            "no error");
}

TEST(GuardedMethod, TheModel) {
  const std::string fault = "it: on_gradient does what it must not: ";
  EXPECT_EQ(fault_on_arrival([](const Gradient&, Model& model) {
              struct Another final : Gradient {
                double norm() const override { return 0; }
                std::span<const float> values() const override { return {}; }
                std::span<const float> point() const override { return {}; }
              } another;
              model.step(0.1, vec::kGradient, &another);
            }),
            fault + "it names a gradient that is not this event's");
  EXPECT_EQ(fault_on_arrival([](const Gradient&, Model& m) { m.step(0.1, vec::kGradient); }),
            fault + "it names a gradient that is not this event's");
  EXPECT_EQ(fault_on_arrival([](const Gradient& gradient, Model& model) {
              for (int i = 0; i < 2; ++i) model.step(0.1, vec::kGradient, &gradient);
            }),
            fault + "it makes more than one version of x");
  EXPECT_EQ(fault_on_arrival([](const Gradient&, Model& m) { m.squared_distance(vec::kModel, kNone); }),
            fault + "there is no work vector 7");
  std::vector<double> two(2, 1.0);
  EXPECT_EQ(fault_on_arrival([&](const Gradient&, Model& m) { m.tensor_squared_norms(two, vec::kModel); }),
            fault + "2 squares for 1 tensors");
  EXPECT_EQ(fault_on_arrival([&](const Gradient&, Model& m) { m.scale_tensors(m.make_vector(), two, vec::kModel); }),
            fault + "2 factors for 1 tensors");
  EXPECT_EQ(fault_on_arrival([&](const Gradient&, Model& m) { m.scale_tensors(vec::kModel, two, vec::kModel); }),
            fault + "it writes what is neither x nor a work vector");
  EXPECT_EQ(fault_on_arrival([](const Gradient&, Model& m) {
              const Vec v = m.make_vector();
              m.steepest_ascent(v, {}, v);
            }),
            fault + "0 geometries for 1 tensors");
}

TEST(GuardedMethod, RowsThatCannotBeListed) {
  const auto refused = [](const std::function<void(MethodRow&)>& spoil) {
    MethodRow row{.name = "mine", .summary = "a method", .make = [](Settings&, const MethodContext&) {
                    return std::unique_ptr<Method>();
                  }};
    spoil(row);
    methods::MethodCatalogue catalogue;
    return error_of([&] { catalogue.add(row, {.whose = "plugin p.so"}); });
  };
  EXPECT_EQ(refused([](MethodRow&) {}), "no error");
  EXPECT_EQ(refused([](MethodRow& row) { row.name = "my method"; }),
            "plugin p.so: brings a method named `my method`: a name is 1 to 60 letters, digits, - and _");
  const std::string summary = "plugin p.so: brings a method `mine` without a summary of one line and at most 300 bytes";
  EXPECT_EQ(refused([](MethodRow& row) { row.summary = ""; }), summary);
  EXPECT_EQ(refused([](MethodRow& row) { row.summary = "two\nlines"; }), summary);
  EXPECT_EQ(refused([](MethodRow& row) { row.summary = std::string(301, 's'); }), summary);
  EXPECT_EQ(refused([](MethodRow& row) { row.make = {}; }), "plugin p.so: brings a method `mine` without `make`");
  EXPECT_THAT(refused([](MethodRow& row) { row.source = "two\nlines"; }),
              HasSubstr("brings a method `mine` with a text that is no line of at most 300 bytes"));
  static constexpr SettingRow kNameless[] = {Setting<double>{.key = nullptr}};
  static constexpr SettingRow kInner[] = {Setting<SubTable>{.key = "table", .rows = kNameless}};
  for (const std::span<const SettingRow> settings : {std::span(kNameless), std::span(kInner)})
    EXPECT_THAT(refused([&](MethodRow& row) { row.settings = settings; }),
                HasSubstr("brings a method `mine` with a setting whose key is not"));
  EXPECT_EQ(refused([](MethodRow& row) { row.name = "fedavg"; }),
            "plugin p.so: brings a method `fedavg`, but that name is taken");
}

}  // namespace
}  // namespace tardigrad
