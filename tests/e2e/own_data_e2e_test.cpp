// SPDX-License-Identifier: Apache-2.0
// Workers that own their training data: a folder each, cut from one set, which the coordinator has not.
#include "network.hpp"

namespace tardigrad::e2e {
namespace {

const std::vector<std::string> kNames = {"anna", "ben", "cleo"};

class OwnData : public Network {
 protected:
  void SetUp() override {
    Network::SetUp();
    std::ostringstream rows, test;
    Stream dice(1, Purpose::test);
    for (int i = 0; i < 240; ++i) {
      const bool upper = dice.below(3) > 0;
      (i < 40 ? test : rows) << (upper ? "1 1:" : "-1 1:") << dice.normal() + (upper ? 1.0 : -1.0)
                             << " 2:" << dice.normal() << "\n";
    }
    write("rows", rows.str());
    write("test", test.str());
    world_ = R"(
problem = { name = "logistic", test = "test", batch_size = 4, objective = "examples" }
method = { name = "fedavg", local_epochs = 1, local_step_size = 0.1 }
workers = { count = 3, own_data = true }
)";
    const Finished cut = run(
        {"data", "split", "rows", "--workers", "3", "--out", "parts", "--set", "partition.kind=dirichlet-classwise"});
    ASSERT_EQ(cut.code, 0) << cut.err;
    EXPECT_THAT(cut.out, HasSubstr("parts/2"));
    fs::remove(folder_ / "rows");
  }

  std::vector<std::string> part(std::size_t i) const { return {"--own-data", "parts/" + std::to_string(i)}; }
  /// They come in turn, so that each has the number of its part.
  void work_in_turn(const std::string& run) {
    write_scenario(run);
    serve({"--at-start", "3"});
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      work(kNames[i], part(i));
      ASSERT_TRUE(within(20.0, [&] {
        return read(folder_ / (kNames[i] + ".err")).find(": connected") != std::string::npos;
      })) << read(folder_ / (kNames[i] + ".err"));
    }
  }
  void expect_replayed() {
    EXPECT_THAT(test::wrong_accounts(folder_ / "r"), testing::IsEmpty());
    const Finished replayed = run({"replay", "r", "--own-data", "parts/0", "parts/1", "parts/2"});
    EXPECT_EQ(replayed.code, 0) << replayed.err;
    EXPECT_THAT(replayed.out, HasSubstr("its digest is met"));
  }
};

TEST_F(OwnData, ARunLearnsAndIsReplayedWithTheData) {
  work_in_turn("stop = { updates = 40 }");
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  EXPECT_GT(summary("r")["metrics"]["accuracy"], 0.7);
  expect_replayed();
  expect_refused(
      {"replay", "r"},
      "r: was computed on data that its workers own (workers.own_data), which are not here: they must be given, "
      "worker by worker");
  expect_refused({"what-if", "r"}, "which are not here");
  expect_refused({"replay", "r", "--own-data", "parts/0", "parts/1", "parts/2", "parts/2"},
                 "parts/2: is one too many: the run has 3 workers");
  const Finished others = run({"replay", "r", "--own-data", "parts/1", "parts/0", "parts/2"});
  EXPECT_EQ(others.code, 1);
  EXPECT_THAT(others.err, HasSubstr("differs"));
  const Finished fewer = run({"replay", "r", "--own-data", "parts/0", "parts/1"});
  EXPECT_EQ(fewer.code, 1);
  EXPECT_THAT(fewer.err, HasSubstr("the worker holds 0 examples"));
  const Finished what_if =
      run({"what-if", "r", "--set", "method.local_epochs=2", "--own-data", "parts/0", "parts/1", "parts/2"});
  EXPECT_EQ(what_if.code, 0) << what_if.err;
  EXPECT_THAT(read(folder_ / "r" / "provenance.json"), testing::Not(HasSubstr("parts/")));
}

// Whatever is done to the folder during the run, or to its worker.
TEST_F(OwnData, AKilledOwnerReturnsToItsNumber) {
  work_in_turn("stop = { updates = 400 }, heartbeat = 0.1");
  fs::rename(folder_ / "parts" / "1", folder_ / "elsewhere");
  ASSERT_TRUE(within(30.0, [&] { return events() > 60; }));
  kill_hard("ben");
  fs::rename(folder_ / "elsewhere", folder_ / "parts" / "1");
  work("ben", part(1));
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  expect_replayed();
}

TEST_F(OwnData, TwoMayOwnTheSame) {
  write_scenario("stop = { updates = 10 }");
  serve({"--at-start", "2", "--set", "workers.count=2"});
  work("anna", part(0));
  work("ben", part(0));
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
}

// Each is one line; the run goes on without them.
TEST_F(OwnData, WhatCannotBeIsRefused) {
  write_scenario("stop = { updates = 10 }");
  expect_refused({"run", "s.toml", "--runtime", "grpc"},
                 "workers.own_data = true: is for workers of other processes, and those of this run are of this one");
  expect_refused({"run", "s.toml", "--set", "workers.compute_time=1"},
                 "workers.own_data = true: means something only with run.runtime = \"grpc\"");
  expect_refused({"serve", "s.toml", "--demo", "2"}, "--demo: its workers have no data of their own");
  expect_refused({"serve", "s.toml", "--listen", "127.0.0.1:0", "--set", "problem.name=quadratic"},
                 "is made from no data that workers could own (workers.own_data): must be logistic or softmax");
  expect_refused({"serve", "s.toml", "--listen", "127.0.0.1:0", "--set", "problem.partition.kind=iid"},
                 "(workers.own_data): leave it out");
  expect_refused({"serve", "s.toml", "--listen", "127.0.0.1:0", "--set", "method.local_epochs=1001"},
                 "where workers have data of their own");
  expect_refused({"data", "split", "test", "--workers", "3", "--out", "parts", "--set", "partition.kind=iid"},
                 "parts: is there; nothing was written");
  expect_refused({"data", "split", "test", "--workers", "3", "--out", "new", "--set", "problem.seed=1"},
                 "partition.KEY=VALUE");
  serve({"--set", "workers.count=1"});
  const auto refused = [&](const std::vector<std::string>& more, const std::string& message) {
    std::vector<std::string> words = words_of_worker("eve", more);
    words.emplace_back("--quiet");
    expect_refused(words, message);
  };
  refused({}, "its workers own their training data (workers.own_data): this one must be given some");
  refused({"--own-data", "nowhere"}, "nowhere: no such file or folder");
  fs::create_directory(folder_ / "empty");
  refused({"--own-data", "empty"}, "empty: holds no files");
  write("wide", "1 9:1\n");
  refused({"--own-data", "wide"}, "wide: index 9: the run has 2 features");
  work("anna", part(0));
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  world_ =
      "problem = { name = 'quadratic' }\nworkers = { count = 2 }\nmethod = { name = 'vanilla-asgd', step_size = 0.1 "
      "}\n";
  write_scenario("stop = { updates = 10 }");
  serve({"--overwrite"});
  refused(part(0), "its workers draw from data that the scenario names, not from their own");
}

}  // namespace
}  // namespace tardigrad::e2e
