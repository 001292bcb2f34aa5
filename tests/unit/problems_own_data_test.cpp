// SPDX-License-Identifier: Apache-2.0
// Data that workers own: cut from a set as a partition cuts it, they give the gradients of that partition, bit for bit.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "data/split.hpp"
#include "problems/logistic.hpp"
#include "problems/softmax.hpp"
#include "problems_testing.hpp"

namespace tardigrad::problems {
namespace {

using namespace testing;  // NOLINT: helpers of these tests
namespace fs = std::filesystem;

constexpr std::size_t kWorkers = 4;

class OwnData : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tardigrad-own-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::ofstream rows(folder_ / "rows");
    Stream dice(1, Purpose::test);
    for (int i = 0; i < 300; ++i)
      rows << (dice.below(3) ? "1" : "-1") << " 1:" << dice.normal() << " " << 2 + dice.below(4) << ":" << dice.normal()
           << "\n";
  }
  void TearDown() override { fs::remove_all(folder_); }

  static Table skewed() { return {{"kind", text("dirichlet-classwise")}, {"alpha", {0.3}}}; }
  Table logistic() const { return {{"test", {(folder_ / "rows").string()}}}; }
  Table named_logistic() const { return {{"data", {(folder_ / "rows").string()}}}; }

  void split(const std::string& name) {
    Settings partition(skewed(), "partition");
    data::split_dataset(name, partition, {.workers = kWorkers, .seed = 9, .out = folder_ / "parts"}, {});
  }
  fs::path part(std::size_t worker) const { return folder_ / "parts" / std::to_string(worker); }
  ProblemContext context(TrainingData training, std::vector<fs::path> own = {}, bool evaluates = true) const {
    return {.workers = kWorkers,
            .seed = 9,
            .data_root = {},
            .training = training,
            .own_data = std::move(own),
            .evaluates = evaluates};
  }

  void expect_the_gradients_of(const Make& make, Table named, const Table& own, const Table& told) {
    named["partition"] = {skewed()};
    const auto whole = make_from(make, named, context(TrainingData::named));
    const auto replayed = make_from(make, own, context(TrainingData::own, {part(0), part(1), part(2), part(3)}));
    const std::vector<float> x = random_point(whole->layout().dimension());
    for (WorkerId worker = 0; worker < kWorkers; ++worker) {
      const auto mine = make_from(make, told, context(TrainingData::own, {part(worker)}, /*evaluates=*/false));
      EXPECT_EQ(mine->layout().dimension(), x.size());
      for (const auto& each : {mine.get(), replayed.get()}) {
        EXPECT_EQ(each->examples(worker), whole->examples(worker));
        EXPECT_EQ(each->steps_per_epoch(worker), whole->steps_per_epoch(worker));
        for (const std::uint32_t epochs : {0u, 1u})
          for (std::uint32_t step = 0; step < 3; ++step) {
            const Order order{
                .worker = worker, .index = 5 + step, .work = {.steps = epochs, .epochs = epochs}, .step = step};
            EXPECT_EQ(gradient_of(*each, x, order), gradient_of(*whole, x, order)) << worker << " " << epochs;
          }
      }
    }
    const auto server = make_from(make, own, context(TrainingData::elsewhere));
    EXPECT_FALSE(server->has_own_losses());
    for (const std::string& metric : server->metric_names())
      EXPECT_EQ(metric_of(*replayed, x, metric), metric_of(*server, x, metric));
    EXPECT_EQ(replayed->sources(), server->sources()) << "what workers own is none of them";
    EXPECT_THROW(gradient_of(*server, x), Error);
  }

  fs::path folder_;
};

TEST_F(OwnData, SoftmaxHasTheGradientsOfThePartition) {
  split("glyphs");
  expect_the_gradients_of(make_softmax, {}, {}, {});
}

TEST_F(OwnData, LogisticHasTheGradientsOfThePartition) {
  split((folder_ / "rows").string());
  Table told = logistic();
  told["features"] = integer(5);
  told["test"] = text("not here");
  expect_the_gradients_of(make_logistic, named_logistic(), logistic(), told);
}

TEST_F(OwnData, AServerNeedsTestDataAlone) {
  Settings settings(logistic(), "problem", "run.toml");
  const auto problem = make_logistic(settings, context(TrainingData::elsewhere));
  settings.finish();
  EXPECT_EQ(settings.resolved().at("features"), integer(5)) << "what workers are told";
  EXPECT_EQ(problem->metric_names(), (std::vector<std::string>{"loss", "accuracy"}));
  EXPECT_NEAR(metric_of(*problem, std::vector<float>(5), "loss"), std::log(2.0), 1e-12);
  EXPECT_EQ(problem->sources().size(), 1u);
  EXPECT_EQ(
      error_of(make_logistic, {}, context(TrainingData::elsewhere)),
      "run.toml: problem.test: must be given: where workers have data of their own nothing else is here to test on");
  EXPECT_EQ(error_of(make_logistic, named_logistic(), context(TrainingData::elsewhere)).substr(0, 24),
            "run.toml: problem.data =");
}

TEST_F(OwnData, TheScenarioDoesNotSayWhatIsInThem) {
  const auto fault_of = [&](const Make& make, Table table) {
    table["partition"] = {skewed()};
    return error_of(make, table, context(TrainingData::elsewhere));
  };
  const char* const why = "the workers of the run have data of their own (workers.own_data): leave it out";
  EXPECT_NE(fault_of(make_softmax, {}).find(why), std::string::npos);
  EXPECT_NE(fault_of(make_logistic, logistic()).find(why), std::string::npos);
}

TEST_F(OwnData, AClientOfOneClassIsNoMistake) {
  std::ofstream(folder_ / "zeros") << "0 1:1\n0 2:1\n";
  Table told = logistic();
  told["features"] = integer(5);
  const auto mine = make_from(make_logistic, told, context(TrainingData::own, {folder_ / "zeros"}, false));
  EXPECT_EQ(mine->examples(3), 2.0);
  const std::vector<float> g = gradient_of(*mine, std::vector<float>(5));
  EXPECT_GT(g[0] + g[1], 0.0f) << "away from the upper class";
}

}  // namespace
}  // namespace tardigrad::problems
