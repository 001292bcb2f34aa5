// SPDX-License-Identifier: Apache-2.0
#include "problems/logistic.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "data/partition.hpp"
#include "problems_testing.hpp"

namespace tardigrad::problems {
namespace {

using namespace testing;  // NOLINT: helpers of these tests
namespace fs = std::filesystem;

// Four rows in three features; the third feature is rare, and one row is empty.
constexpr const char* kRows = "+1 1:1 2:2\n-1 1:-0.5 3:4\n+1 2:1\n-1\n";

class Logistic : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tardigrad-logistic-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    write("train", kRows);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& rows) {
    std::ofstream(folder_ / name) << rows;
    return (folder_ / name).string();
  }
  Table table(double l2, std::int64_t batch_size) {
    return {{"data", {(folder_ / "train").string()}}, {"l2", {l2}}, {"batch_size", integer(batch_size)}};
  }

  fs::path folder_;
};

double row_loss(const std::vector<double>& a, double y, const std::vector<double>& x) {
  double product = 0;
  for (std::size_t j = 0; j < 3; ++j) product += a[j] * x[j];
  return std::log(1 + std::exp(-y * product));
}
double full_loss(const std::vector<double>& x, double l2) {
  const double squares = x[0] * x[0] + x[1] * x[1] + x[2] * x[2];
  return (row_loss({1, 2, 0}, 1, x) + row_loss({-0.5, 0, 4}, -1, x) + row_loss({0, 1, 0}, 1, x) +
          row_loss({0, 0, 0}, -1, x)) /
             4 +
         l2 / 2 * squares;
}

TEST_F(Logistic, StartsAtZeroWithLossLogTwo) {
  const auto problem = make_from(make_logistic, table(0.0, 2));
  std::vector<float> x(3, 7.0f);
  problem->initial_point(x);
  EXPECT_EQ(x, (std::vector<float>{0, 0, 0}));
  EXPECT_DOUBLE_EQ(metric_of(*problem, x, "loss"), std::log(2.0));
  EXPECT_EQ(problem->optimal_value(), std::nullopt);
  EXPECT_EQ(problem->metric_names(), (std::vector<std::string>{"loss", "accuracy"}));
}

TEST_F(Logistic, MetricsAreThoseOfTheFormula) {
  const auto problem = make_from(make_logistic, table(0.3, 2));
  const std::vector<float> x = {0.5f, -1.0f, 0.25f};
  EXPECT_NEAR(metric_of(*problem, x, "loss"), full_loss({0.5, -1.0, 0.25}, 0.3), 1e-15);
  // margins: 1*(0.5-2) < 0, -1*(-0.25+1) < 0, 1*(-1) < 0, and the empty row's 0, which is no answer
  EXPECT_EQ(metric_of(*problem, x, "accuracy"), 0.0);
  EXPECT_EQ(metric_of(*problem, std::vector<float>{1, 1, -1}, "accuracy"), 0.75);
}

// The batch is drawn at random from four rows, so that a gradient over one row must be that of one of them, and all
// occur.
TEST_F(Logistic, GradientIsTheDerivativeOfItsRow) {
  const auto problem = make_from(make_logistic, table(0.3, 1));
  const std::vector<float> x = {0.5f, -1.0f, 0.25f};
  const std::vector<std::pair<std::vector<double>, double>> rows = {
      {{1, 2, 0}, 1}, {{-0.5, 0, 4}, -1}, {{0, 1, 0}, 1}, {{0, 0, 0}, -1}};
  std::vector<int> seen(4);
  const auto replica = problem->make_replica();
  for (std::uint64_t index = 0; index < 60; ++index) {
    std::vector<float> g(3);
    const double loss = replica->gradient({.index = index}, x, g);
    std::size_t row = 4;
    const double squares = 0.25 + 1 + 0.0625;
    for (std::size_t k = 0; k < 4; ++k)
      if (std::abs(row_loss(rows[k].first, rows[k].second, {0.5, -1, 0.25}) + 0.15 * squares - loss) < 1e-12) row = k;
    ASSERT_LT(row, 4u) << "a loss that belongs to no row";
    ++seen[row];
    expect_gradient(
        [&](const std::vector<double>& at) {
          return row_loss(rows[row].first, rows[row].second, at) +
                 0.15 * (at[0] * at[0] + at[1] * at[1] + at[2] * at[2]);
        },
        x, g);
  }
  for (const int count : seen) EXPECT_GT(count, 0);  // missing one of four in 60 draws: 4 * 0.75^60 < 2e-7
}

