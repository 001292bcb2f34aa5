// SPDX-License-Identifier: Apache-2.0
// The program under a library that fails chosen calls (tests/support/faults.cpp): first, that it does; then, that a
// kill or an error at any of them, on any file that a run writes, leaves what `--resume` makes whole.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include <fmt/format.h>

#include "config/toml_file.hpp"
#include "program.hpp"
#include "support/method_files.hpp"

namespace tardigrad::e2e {
namespace {

class Faults : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("s.toml", std::string(kSmallWorld) +
                        "run = { stop = { updates = 200 }, evaluate_every = { updates = 30 }, "
                        "checkpoint_every = { updates = 40 } }\n");
  }
  Finished run_under(const std::string& faults) {
    return run({"run", "s.toml", "--out", "r", "--quiet", "--overwrite"}, faults);
  }
};

TEST_F(Faults, HitWhatTheyAreAimedAt) {
  ASSERT_EQ(run_under("write */nothing 1 kill").code, 0);
  const std::string calls = read(folder_ / "calls"), r = (folder_ / "r").string();
  for (const std::string& call :
       {"write " + r + "/metrics.jsonl\n", "write " + r + "/events.jsonl\n", "rename " + r + "/summary.json\n",
        "rename " + r + "/checkpoints/000000000040.checkpoint\n", "sync " + r + "/checkpoints\n"})
    EXPECT_THAT(calls, HasSubstr(call));

  EXPECT_EQ(run_under("write */metrics.jsonl 3 kill").code, 128 + SIGKILL);
  const std::string rows = read(folder_ / "r" / "metrics.jsonl");
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 2);
  EXPECT_EQ(run_under("write */metrics.jsonl 3 kill-after").code, 128 + SIGKILL);
  const std::string three = read(folder_ / "r" / "metrics.jsonl");
  EXPECT_EQ(run_under("write */metrics.jsonl 3 kill-half").code, 128 + SIGKILL);
  EXPECT_EQ(read(folder_ / "r" / "metrics.jsonl"), three.substr(0, rows.size() + (three.size() - rows.size() + 1) / 2));
  EXPECT_EQ(run_under("rename */summary.json 1 kill").code, 128 + SIGKILL);
  EXPECT_FALSE(fs::exists(folder_ / "r" / "summary.json"));

  const Finished full = run_under("write */metrics.jsonl 2 half; write */metrics.jsonl 3 ENOSPC");
  EXPECT_EQ(full.code, 0);
  EXPECT_THAT(full.err, HasSubstr("r/metrics.jsonl: cannot write: No space left on device"));
  EXPECT_EQ(run_under("write */metrics.jsonl 2").code, 97);
  EXPECT_EQ(run_under("write */metrics.jsonl 2 EUNKNOWN").code, 97);
}

// Workers that hold parts of a data set and come and go, all logs, checkpoints on the way: every file there is.
constexpr const char* kWorld = R"(
problem = { name = "logistic", data = "rows.svm", batch_size = 4, partition = { kind = "iid" } }
[run]
stop = { gradients = 150 }
evaluate_every = { time = 10.0 }
checkpoint_every = { updates = 12 }
record = true
[workers]
groups = [
  { count = 2, compute_time = { kind = "exponential", mean = 1.0 } },
  { count = 2, compute_time = 3.0, availability = { up = { kind = "exponential", mean = 30.0 }, down = 5.0 } },
]
)";
constexpr const char* kThreads = R"(
problem = { name = "logistic", data = "rows.svm", batch_size = 4, partition = { kind = "iid" } }
workers = { count = 3 }
run = { stop = { gradients = 600 }, record = true, checkpoint_every = { seconds = 0.005 }, runtime = "threads" }
)";

// A call on a file, which a run makes so many times.
struct Place {
  std::string call, pattern;
  int times = 0;
};

class FaultPoints : public Program, public testing::WithParamInterface<test::MethodFile> {
 protected:
  fs::path disk() const override { return memory(); }
  void SetUp() override {
    Program::SetUp();
    std::string rows;
    for (int k = 0; k < 48; ++k) rows += fmt::format("{} 1:{} {}:0.5\n", k % 2 ? 1 : -1, k % 5 - 2, 2 + k % 7);
    write("rows.svm", rows);
  }
  void write_scenario(const char* world, const test::MethodFile& method) {
    SettingValue::Table document = parse_toml(world, "faults_e2e_test.cpp");
    document["method"] = {method.table};
    write("s.toml", to_toml_document(document));
  }
  Finished run_into(const std::string& directory, const std::string& faults = "") {
    return run({"run", "s.toml", "--out", directory, "--quiet", "--threads", "1", "--resume"}, faults);
  }

