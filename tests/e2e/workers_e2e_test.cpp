// SPDX-License-Identifier: Apache-2.0
// Workers that hold parts of a data set: what is said of them, and passes over their examples.
#include "program.hpp"

namespace tardigrad::e2e {
namespace {

class Workers : public Program {
 protected:
  // Twelve rows for two workers, so that an epoch of batches of four is two steps.
  std::vector<std::string> federated(const std::string& work, std::vector<std::string> more) {
    std::string rows;
    for (int k = 0; k < 12; ++k) rows += (k % 2 == 0 ? "+1 1:1 " : "-1 1:-1 ") + std::to_string(2 + k % 3) + ":0.5\n";
    write("rows.svm", rows);
    write("s.toml",
          "problem = { name = 'logistic', data = './rows.svm', batch_size = 4, partition = { kind = 'iid' } }\n"
          "workers = { count = 2, compute_time = 1.0 }\n"
          "method = { name = 'fedavg', local_step_size = 0.5, " +
              work +
              " }\n"
              "run = { stop = { updates = 3 }, record = true }\n");
    more.insert(more.begin(), {"run", "s.toml"});
    return more;
  }
};

TEST_F(Workers, EpochsArePassesOverTheirExamples) {
  const Finished finished = run(federated("local_epochs = 3", {"--out", "r"}));
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("partition: 2 workers with 6 of 12 examples"));
  EXPECT_THAT(read(folder_ / "r" / "events.jsonl"), HasSubstr("\"local_steps\":6,"));
  EXPECT_EQ(summary("r")["time"], 18.0);  // three rounds of three epochs of two steps of a second
  const Finished replayed = run({"replay", "r"});
  EXPECT_EQ(replayed.code, 0) << replayed.err;
  ASSERT_EQ(run(federated("local_epochs = 3", {"--out", "again", "--threads", "2", "--quiet"})).code, 0);
  EXPECT_EQ(summary("again")["digest"], summary("r")["digest"]);
  ASSERT_EQ(run(federated("local_steps = 6", {"--out", "steps", "--quiet"})).code, 0);
  EXPECT_NE(summary("steps")["digest"], summary("r")["digest"]) << "drawn with replacement";
}

TEST_F(Workers, AreScoredAtTheEnd) {
  ASSERT_EQ(run(federated("local_epochs = 1", {"--out", "r", "--quiet"})).code, 0);
  std::istringstream partition(read(folder_ / "r" / "partition.jsonl")), scores(read(folder_ / "r" / "workers.jsonl"));
  std::string line;
  int ones = 0;
  double mean = 0.0, worst = 0.0;
  for (int worker = 0; worker < 2; ++worker) {
    std::getline(partition, line);
    const json part = json::parse(line);
    EXPECT_EQ(part["worker"], worker);
    EXPECT_EQ(part["examples"], 6);
    ones += part["classes"][1].get<int>();
    std::getline(scores, line);
    const json score = json::parse(line);
    EXPECT_EQ(score["worker"], worker);
    mean += score["loss"].get<double>() / 2;
    worst = std::max(worst, score["loss"].get<double>());
    EXPECT_TRUE(score.contains("accuracy"));
  }
  EXPECT_EQ(ones, 6);
  const json s = summary("r");
  EXPECT_NEAR(s["workers"]["objective_loss"].get<double>(), mean, 1e-15);
  EXPECT_NEAR(s["metrics"]["loss"].get<double>(), mean, 1e-12);
  EXPECT_NEAR(s["metrics"]["loss_worst"].get<double>(), worst, 1e-12);
  EXPECT_EQ(s["workers"]["loss_max"], worst);
}

TEST_F(Workers, NobodyIsScoredWhereNobodyAsks) {
  ASSERT_EQ(run(federated("local_steps = 1", {"--out", "r", "--quiet", "--set", "run.per_worker=false"})).code, 0);
  EXPECT_FALSE(fs::exists(folder_ / "r" / "partition.jsonl"));
  EXPECT_FALSE(fs::exists(folder_ / "r" / "workers.jsonl"));
  EXPECT_TRUE(summary("r")["workers"].empty());
}

TEST_F(Workers, EpochsNeedExamples) {
  write("q.toml",
        "problem = { name = 'quadratic' }\nworkers = { count = 2, compute_time = 1.0 }\n"
        "method = { name = 'fedavg', local_step_size = 0.5, local_epochs = 2 }\nrun = { stop = { updates = 3 } }\n");
  expect_refused({"run", "q.toml"},
                 "method.local_epochs = 2: the problem `quadratic` has no examples to pass over: say local_steps");
  expect_refused(federated("local_epochs = 2, local_steps = 4", {}),
                 "method.local_steps = 4: local_epochs is given too: say one of them");
}

}  // namespace
}  // namespace tardigrad::e2e