// E g = grad f: the mean of n minibatch gradients against the full gradient, within five standard errors measured on
// the same draws.
TEST_F(Logistic, GradientIsUnbiased) {
  constexpr int kDraws = 20'000;
  const auto problem = make_from(make_logistic, table(0.3, 2));
  const auto replica = problem->make_replica();
  const std::vector<float> x = {0.5f, -1.0f, 0.25f};
  std::vector<double> mean(3), square(3);
  std::vector<float> g(3);
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    replica->gradient({.index = i}, x, g);
    for (std::size_t j = 0; j < 3; ++j) {
      mean[j] += g[j] / double{kDraws};
      square[j] += static_cast<double>(g[j]) * g[j] / kDraws;
    }
  }
  for (std::size_t j = 0; j < 3; ++j) {
    std::vector<double> up = {0.5, -1.0, 0.25}, down = up;
    up[j] += 1e-5;
    down[j] -= 1e-5;
    EXPECT_NEAR(mean[j], (full_loss(up, 0.3) - full_loss(down, 0.3)) / 2e-5,
                5 * std::sqrt((square[j] - mean[j] * mean[j]) / kDraws) + 1e-8);
  }
}

TEST_F(Logistic, AGradientDependsOnItsOrderOnly) {
  const auto problem = make_from(make_logistic, table(0.3, 2));
  const auto replica = problem->make_replica();
  const std::vector<float> x = {0.5f, -1.0f, 0.25f};
  std::vector<float> first(3), g(3);
  replica->gradient({.worker = 0, .index = 4}, x, first);
  replica->gradient({.worker = 0, .index = 9}, x, g);
  replica->gradient({.worker = 0, .index = 4}, x, g);
  EXPECT_EQ(g, first);
}

