// SPDX-License-Identifier: Apache-2.0
// record, replay and what-if as a user meets them.
#include "program.hpp"

namespace tardigrad::e2e {
namespace {

constexpr const char* kScenarioText =
    "problem = { name = 'quadratic', dimension = 20, noise = { kind = 'gaussian', scale = 0.5 } }\n"
    "workers = { groups = [ { count = 3, compute_time = { kind = 'exponential', mean = 1.0 } }, "
    "{ count = 2, compute_time = { kind = 'exponential', mean = 6.0 }, "
    "availability = { up = { kind = 'exponential', mean = 20.0 }, down = 5.0 } } ] }\n"
    "method = { name = 'ringmaster-asgd', step_size = 0.1, delay_limit = 4, clip_radius = 2.0 }\n"
    "run = { stop = { updates = 200 }, target = { metric = 'loss', at_most = 0.1 } }\n";

class Recordings : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("s.toml", kScenarioText);
    ASSERT_EQ(run({"run", "s.toml", "--record", "--out", "r"}).code, 0);
  }
  std::string order_that_was(const std::string& outcome) {
    std::ifstream events(folder_ / "r" / "events.jsonl");
    for (std::string line; std::getline(events, line);)
      if (const json row = json::parse(line); row.value("outcome", "") == outcome)
        return "order:" + std::to_string(row["order"].get<int>());
    return "order:none";
  }
};

