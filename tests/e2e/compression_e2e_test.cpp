// SPDX-License-Identifier: Apache-2.0
// workers.compression is a part of the world that is computed: the same on any number of threads, after any break, and
// when it is gone through again.
#include "program.hpp"

namespace tardigrad::e2e {
namespace {

constexpr const char* kWorld =
    "problem = { name = 'quadratic', dimension = 1500, mu = 0.05, noise = { kind = 'gaussian', scale = 0.05 } }\n"
    "workers = { groups = [ { count = 3, compute_time = { kind = 'exponential', mean = 1.0 } }, "
    "{ count = 2, compute_time = { kind = 'exponential', mean = 6.0 }, "
    "availability = { up = { kind = 'exponential', mean = 20.0 }, down = 5.0 } } ] }\n"
    "method = { name = 'ringmaster-asgd', step_size = 0.05, delay_limit = 4, clip_radius = 2.0 }\n"
    "run = { stop = { updates = 200 } }\n";

class Compression : public Program, public testing::WithParamInterface<const char*> {
 protected:
  std::string setting() const { return std::string("workers.compression=") + GetParam(); }
  std::string digest(const std::string& directory) { return summary(directory)["digest"]; }
  void expect_digest_met(const std::string& directory) {
    const Finished replayed = run({"replay", directory});
    EXPECT_EQ(replayed.code, 0) << replayed.err;
    EXPECT_THAT(replayed.out, HasSubstr("its digest is met"));
  }
};
INSTANTIATE_TEST_SUITE_P(Each, Compression,
                         testing::Values("{gradients='bf16'}", "{gradients='int8',parameters='bf16'}",
                                         "{gradients='top-k',top_k=0.05}", "{gradients='sign',parameters='bf16'}"),
                         [](const auto& each) {
                           const std::string text = each.param;
                           const std::size_t from = text.find('\'') + 1;
                           std::string name = text.substr(from, text.find('\'', from) - from);
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(Compression, IsTheSameOnAnyThreadsAfterABreakAndInAReplay) {
  write("s.toml", kWorld);
  ASSERT_EQ(run({"run", "s.toml", "--quiet", "--out", "plain"}).code, 0);
  const Finished whole = run({"run", "s.toml", "--quiet", "--record", "--out", "whole", "--set", setting()});
  ASSERT_EQ(whole.code, 0) << whole.err;
  EXPECT_NE(digest("whole"), digest("plain"));
  expect_digest_met("whole");
  ASSERT_EQ(run({"run", "s.toml", "--quiet", "--out", "one", "--threads", "1", "--set", setting()}).code, 0);
  EXPECT_EQ(digest("one"), digest("whole"));
  // Stopped between two events of workers that have left something out.
  ASSERT_EQ(run({"run", "s.toml", "--quiet", "--out", "r", "--set", setting(), "--set", "run.stop.updates=83", "--set",
                 "run.checkpoint_every={updates=20}"})
                .code,
            0);
  const Finished on = run({"run", "s.toml", "--quiet", "--out", "r", "--set", setting(), "--resume"});
  ASSERT_EQ(on.code, 0) << on.err;
  EXPECT_EQ(digest("r"), digest("whole"));
  const json report = json::parse(run({"what-if", "whole", "--set", "method.delay_limit=100", "--json"}).out);
  EXPECT_EQ(report["runs"][0]["digest"], report["runs"][1]["digest"]);
}

TEST_P(Compression, OfRealThreadsIsReplayed) {
  write("s.toml", kWorld);
  const Finished threads = run({"run", "s.toml", "--quiet", "--record", "--out", "r", "--set", setting(), "--set",
                                "run={runtime='threads',time_scale=0.001,stop={updates=200}}"});
  ASSERT_EQ(threads.code, 0) << threads.err;
  expect_digest_met("r");
}

class BadCompression : public Program {};

TEST_F(BadCompression, IsOneLine) {
  write("s.toml", kWorld);
  const auto refused = [&](const std::string& table, const std::string& message) {
    expect_refused({"run", "s.toml", "--set", "workers.compression=" + table}, message);
  };
  refused("{gradients='int9'}",
          "workers.compression.gradients = \"int9\": must be one of float32, bf16, int8, top-k, "
          "sign; did you mean `int8`?");
  refused("{parameters='int8'}", "workers.compression.parameters = \"int8\": must be one of float32, bf16");
  refused("{gradients='top-k',top_k=0}", "workers.compression.top_k = 0: must be a number in (0, 1]");
  refused("{gradients='int8',top_k=0.1}", "workers.compression.top_k = 0.1: unknown key");
  refused("'int8'", "workers.compression = \"int8\": must be a table");
  expect_refused(
      {"run", "s.toml", "--set", "run.runtime='hogwild'", "--set", "workers={count=2,compression={gradients='bf16'}}"},
      "run.runtime = \"hogwild\" has no server");
}

}  // namespace
}  // namespace tardigrad::e2e
