// SPDX-License-Identifier: Apache-2.0
// Rounds with a deadline, and a worker that answers every heartbeat and never finishes.
#include "network.hpp"

namespace tardigrad::e2e {
namespace {

TEST_F(Network, AWorkerThatNeverFinishesHoldsUpOneRound) {
  write("s.toml",
        "problem = { name = 'quadratic', dimension = 50, mu = 0.05 }\n"
        "workers = { count = 4, at_start = 4, compute_time = [0.002, 0.002, 0.002, 100000.0] }\n"
        "method = { name = 'fedavg', local_step_size = 0.02, local_steps = 2, deadline = 3.0, min_results = 2 }\n"
        "run = { stop = { updates = 150 }, checkpoint_every = { seconds = 0.05 } }\n");
  serve();
  for (const char* name : {"anna", "ben", "cleo", "dora"}) work(name);
  ASSERT_TRUE(within(60.0, [&] { return events() > 100; })) << read(folder_ / "server.err");
  kill_hard("server");
  serve();
  EXPECT_EQ(code("server"), 0) << read(folder_ / "server.err");
  expect_whole("updates");
  EXPECT_GE(summary("r")["figures"]["deadlines_passed"], 1.0);
  const std::string events = read(folder_ / "r" / "events.jsonl");
  EXPECT_THAT(events, HasSubstr("the deadline of the round has passed: "));
}

}  // namespace
}  // namespace tardigrad::e2e
