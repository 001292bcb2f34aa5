// SPDX-License-Identifier: Apache-2.0
// What the workers hold and reached, in files and in words.
#include "record/workers_file.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <map>

namespace tardigrad::record {
namespace {

// Three workers with 1, 2 and 5 examples of three classes.
class Parts final : public Problem {
 public:
  explicit Parts(Objective objective = Objective::workers, bool classes = true)
      : objective_(objective), classes_(classes) {}
  const Layout& layout() const override { return layout_; }
  double examples(WorkerId worker) const override { return worker == 0 ? 1 : worker == 1 ? 2 : 5; }
  std::vector<std::uint64_t> class_counts(WorkerId worker) const override {
    if (!classes_) return {};
    if (worker == 0) return {1, 0, 0};
    return worker == 1 ? std::vector<std::uint64_t>{0, 1, 1} : std::vector<std::uint64_t>{1, 2, 2};
  }
  Objective objective() const override { return objective_; }
  void initial_point(std::span<float>) const override {}
  std::unique_ptr<Replica> make_replica() const override { return nullptr; }
  std::vector<std::string> metric_names() const override { return {}; }
  std::vector<Metric> metrics(std::span<const double>) const override { return {}; }

 private:
  Objective objective_;
  bool classes_;
  Layout layout_{"x", 1};
};

std::map<std::string, double> by_name(const std::vector<Metric>& metrics) {
  std::map<std::string, double> map;
  for (const Metric& metric : metrics) map[metric.name] = metric.value;
  return map;
}

TEST(WorkersFile, PartitionInRowsAndWords) {
  EXPECT_EQ(partition_rows(Parts(), 2),
            "{\"worker\":0,\"examples\":1,\"classes\":[1,0,0]}\n"
            "{\"worker\":1,\"examples\":2,\"classes\":[0,1,1]}\n");
  EXPECT_EQ(partition_rows(Parts(Objective::workers, false), 1), "{\"worker\":0,\"examples\":1}\n");
  EXPECT_EQ(partition_summary(Parts(), 3),
            "3 workers with 1 to 5 of 8 examples (median 2), 1 to 3 classes each (median 2)");
  EXPECT_EQ(partition_summary(Parts(), 1), "1 worker with 1 of 1 examples, 1 class each");
  EXPECT_EQ(partition_summary(Parts(Objective::workers, false), 2), "2 workers with 1 to 2 of 3 examples (median 1.5)");
}

TEST(WorkersFile, ScoresInRows) {
  const WorkerScore scores[] = {{.loss = 0.5, .accuracy = 1.0},
                                {.loss = std::numeric_limits<double>::infinity(), .accuracy = 0.5}};
  EXPECT_EQ(score_rows(Parts(), scores),
            "{\"worker\":0,\"examples\":1,\"loss\":0.5,\"accuracy\":1.0}\n"
            "{\"worker\":1,\"examples\":2,\"loss\":null,\"accuracy\":0.5}\n");
}

// Losses 1, 2, 6: mean 3, squares 4, 1, 9; the place 0.2 of their order has 1.2, the place 1.8 has 5.2.
TEST(WorkersFile, SpreadByHand) {
  const WorkerScore scores[] = {
      {.loss = 6.0, .accuracy = {}}, {.loss = 1.0, .accuracy = {}}, {.loss = 2.0, .accuracy = {}}};
  auto spread = by_name(spread_of(Parts(), scores));
  EXPECT_EQ(spread["objective_loss"], 3.0);
  EXPECT_EQ(spread["loss_mean"], 3.0);
  EXPECT_DOUBLE_EQ(spread["loss_deviation"], std::sqrt(14.0 / 3));
  EXPECT_EQ(spread["loss_min"], 1.0);
  EXPECT_DOUBLE_EQ(spread["loss_p10"], 1.2);
  EXPECT_EQ(spread["loss_median"], 2.0);
  EXPECT_DOUBLE_EQ(spread["loss_p90"], 5.2);
  EXPECT_EQ(spread["loss_max"], 6.0);
  EXPECT_EQ(spread.size(), 8u);  // no accuracies
  EXPECT_EQ(by_name(spread_of(Parts(Objective::examples), scores))["objective_loss"], (6.0 + 2 * 1.0 + 5 * 2.0) / 8);
  EXPECT_EQ(spread_text(spread_of(Parts(), scores), "loss"), "1 to 6 (p10 1.2, median 2, p90 5.2), mean 3");
  EXPECT_EQ(spread_text(spread_of(Parts(), scores), "accuracy"), "");
  const WorkerScore lost[] = {{.loss = std::nan(""), .accuracy = {}}, {.loss = 1.0, .accuracy = {}}};
  EXPECT_TRUE(std::isnan(by_name(spread_of(Parts(), lost))["loss_median"]));
}

TEST(WorkersFile, QuantilesAreInterpolated) {
  EXPECT_EQ(quantile(std::vector{7.0}, 0.3), 7.0);
  EXPECT_EQ(quantile(std::vector{0.0, 10.0}, 0.25), 2.5);
  EXPECT_EQ(quantile(std::vector{0.0, 1.0, 2.0}, 1.0), 2.0);
}

}  // namespace
}  // namespace tardigrad::record
