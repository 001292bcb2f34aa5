// SPDX-License-Identifier: Apache-2.0
// One stored trace for each [method] table in this folder: NAME.toml gives NAME.txt. Any change of behaviour is a
// difference to read. `./dev golden --update` rewrites them.
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
#include "support/method_files.hpp"

namespace tardigrad {
namespace {

using test::MethodFile;
using test::num;
using test::whole;

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

class GoldenTrace : public testing::TestWithParam<MethodFile> {};

TEST_P(GoldenTrace, IsUnchanged) {
  const std::filesystem::path file =
      std::filesystem::path(TARDIGRAD_SOURCE_DIR) / "tests" / "golden" / (GetParam().name + ".txt");
  const std::string now = trace_of(GetParam().table);
  if (std::getenv("TARDIGRAD_UPDATE_GOLDEN")) std::ofstream(file) << now;
  std::ifstream in(file);
  ASSERT_TRUE(in) << file << " is not there: ./dev golden --update writes it";
  std::stringstream stored;
  stored << in.rdbuf();
  EXPECT_EQ(now, stored.str())
      << "the trace has changed; if that is meant: ./dev golden --update, and review the difference";
}

INSTANTIATE_TEST_SUITE_P(Methods, GoldenTrace, testing::ValuesIn(test::method_files()), test::name_of_method_file);

TEST(GoldenTraces, CoverEveryMethod) {
  std::set<std::string> covered;
  for (const MethodFile& file : test::method_files()) covered.insert(file.method());
  for (const MethodRow& row : methods::catalogue()) EXPECT_TRUE(covered.count(row.name)) << row.name;
}

}  // namespace
}  // namespace tardigrad
