// SPDX-License-Identifier: Apache-2.0
// Real kills: a run that is killed at random instants, and resumed each time, leaves what the unbroken run leaves, to
// the last byte, and its recording can be gone through to the end. A few methods, ten kills each; TARDIGRAD_KILLS=N
// does so with every method, N kills each.
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "config/toml_file.hpp"
#include "program.hpp"
#include "support/method_files.hpp"

namespace tardigrad {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Workers that vanish and return, noise, a target on the way; a second or less.
constexpr const char* kWorld = R"(
problem = { name = "quadratic", dimension = 4000, mu = 0.25, noise = { kind = "gaussian", scale = 0.2 } }
run = { stop = { gradients = 4000 }, target = { metric = "loss", at_most = 1.0 }, evaluate_every = { time = 20.0 } }
[workers]
groups = [
  { count = 3, compute_time = { kind = "exponential", mean = 1.0 } },
  { count = 3, compute_time = 3.0, availability = { up = { kind = "exponential", mean = 30.0 }, down = 5.0 } },
]
)";

class Kills : public e2e::Program, public testing::WithParamInterface<test::MethodFile> {
 protected:
  // So often that most legs make one, and, by turns, by the clock and by updates, on one thread and on two.
  std::vector<std::string> command(const std::string& directory, std::uint64_t turn) {
    return {"run", "scenario.toml", "--out", directory, "--threads", turn % 2 ? "2" : "1", "--quiet", "--resume"};
  }
  void write_scenario() {
    std::string text = kWorld;
    SettingValue::Table document = parse_toml(text, "kill_e2e_test.cpp");
    document["method"] = {GetParam().table};
    auto& run = std::get<SettingValue::Table>(document["run"].value);
    SettingValue::Table every = {{"seconds", {0.01}}};
    if (GetParam().name.size() % 2) every = {{"updates", {std::int64_t{20}}}};
    run["checkpoint_every"] = {every};
    run["record"] = {true};
    write("scenario.toml", to_toml_document(document));
  }

  void expect_same(const std::string& broken, const std::string& unbroken) {
    for (const char* file : {"events.jsonl", "metrics.jsonl", "scenario.toml", "model.safetensors"})
      EXPECT_TRUE(e2e::read(folder_ / broken / file) == e2e::read(folder_ / unbroken / file)) << file;
    const nlohmann::json a = summary(broken), b = summary(unbroken);
    for (const char* key : {"digest", "counters", "metrics", "time_ns", "time_to_target_ns", "figures", "reason"})
      EXPECT_EQ(a[key], b[key]) << key;
    const e2e::Finished replayed = run({"replay", broken});
    EXPECT_EQ(replayed.code, 0) << replayed.err;
    EXPECT_THAT(replayed.out, testing::HasSubstr("its digest is met"));
  }
};

TEST_P(Kills, LeaveNoTrace) {
  const char* const wanted = std::getenv("TARDIGRAD_KILLS");
  const int kills = wanted ? std::atoi(wanted) : 10;
  write_scenario();
  const auto begin = Clock::now();
  const e2e::Finished unbroken = run(command("unbroken", 0));
  const std::chrono::duration<double> whole = Clock::now() - begin;
  ASSERT_EQ(unbroken.code, 0) << unbroken.err;
  ASSERT_EQ(summary("unbroken")["reason"], "gradients");

  const auto broken = [&](std::uint64_t turn) { return command("broken", turn); };
  kill_and_resume(kills, 0.4 * whole, broken, [&] {
    expect_same("broken", "unbroken");
    fs::remove_all(folder_ / "broken");
  });
  std::cout << GetParam().name << ": " << kills << " kills of a run of " << whole.count() << " s\n";
}

std::vector<test::MethodFile> methods_to_kill() {
  std::vector<test::MethodFile> list;
  for (const test::MethodFile& file : test::method_files()) {
    const bool chosen = file.name == "clipped-asgd-uniform" || file.name == "fedbuff-momentum" ||
                        file.name == "ringleader-asgd" || file.name == "m-sync-sgd" || file.name == "vanilla-asgd-adam";
    if (chosen || std::getenv("TARDIGRAD_KILLS")) list.push_back(file);
  }
  return list;
}

INSTANTIATE_TEST_SUITE_P(Methods, Kills, testing::ValuesIn(methods_to_kill()), test::name_of_method_file);

}  // namespace
}  // namespace tardigrad
