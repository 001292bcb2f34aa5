// SPDX-License-Identifier: Apache-2.0
// Networks in the program: recorded on real threads and in the simulator, replayed, killed and gone on with. Their
// gradients come from LibTorch and oneDNN, on other threads and in another order each time, and must be the same bits.
#include <signal.h>

#include <chrono>
#include <ostream>
#include <string>
#include <thread>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

struct Network {
  std::string name, problem;
};
void PrintTo(const Network& network, std::ostream* out) { *out << network.name; }

// Three workers as fast as they can be; whoever is two versions late is stopped in the middle of a gradient.
class Networks : public Program, public testing::WithParamInterface<Network> {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("text.txt", [] {
      std::string text;
      for (int i = 0; i < 4000; ++i) text += "abcde fghij"[i * i % 11];
      return text;
    }());
    write("s.toml", "problem = " + GetParam().problem +
                        "\n"
                        "workers = { count = 3, compute_time = [0.001, 0.001, 0.003] }\n"
                        "method = { name = 'ringmaster-asgd', step_size = 0.05, delay_limit = 2, stop = true }\n"
                        "run = { stop = { updates = 8 }, evaluate_every = { updates = 4 } }\n");
  }
  std::vector<std::string> resumed_in(const std::string& directory, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"run",      "s.toml", "--set",  "run.checkpoint_every={updates=2}",
                                      "--resume", "--out",  directory};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // The kill comes after the first checkpoint and before the end.
  void kill_and_go_on(const std::string& directory, const std::vector<std::string>& more) {
    const fs::path checkpoints = folder_ / directory / "checkpoints";
    Finished killed;
    do {
      fs::remove_all(folder_ / directory);
      const pid_t pid = start(resumed_in(directory, more));
      while (!fs::exists(checkpoints) || fs::is_empty(checkpoints))
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      kill(pid, SIGKILL);
      killed = finish(pid);
    } while (killed.code == 0);
    ASSERT_EQ(killed.code, 128 + SIGKILL) << killed.err;
    const Finished finished = run(resumed_in(directory, more));
    ASSERT_EQ(finished.code, 0) << finished.err;
  }
  void expect_replayed(const std::string& directory) {
    const Finished finished = run({"replay", directory, "--json"});
    ASSERT_EQ(finished.code, 0) << finished.err << finished.out;  // every hash and the digest are met
    const json state = json::parse(finished.out);
    EXPECT_EQ(state["ended"], true);
    // What a real worker had spent on an order that was withdrawn is measured, and in no recording.
    json replayed = state["counters"], counted = summary(directory)["counters"];
    replayed.erase("wasted_seconds");
    counted.erase("wasted_seconds");
    EXPECT_EQ(replayed, counted);
    EXPECT_EQ(state["metrics"], summary(directory)["metrics"]);
  }
};

TEST_P(Networks, AreReplayedFromRealThreads) {
  ASSERT_EQ(run({"run", "s.toml", "--runtime", "threads", "--record", "--out", "r"}).code, 0);
  expect_replayed("r");
}

TEST_P(Networks, AreReplayedFromASimulationAndSimulatedWithAnotherMethod) {
  ASSERT_EQ(run({"run", "s.toml", "--record", "--out", "r", "--threads", "3"}).code, 0);
  expect_replayed("r");
  const json report = json::parse(run({"what-if", "r", "--method", "minibatch-sgd", "--json"}).out);
  EXPECT_EQ(report["runs"][0]["digest"], report["runs"][1]["digest"]);
  EXPECT_EQ(report["runs"][2]["counters"]["delay_max"], 0);
}

TEST_P(Networks, GoOnAfterAKill) {
  ASSERT_EQ(run(resumed_in("unbroken", {})).code, 0);
  kill_and_go_on("broken", {});
  EXPECT_EQ(summary("broken")["digest"], summary("unbroken")["digest"]);
  EXPECT_EQ(summary("broken")["metrics"], summary("unbroken")["metrics"]);
  EXPECT_TRUE(read(folder_ / "broken" / "model.safetensors") == read(folder_ / "unbroken" / "model.safetensors"));
}

TEST_P(Networks, GoOnAfterAKillOnRealThreadsAndAreReplayed) {
  kill_and_go_on("r", {"--runtime", "threads", "--record"});
  expect_replayed("r");
}

INSTANTIATE_TEST_SUITE_P(
    Torch, Networks,
    testing::Values(
        Network{"cnn", "{ name = 'cnn', batch_size = 8, augment = 'crop-flip', evaluation_examples = 50 }"},
        Network{"cnn_bf16", "{ name = 'cnn', batch_size = 8, precision = 'bf16', evaluation_examples = 50 }"},
        Network{"resnet18", "{ name = 'resnet18', batch_size = 2, bn_examples = 8, evaluation_examples = 10 }"},
        Network{"char_lstm",
                "{ name = 'char-lstm', data = 'text.txt', batch_size = 4, sequence_length = 8, "
                "hidden = 32, evaluation_examples = 4 }"}),
    [](const auto& network) { return network.param.name; });

}  // namespace
}  // namespace tardigrad::e2e