// At x = 0 every row's loss is log 2. Rows of 3 entries count as 35: it looks up for the first time when it has summed
// up 2^19 / 35 = 14,979 of them.
TEST_F(Logistic, AGradientThatNobodyWantsEndsEarly) {
  write("train", "+1 1:1 2:2 3:1\n");
  const auto problem = make_from(make_logistic, table(0.0, 20'000));
  const auto replica = problem->make_replica();
  const std::vector<float> x(3, 0.0f);
  std::vector<float> g(3);
  std::atomic<OrderId> wanted_from{7};
  replica->watch(CancellationToken(wanted_from, 7));
  EXPECT_NEAR(replica->gradient({.id = 7}, x, g), std::log(2.0), 1e-9);
  wanted_from = 8;
  EXPECT_NEAR(replica->gradient({.id = 7}, x, g), 14'979.0 / 20'000.0 * std::log(2.0), 1e-9);
}

TEST_F(Logistic, ExtremeMarginsStayFinite) {
  const auto problem = make_from(make_logistic, table(0.0, 4));
  for (const float size : {1e4f, -1e4f}) {
    const std::vector<float> x(3, size);
    EXPECT_TRUE(std::isfinite(metric_of(*problem, x, "loss")));
    for (const float slope : gradient_of(*problem, x)) EXPECT_TRUE(std::isfinite(slope));
  }
}

TEST_F(Logistic, ATestFileJudgesTheAccuracy) {
  Table settings = table(0.0, 2);
  settings["test"] = {write("test", "+1 1:1\n-1 1:1 9:100\n-1 1:-1\n")};  // feature 9 is unknown to the model
  const auto problem = make_from(make_logistic, settings);
  EXPECT_EQ(problem->layout().dimension(), 3u);
  const std::vector<float> x = {1, 0, 0};
  EXPECT_DOUBLE_EQ(metric_of(*problem, x, "accuracy"), 2.0 / 3.0);
  EXPECT_NEAR(metric_of(*problem, x, "loss"), full_loss({1, 0, 0}, 0.0), 1e-15);
}

TEST_F(Logistic, PartitionGivesWorkersTheirOwnRows) {
  Table settings = table(0.0, 4);
  settings["partition"] = {Table{{"kind", text("iid")}}};
  const auto problem = make_from(make_logistic, settings, seeded(1, 4));  // one row each
  const std::vector<float> x = {0.5f, -1.0f, 0.25f};
  std::vector<double> losses;
  for (WorkerId i = 0; i < 4; ++i) {
    std::vector<float> g(3);
    losses.push_back(problem->make_replica()->gradient({.worker = i}, x, g));
    EXPECT_EQ(problem->examples(i), 1.0);
  }
  EXPECT_EQ(make_from(make_logistic, table(0.0, 4), seeded(1, 4))->examples(0), 4.0);  // all rows are everybody's
  EXPECT_NEAR((losses[0] + losses[1] + losses[2] + losses[3]) / 4, full_loss({0.5, -1, 0.25}, 0.0), 1e-12);
}

// A sparse gradient, spread over all coordinates.
std::vector<float> sparse_gradient(SparseReplica& replica, const Order& order, std::span<const float> x) {
  const std::span<const std::uint32_t> support = replica.draw(order);
  EXPECT_EQ(std::set<std::uint32_t>(support.begin(), support.end()).size(), support.size()) << "a coordinate twice";
  std::vector<float> at(support.size()), values(support.size(), NAN), all(x.size(), 0.0f);
  for (std::size_t s = 0; s < support.size(); ++s) at[s] = x[support[s]];
  replica.gradient(at, values);
  for (std::size_t s = 0; s < support.size(); ++s) all[support[s]] = values[s];
  return all;
}

void expect_same_gradients(const Problem& problem) {
  const auto dense = problem.make_replica();
  const auto sparse = problem.make_sparse_replica();
  for (std::uint64_t index = 0; index < 100; ++index) {
    const std::vector<float> x = random_point(3, index);
    std::vector<float> g(3);
    dense->gradient({.index = index}, x, g);
    EXPECT_EQ(sparse_gradient(*sparse, {.index = index}, x), g) << "index " << index;
  }
}

TEST_F(Logistic, WithoutRegulariserASparseGradientHasTheBitsOfADenseOne) {
  for (const std::int64_t batch_size : {1, 2, 7})
    expect_same_gradients(*make_from(make_logistic, table(0.0, batch_size)));
}

TEST_F(Logistic, WhereEveryRowHasEveryFeatureASparseGradientIsTheDenseOne) {
  write("train", "+1 1:1 2:2 3:-1\n-1 1:-0.5 2:1 3:4\n+1 1:3 2:1 3:1\n");
  for (const std::int64_t batch_size : {1, 2, 8})
    expect_same_gradients(*make_from(make_logistic, table(0.3, batch_size)));
}

// Features in every row, in two, and in one of four; at this x all margins are 0 and all slopes 1/2, and every number
// is a sum of few powers of two, so that nothing is rounded.
constexpr const char* kPairs = "+1 1:1 2:1\n-1 1:2 2:2 3:1 4:1\n+1 1:0.5 2:0.5 3:4 4:4\n-1 1:1 2:1 5:2 6:2\n";
const std::vector<float> kPairsPoint = {0.5f, -0.5f, 0.25f, -0.25f, 1.0f, -1.0f};
// mean_k(-y_k a_k / 2) + x/4
const std::vector<double> kPairsGradient = {0.1875 + 0.125,  0.1875 - 0.125, -0.375 + 0.0625,
                                            -0.375 - 0.0625, 0.25 + 0.25,    0.25 - 0.25};

// The mean of the sparse gradients of every row of every worker's part, each once.
std::vector<double> mean_over_rows(const Problem& problem, const data::Partition& partition, WorkerId workers) {
  std::vector<double> mean(6);
  const auto replica = problem.make_sparse_replica();
  for (WorkerId worker = 0; worker < workers; ++worker) {
    std::set<std::uint32_t> seen;
    for (std::uint64_t index = 0; seen.size() < partition.size(worker); ++index) {
      const Order order{.worker = worker, .index = index};
      std::uint32_t row = 0;
      data::draw_minibatch(partition, order, 1, std::span(&row, 1));
      if (!seen.insert(row).second) continue;
      const std::vector<float> g = sparse_gradient(*replica, order, kPairsPoint);
      for (std::size_t j = 0; j < 6; ++j) mean[j] += g[j] / static_cast<double>(workers * partition.size(worker));
    }
  }
  return mean;
}

TEST_F(Logistic, TheMeanOfTheSparseGradientsOfAllRowsIsTheGradient) {
  write("train", kPairs);
  const auto problem = make_from(make_logistic, table(0.25, 1));
  EXPECT_EQ(mean_over_rows(*problem, data::Partition::shared(4), 1), kPairsGradient);
}

TEST_F(Logistic, TheMeanOfTheSparseGradientsOfAllPartsIsTheGradient) {
  write("train", kPairs);
  const Table iid{{"kind", text("iid")}};
  Table settings = table(0.25, 1);
  settings["partition"] = {iid};
  const auto problem = make_from(make_logistic, settings, seeded(1, 2));
  Settings partition_settings(iid);
  const std::vector<std::uint8_t> classes = {1, 0, 1, 0};
  const data::Partition partition = data::make_partition(partition_settings, classes, 2, 2, 1);
  EXPECT_EQ(mean_over_rows(*problem, partition, 2), kPairsGradient);
}

// Two of the same row in a batch of two pull once each: the row's own gradient again.
TEST_F(Logistic, ASparseGradientCountsItsRows) {
  write("train", "+1 1:1\n+1 1:1\n-1 3:1\n-1 3:1\n");
  const auto one = make_from(make_logistic, table(0.25, 1)), two = make_from(make_logistic, table(0.25, 2));
  const std::vector<float> x = {0.5f, 2.0f, -0.25f};
  const std::vector<float> first = sparse_gradient(*one->make_sparse_replica(), {.index = 0}, x);
  const auto replica = two->make_sparse_replica();
  bool met = false;
  for (std::uint64_t index = 0; index < 60; ++index) {
    const std::vector<float> g = sparse_gradient(*replica, {.index = index}, x);
    if ((g[0] == 0.0f) != (first[0] == 0.0f) || (g[2] == 0.0f) != (first[2] == 0.0f)) continue;  // of other rows
    met = true;
    for (std::size_t j = 0; j < 3; ++j) EXPECT_FLOAT_EQ(g[j], first[j]);
  }
  EXPECT_TRUE(met);
}

// Every row adds -1/2 of its share to the only feature. A row of one entry counts 33 of the 2^19 between two looks, so
// that the first is before row 15,888.
TEST_F(Logistic, ASparseGradientThatNobodyWantsEndsEarly) {
  write("train", "+1 1:1\n+1 1:1\n");
  const auto problem = make_from(make_logistic, table(0.0, 16'384));
  const auto replica = problem->make_sparse_replica();
  const std::atomic<OrderId> wanted_from{8};
  const std::vector<float> x(1, 0.0f);
  EXPECT_EQ(sparse_gradient(*replica, {.id = 8}, x), std::vector<float>{-0.5f});
  replica->watch(CancellationToken(wanted_from, 7));
  EXPECT_EQ(sparse_gradient(*replica, {.id = 7}, x), std::vector<float>{-0.5f * 15'887 / 16'384});
}

TEST_F(Logistic, Messages) {
  const std::string train = (folder_ / "train").string();
  EXPECT_EQ(error_of(make_logistic, {{"batch_size", integer(0)}}),
            "run.toml: problem.batch_size = 0: must be an integer in [1, 1000000000]");
  EXPECT_EQ(error_of(make_logistic, {{"l2", {-1.0}}}),
            "run.toml: problem.l2 = -1.0: must be a number in [0, 1000000000]");
  const std::string empty = write("empty", "+1\n-1\n");
  EXPECT_EQ(error_of(make_logistic, {{"data", {empty}}}),
            "run.toml: problem.data = \"" + empty + "\": holds no rows with features");
  EXPECT_EQ(error_of(make_logistic, {{"data", {train}}, {"test", {empty}}}),
            "run.toml: problem.test = \"" + empty + "\": holds no rows with features");
  EXPECT_EQ(error_of(make_logistic, {{"dataset", {train}}}),
            "run.toml: problem.dataset = \"" + train + "\": this setting is called `data`");
  EXPECT_EQ(error_of(make_logistic, {{"data", {train}}, {"batch", integer(2)}}),
            "run.toml: problem.batch = 2: this setting is called `batch_size`");
  EXPECT_EQ(error_of(make_logistic, {{"data", {train}}, {"batchsize", integer(2)}}),
            "run.toml: problem.batchsize = 2: unknown key; did you mean `batch_size`? "
            "(known here: batch_size, data, features, l2, objective, partition, test)");
}

// Unequal parts: the loss is that of the objective, made up of what the workers' scores are.
TEST_F(Logistic, TheObjectiveWeighsTheWorkers) {
  std::string rows;
  for (int k = 0; k < 60; ++k) rows += k % 3 == 0 ? "+1 1:1 2:0.5\n" : "-1 1:0.25 3:1\n";
  const std::string file = write("rows", rows);
  const auto make = [&](const char* objective) {
    Table partition = {{"kind", text("dirichlet-classwise")}, {"alpha", {0.5}}, {"min_size", integer(1)}};
    return make_from(make_logistic,
                     {{"data", {file}}, {"l2", {0.3}}, {"partition", {partition}}, {"objective", text(objective)}},
                     seeded(3, 4));
  };
  const auto workers = make("workers"), examples = make("examples");
  EXPECT_EQ(workers->metric_names(), (std::vector<std::string>{"loss", "accuracy", "loss_worst", "loss_spread"}));
  EXPECT_EQ(workers->objective(), Objective::workers);
  EXPECT_EQ(examples->objective(), Objective::examples);
  EXPECT_TRUE(workers->has_own_losses());
  const std::vector<float> x = {0.5f, -1.0f, 0.25f};
  const auto replica = workers->make_replica();
  double alike = 0.0, pooled = 0.0, squares = 0.0, worst = 0.0, least = 60, most = 0;
  for (WorkerId worker = 0; worker < 4; ++worker) {
    const WorkerScore score = replica->score(x, worker, nullptr);
    const double size = workers->examples(worker);
    alike += score.loss / 4;
    pooled += score.loss * size / 60;
    worst = std::max(worst, score.loss);
    least = std::min(least, size);
    most = std::max(most, size);
    const auto counts = workers->class_counts(worker);
    EXPECT_EQ(static_cast<double>(counts[0] + counts[1]), size);
    // Margins: +1 rows 0, which is no answer; -1 rows -(0.125 + 0.25): all wrong at this x.
    EXPECT_EQ(score.accuracy, 0.0);
  }
  for (WorkerId worker = 0; worker < 4; ++worker)
    squares += std::pow(replica->score(x, worker, nullptr).loss - alike, 2) / 4;
  ASSERT_GT(most, 2 * least) << "parts that are too much alike to tell";
  ASSERT_GT(std::abs(alike - pooled), 1e-3);
  EXPECT_NEAR(metric_of(*workers, x, "loss"), alike, 1e-12);
  EXPECT_NEAR(metric_of(*examples, x, "loss"), pooled, 1e-12);
  for (const auto* problem : {&workers, &examples}) {
    EXPECT_NEAR(metric_of(**problem, x, "loss_worst"), worst, 1e-12);
    EXPECT_NEAR(metric_of(**problem, x, "loss_spread"), std::sqrt(squares), 1e-12);
  }
}

// One epoch in batches of one row: the minibatch losses are those of the worker's rows, each once, and their mean is
// its score.
TEST_F(Logistic, AnEpochSeesEveryRowOfTheWorker) {
  const auto problem = make_from(make_logistic, table(0.3, 1));
  EXPECT_EQ(problem->steps_per_epoch(0), 4u);
  const auto replica = problem->make_replica();
  const std::vector<float> x = {0.5f, -1.0f, 0.25f};
  std::vector<float> g(3);
  double mean = 0.0;
  for (std::uint32_t step = 0; step < 4; ++step)
    mean += replica->gradient({.index = 8 + step, .work = {.steps = 4, .epochs = 1}, .step = step}, x, g) / 4;
  EXPECT_NEAR(mean, full_loss({0.5, -1.0, 0.25}, 0.3), 1e-12);
  EXPECT_NEAR(replica->score(x, 0, nullptr).loss, mean, 1e-12);
  EXPECT_FALSE(problem->has_own_losses());
}

// The whole path on real data: full gradient descent reaches the accuracy that the data set is known for.
TEST(LogisticRealData, A9aIsLearnt) {
  const char* set = std::getenv("TARDIGRAD_DATA");
  const fs::path root = set ? fs::path(set) : fs::path(TARDIGRAD_SOURCE_DIR) / ".." / "shared" / "data";
  if (!fs::exists(root / "libsvm" / "a9a")) GTEST_SKIP() << "no data set a9a under " << root << " (set TARDIGRAD_DATA)";
  ProblemContext context;
  context.data_root = root;
  const auto problem = make_from(make_logistic, {{"data", text("a9a")}, {"batch_size", integer(256)}}, context);
  ASSERT_EQ(problem->layout().dimension(), 123u);
  EXPECT_GT(problem->evaluation_parts(), 1u);
  const auto replica = problem->make_replica();
  std::vector<float> x(123, 0.0f), g(123);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    replica->gradient({.index = i}, x, g);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] -= 0.5f * g[j];
  }
  EXPECT_GT(metric_of(*problem, x, "accuracy"), 0.84);  // linear models reach 0.849 on it; the larger class has 0.759
  EXPECT_LT(metric_of(*problem, x, "loss"), 0.34);
}

}  // namespace
}  // namespace tardigrad::problems