TEST_F(Recordings, ReplayMeetsTheDigest) {
  const Finished finished = run({"replay", "r"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const json s = summary("r");
  EXPECT_THAT(finished.out,
              HasSubstr("The run ended by updates, and its digest is met: " + s["digest"].get<std::string>()));
  EXPECT_THAT(finished.out, HasSubstr("version         200\n"));
  const json state = json::parse(run({"replay", "r", "--json"}).out);
  EXPECT_EQ(state["counters"], s["counters"]);
  EXPECT_EQ(state["metrics"], s["metrics"]);
  EXPECT_EQ(state["in_flight"].size(), 5u);
}

TEST_F(Recordings, ReplayStopsAtAnEvent) {
  const json state = json::parse(run({"replay", "r", "--until", "100", "--json"}).out);
  EXPECT_EQ(state["event"], 100);
  EXPECT_EQ(state["ended"], false);
  const Finished first = run({"replay", "r", "--until", "1"});
  EXPECT_THAT(first.out, HasSubstr("event           1: worker 0 joins, at 0 s\n"));
  EXPECT_THAT(first.out, HasSubstr("in flight       1\n  worker 0      order 0 at version 0\n"));
}

TEST_F(Recordings, ExplainSaysWhatBecameOfEveryOrder) {
  EXPECT_THAT(run({"replay", "r", "--explain", order_that_was("applied")}).out,
              HasSubstr("Applied with the coefficient "));
  EXPECT_THAT(run({"replay", "r", "--explain", order_that_was("discarded")}).out,
              HasSubstr("Discarded: its delay must be below 4; it is "));
  EXPECT_THAT(run({"replay", "r", "--explain", order_that_was("lost")}).out, HasSubstr(" was lost: worker "));
  ASSERT_EQ(run({"run", "s.toml", "--record", "--set", "method.stop=true", "--out", "r", "--overwrite"}).code, 0);
  EXPECT_THAT(run({"replay", "r", "--explain", order_that_was("cancelled")}).out,
              HasSubstr(" was withdrawn: the method cancelled the orders of worker "));
}

TEST_F(Recordings, WhatIfReproducesTheRecordedRunAndSimulatesAnother) {
  const Finished finished = run({"what-if", "r", "--method", "vanilla-asgd", "--set", "method.step_size=0.05"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out,
              HasSubstr("The recorded method, simulated on these timings, is the recorded run to the last bit.\n"));
  const json report = json::parse(run({"what-if", "r", "--set", "method.delay_limit=100", "--json"}).out);
  ASSERT_EQ(report["runs"].size(), 3u);
  EXPECT_EQ(report["runs"][0]["digest"], report["runs"][1]["digest"]);
  EXPECT_NE(report["runs"][0]["digest"], report["runs"][2]["digest"]);
  EXPECT_EQ(report["runs"][2]["counters"]["discarded"], 0);
}

// Simulated on its own timings, turn-arounds included, a run on real threads takes its own time: with the cheapest of
// gradients, where most of the time passes between them.
TEST_F(Recordings, WhatIfTakesTheTimeOfRealThreads) {
  for (const char* method :
       {"{name='vanilla-asgd',step_size=0.02}", "{name='rennala-sgd',batch_target=4,step_size=0.02}"})
    for (const char* workers : {"{count=1}", "{count=3}"}) {
      ASSERT_EQ(
          run({"run", "s.toml", "--record", "--quiet", "--out", "t", "--overwrite", "--set", "run.runtime='threads'",
               "--set", std::string("workers=") + workers, "--set", std::string("method=") + method, "--set",
               "run.stop={updates=400}", "--set", "run.evaluate_every={updates=100}"})
              .code,
          0);
      const json report = json::parse(run({"what-if", "t", "--json"}).out);
      const double recorded = report["runs"][0]["time"], simulated = report["runs"][1]["time"];
      EXPECT_NEAR(simulated, recorded, 0.05 * recorded) << method << workers;
      EXPECT_EQ(report["runs"][0]["counters"]["updates"], report["runs"][1]["counters"]["updates"]);
    }
}

TEST_F(Recordings, ATornRecordingIsReplayedUpToItsEnd) {
  fs::resize_file(folder_ / "r" / "recording.bin", fs::file_size(folder_ / "r" / "recording.bin") / 2);
  fs::remove(folder_ / "r" / "summary.json");
  const Finished finished = run({"replay", "r"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("The recording is torn after event "));
  const Finished what_if = run({"what-if", "r"});
  ASSERT_EQ(what_if.code, 0) << what_if.err;
  EXPECT_THAT(what_if.out, HasSubstr("updates equal, mean delay equal."));
  EXPECT_THAT(what_if.out, HasSubstr("The recording was broken off: all runs end at "));
}

TEST_F(Recordings, AFlippedByteIsNamed) {
  std::string bytes = read(folder_ / "r" / "recording.bin");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  std::ofstream(folder_ / "r" / "recording.bin", std::ios::binary) << bytes;
  const Finished finished = run({"replay", "r"});
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(finished.out, HasSubstr("The recording is damaged after event "));
}

TEST_F(Recordings, MistakesAreNamed) {
  expect_refused({"replay", "nowhere"}, "nowhere: is no directory of a run");
  ASSERT_EQ(run({"run", "s.toml", "--out", "plain"}).code, 0);
  expect_refused({"replay", "plain"}, "plain: holds no recording.bin; a run with run.record = true writes one");
  expect_refused({"replay", "r", "--until", "x"}, "--until x: must be the number of an event (1, 2, ...), or order:N");
  expect_refused({"replay", "r", "--until", "100000"}, "--until 100000: there is no such event; the recording holds ");
  expect_refused({"replay", "r", "--explain", "order:99999"}, "there is no such order; the recording holds ");
  expect_refused({"replay", "r", "--until", "1", "--explain", "2"}, "--until and --explain: one of them");
  expect_refused({"what-if", "r", "--method", "vanila-asgd"}, "did you mean `vanilla-asgd`?");
  expect_refused({"what-if", "r", "--set", "run.seed=3"}, "assignment run.seed=3: only keys of method can be changed");
  const std::string scenario = read(folder_ / "r" / "scenario.toml");
  write("r/scenario.toml", scenario + "# a remark changes nothing\n");
  EXPECT_EQ(run({"replay", "r"}).code, 0);
  write("r/scenario.toml", scenario + "more = 1\n");  // in [workers]
  expect_refused({"replay", "r"}, "is not the scenario that was recorded");
  std::ofstream(folder_ / "r" / "recording.bin") << "nonsense";
  expect_refused({"what-if", "r"}, "not a recording: it begins with something else");
}

}  // namespace
}  // namespace tardigrad::e2e
