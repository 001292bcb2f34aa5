// SPDX-License-Identifier: Apache-2.0
// One stored trace a method and variant: any change of behaviour is a difference to read. `./dev golden` rewrites them.
// Noise-free gradients and constant times: the traces hold on every machine, bit for bit.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "problems/catalogue.hpp"
#include "support/fake_world.hpp"

namespace tardigrad {
namespace {

using test::num;
using test::whole;
using test::word;

struct Golden {
  std::string name;
  SettingValue::Table method;
};

// What GoogleTest prints; without it, raw bytes that differ from run to run.
void PrintTo(const Golden& golden, std::ostream* out) { *out << golden.name; }

const std::vector<Golden>& goldens() {
  static const std::vector<Golden> list = {
      {"vanilla-asgd", {{"name", word("vanilla-asgd")}, {"step_size", num(0.125)}}},
      {"vanilla-asgd-uniform",
       {{"name", word("vanilla-asgd")}, {"step_size", num(0.125)}, {"dispatch", word("uniform")}}},
      {"clipped-asgd", {{"name", word("clipped-asgd")}, {"step_size", num(0.125)}, {"clip_radius", num(0.5)}}},
      {"clipped-asgd-uniform",
       {{"name", word("clipped-asgd")},
        {"step_size", num(0.125)},
        {"clip_radius", num(0.5)},
        {"dispatch", word("uniform")},
        {"initial_orders", word("uniform")}}},
      {"delay-adaptive-asgd", {{"name", word("delay-adaptive-asgd")}, {"step_size", num(0.125)}}},
      {"delay-adaptive-asgd-smoothness",
       {{"name", word("delay-adaptive-asgd")},
        {"step_size", num(0.125)},
        {"rule", word("smoothness")},
        {"smoothness", num(1.0)}}},
      {"ringmaster-asgd", {{"name", word("ringmaster-asgd")}, {"step_size", num(0.125)}, {"delay_limit", whole(6)}}},
      {"ringmaster-asgd-stop",
       {{"name", word("ringmaster-asgd")}, {"step_size", num(0.125)}, {"delay_limit", whole(6)}, {"stop", {true}}}},
      {"minibatch-sgd", {{"name", word("minibatch-sgd")}, {"step_size", num(0.5)}}},
      {"m-sync-sgd", {{"name", word("m-sync-sgd")}, {"step_size", num(0.5)}, {"m", whole(3)}}},
      {"m-sync-sgd-ignore",
       {{"name", word("m-sync-sgd")}, {"step_size", num(0.5)}, {"m", whole(3)}, {"late", word("ignore")}}},
  };
  return list;
}

std::string trace_of(const SettingValue::Table& settings) {
  problems::ProblemCatalogue catalogue;
  Settings problem_settings({{"dimension", whole(5)}, {"mu", num(0.25)}, {"smoothness", num(1.0)}}, "problem");
  const auto problem = catalogue.row("quadratic").make(problem_settings, {.workers = 4, .seed = 1, .data_root = {}});
  const test::FixedTimes times({1.0, 1.0, 3.0, 7.0});
  const auto method = test::make(settings, 4);
  const auto run = test::simulate(*problem, times, *method, {.workers = 4, .run = test::stop_after_time(15)});
  std::string text = "time_s worker order version delay norm coefficient outcome updates\n";
  for (const ArrivalRecord& a : run.arrivals)
    text += fmt::format("{} {} {} {} {} {:.17g} {:.17g} {} {}\n", to_seconds(a.time), a.order.worker, a.order.id,
                        a.order.version, a.delay, a.norm, a.coefficient, name_of(a.outcome), a.updates);
  for (const float x : run.x) text += fmt::format("x {:.9g}\n", x);
  return text + "digest " + run.result.digest + "\n";
}

class GoldenTrace : public testing::TestWithParam<Golden> {};

TEST_P(GoldenTrace, IsUnchanged) {
  const std::filesystem::path file =
      std::filesystem::path(TARDIGRAD_SOURCE_DIR) / "tests" / "golden" / (GetParam().name + ".txt");
  const std::string now = trace_of(GetParam().method);
  if (std::getenv("TARDIGRAD_UPDATE_GOLDEN")) std::ofstream(file) << now;
  std::ifstream in(file);
  ASSERT_TRUE(in) << file << " is not there: ./dev golden writes it";
  std::stringstream stored;
  stored << in.rdbuf();
  EXPECT_EQ(now, stored.str()) << "the trace has changed; if that is meant: ./dev golden, and review the difference";
}

INSTANTIATE_TEST_SUITE_P(Methods, GoldenTrace, testing::ValuesIn(goldens()), [](const auto& each) {
  std::string name = each.param.name;
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
});

TEST(GoldenTraces, CoverEveryMethod) {
  std::set<std::string> covered;
  for (const Golden& golden : goldens()) covered.insert(std::get<std::string>(golden.method.at("name").value));
  for (const methods::MethodRow& row : methods::catalogue()) EXPECT_TRUE(covered.count(row.name)) << row.name;
}

}  // namespace
}  // namespace tardigrad
