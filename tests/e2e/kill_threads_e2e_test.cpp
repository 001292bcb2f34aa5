// SPDX-License-Identifier: Apache-2.0
// Real kills of runs on real threads. Two of them never are the same, but what a run leaves that was killed twenty
// times and resumed each time must be what one run could have left: every order once, every gradient what its order
// and its parameters give, every decision what the method makes of it.
#include <chrono>

#include "program.hpp"
#include "support/accounts.hpp"

namespace tardigrad::e2e {
namespace {

using Clock = std::chrono::steady_clock;

// Logistic regression on four threads as fast as they can, two of which come and go; a second or less.
constexpr const char* kScenario = R"(
problem = { name = "logistic", data = "rows.svm", batch_size = 64 }
workers = { groups = [ { count = 2 }, { count = 2, availability = { up = 0.02, down = 0.005 } } ] }
run = { runtime = "threads", stop = { gradients = 20000 }, record = true, checkpoint_every = { seconds = 0.02 } }
)";

// Two classes that overlap.
std::string labelled_rows() {
  std::ostringstream text;
  for (std::uint64_t row = 0; row < 1000; ++row) {
    Stream stream(1, Purpose::test, 1, row);
    const int label = row % 2 ? 1 : -1;
    text << label;
    for (int feature = 1 + static_cast<int>(stream.below(5)); feature <= 60; feature += 5)
      text << ' ' << feature << ':' << stream.normal() + 0.3 * label;
    text << '\n';
  }
  return text.str();
}

class KilledThreads : public Program, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("rows.svm", labelled_rows());
    write("s.toml", std::string("method = ") + GetParam() + kScenario);
  }
};

TEST_P(KilledThreads, LoseAndRepeatNothing) {
  const std::vector<std::string> command = {"run", "s.toml", "--out", "r", "--quiet", "--resume"};
  const auto begin = Clock::now();
  ASSERT_EQ(run(command).code, 0) << read(folder_ / "stderr");
  const std::chrono::duration<double> whole = Clock::now() - begin;
  fs::remove_all(folder_ / "r");
  int resumed = 0, ended = 0;
  const auto next = [&](std::uint64_t) {
    std::error_code none;
    resumed += fs::directory_iterator(folder_ / "r" / "checkpoints", none) != fs::directory_iterator{};
    return command;
  };
  kill_and_resume(20, 0.4 * whole, next, [&] {
    ++ended;
    EXPECT_EQ(summary("r")["reason"], "gradients");
    EXPECT_THAT(test::wrong_accounts(folder_ / "r"), testing::IsEmpty());
    const Finished replayed = run({"replay", "r"});
    EXPECT_EQ(replayed.code, 0) << replayed.err;
    EXPECT_THAT(replayed.out, HasSubstr("its digest is met"));
    fs::remove_all(folder_ / "r");
  });
  EXPECT_GE(resumed, 10);
  std::cout << "20 kills, " << resumed << " went on, " << ended << " runs of " << whole.count() << " s\n";
}

INSTANTIATE_TEST_SUITE_P(
    Methods, KilledThreads,
    testing::Values("{ name = 'ringmaster-asgd', step_size = 0.1, delay_limit = 3, stop = true }",
                    "{ name = 'clipped-asgd', step_size = 0.05, update = { rule = 'momentum' }, clip_radius = 'auto' }",
                    "{ name = 'fedbuff', buffer_size = 3, concurrency = 4, local_steps = 4, local_step_size = 0.05 }"));

}  // namespace
}  // namespace tardigrad::e2e