  // What a whole run does with its files, by file: checkpoints and temporary files have other names each time.
  std::vector<Place> places() {
    fs::remove(folder_ / "calls");
    EXPECT_EQ(run_into("whole", "write */nothing 1 kill").code, 0) << read(folder_ / "stderr");
    std::map<std::pair<std::string, std::string>, int> found;
    std::istringstream calls(read(folder_ / "calls"));
    const std::string within = (folder_ / "whole").string() + "/";
    for (std::string call, path; calls >> call >> path;) {
      if (call == "read" || call == "stat" || call == "open" || call == "close" || call == "list") continue;
      if (!path.starts_with(within)) continue;
      std::string name = path.substr(within.size());
      if (name.starts_with("checkpoints/")) name = "checkpoints/";
      if (name.ends_with(".tmp")) name.resize(name.size() - 21);
      ++found[{call, name}];
    }
    std::vector<Place> list;
    for (const auto& [place, times] : found) list.push_back({place.first, "*/r/" + place.second + "*", times});
    return list;
  }
  static std::vector<std::string> actions_of(const std::string& call, bool all) {
    std::vector<std::string> actions = {"kill"};
    if (call == "write") actions.emplace_back("kill-half");
    if (call == "rename") actions.emplace_back("kill-after");
    if (all && call != "unlink") actions.emplace_back("EIO");
    return actions;
  }
  static bool holds_state(const std::string& pattern) {
    for (const char* name : {"checkpoints", "events", "metrics", "recording", "summary"})
      if (pattern.find(name) != std::string::npos) return true;
    return false;
  }

  // Until it has ended by itself.
  void go_on(const std::string& fault) {
    Finished leg = run_into("r", fault);
    EXPECT_TRUE(leg.code == 0 || leg.code == 2 || leg.code == 128 + SIGKILL) << fault << ": " << leg.code;
    for (int more = 0; leg.code != 0 && more < 3; ++more) leg = run_into("r");
    ASSERT_EQ(leg.code, 0) << fault << ": " << leg.err;
  }
  void expect_whole(const std::string& fault) {
    for (const char* file :
         {"scenario.toml", "metrics.jsonl", "events.jsonl", "model.safetensors", "partition.jsonl", "workers.jsonl"})
      EXPECT_TRUE(read(folder_ / "r" / file) == read(folder_ / "whole" / file)) << fault << ": " << file;
    const json now = summary("r"), whole = summary("whole");
    for (const char* key : {"digest", "counters", "metrics", "missing", "reason", "figures"})
      EXPECT_EQ(now[key], whole[key]) << fault << ": " << key;
  }
  void go_through(const std::vector<Place>& places, bool all, const std::function<void(const std::string&)>& look) {
    int points = 0;
    for (const Place& place : places) {
      if (!all && !holds_state(place.pattern)) continue;
      std::set<int> which = {1, place.times};
      if (all) which.insert((place.times + 1) / 2);
      for (const int n : which) {
        for (const std::string& action : actions_of(place.call, all)) {
          const std::string fault = fmt::format("{} {} {} {}", place.call, place.pattern, n, action);
          fs::remove_all(folder_ / "r");
          go_on(fault);
          if (HasFatalFailure()) return;
          look(fault);
          ++points;
        }
      }
    }
    std::cout << points << " fault points\n";
  }
};

TEST_P(FaultPoints, LeaveNoTrace) {
  write_scenario(kWorld, GetParam());
  const bool all = GetParam().name == "clipped-asgd-quantile" || std::getenv("TARDIGRAD_KILLS");
  const std::vector<Place> all_places = places();
  EXPECT_GT(all_places.size(), 20u);
  go_through(all_places, all, [&](const std::string& fault) {
    expect_whole(fault);
    if (fault.find("recording") == std::string::npos) return;
    EXPECT_THAT(run({"replay", "r"}).out, HasSubstr("its digest is met")) << fault;
  });
}

// What was left can be replayed: every order once, every gradient and decision as it must be.
TEST_P(FaultPoints, OfThreadsLoseAndRepeatNothing) {
  if (GetParam().name != "fedbuff-momentum" && !std::getenv("TARDIGRAD_KILLS")) GTEST_SKIP() << "one method does";
  write_scenario(kThreads, GetParam());
  std::vector<Place> here = places();
  for (Place& place : here) place.times = std::min(place.times, 2);  // more may not come
  go_through(here, false, [&](const std::string& fault) {
    EXPECT_EQ(summary("r")["reason"], "gradients");
    EXPECT_EQ(summary("r")["missing"], json::object());
    EXPECT_THAT(run({"replay", "r"}).out, HasSubstr("its digest is met")) << fault;
  });
}

// One of each kind of state: an adaptive radius, a buffer of local work, tables, rounds, moments; queues.
std::vector<test::MethodFile> methods_to_fail() {
  std::vector<test::MethodFile> list;
  for (const test::MethodFile& file : test::method_files()) {
    const bool chosen = file.name == "clipped-asgd-quantile" || file.name == "fedbuff-momentum" ||
                        file.name == "ringleader-asgd" || file.name == "fedavg" || file.name == "vanilla-asgd-adam" ||
                        file.name == "mishchenko-asgd";
    if (chosen || std::getenv("TARDIGRAD_KILLS")) list.push_back(file);
  }
  return list;
}

INSTANTIATE_TEST_SUITE_P(Methods, FaultPoints, testing::ValuesIn(methods_to_fail()), test::name_of_method_file);

}  // namespace
}  // namespace tardigrad::e2e
