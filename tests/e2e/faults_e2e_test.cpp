// SPDX-License-Identifier: Apache-2.0
// The program under a library that fails chosen calls (tests/support/faults.cpp): first, that it does.
#include "program.hpp"

namespace tardigrad::e2e {
namespace {

class Faults : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write(
        "s.toml",
        "problem = { name = 'quadratic', dimension = 20, noise = { kind = 'gaussian', scale = 0.5 } }\n"
        "workers = { count = 4, compute_time = { kind = 'exponential', mean = 1.0 } }\n"
        "method = { name = 'vanilla-asgd', step_size = 0.05, update = { rule = 'momentum' } }\n"
        "run = { stop = { updates = 200 }, evaluate_every = { updates = 30 }, checkpoint_every = { updates = 40 } }\n");
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

}  // namespace
}  // namespace tardigrad::e2e
