// SPDX-License-Identifier: Apache-2.0
#include "problems/logistic.hpp"

#include <algorithm>
#include <cmath>

#include "core/kernels.hpp"
#include "data/libsvm.hpp"
#include "data/partition.hpp"

namespace tardigrad::problems {
namespace {

using data::SparseDataset;
using SharedDataset = std::shared_ptr<const SparseDataset>;

constexpr std::size_t kRowsPerPart = 4096;

std::size_t parts_of(const SparseDataset& set) { return (set.rows() + kRowsPerPart - 1) / kRowsPerPart; }

// y a'x of one row. Features past the end of x have coefficient 0.
double margin(const SparseDataset& set, std::size_t row, std::span<const float> x) {
  double product = 0.0;
  for (std::size_t k = set.row_start[row]; k < set.row_start[row + 1]; ++k) {
    if (set.feature[k] >= x.size()) break;  // ascending within a row
    product += static_cast<double>(set.value[k]) * x[set.feature[k]];
  }
  return set.label[row] * product;
}

// log(1 + exp(-m)) without overflow, and without losing small values.
double logistic_loss(double m) { return m > 0 ? std::log1p(std::exp(-m)) : std::log1p(std::exp(m)) - m; }
// 1 / (1 + exp(m)), the loss's slope in -m.
double logistic_slope(double m) { return m > 0 ? std::exp(-m) / (1.0 + std::exp(-m)) : 1.0 / (1.0 + std::exp(m)); }

struct Spec {
  SharedDataset train;
  SharedDataset test;  // null: accuracy is measured on the training rows
  data::Partition partition;
  std::size_t batch_size = 0;
  double l2 = 0.0;
  std::uint64_t seed = 0;
};

// A millisecond's work or two. An entry is read twice; a row costs an exponential and a logarithm as well.
constexpr std::size_t kEntriesBetweenLooks = 1 << 19, kEntriesWorthOfARow = 32;

class LogisticReplica final : public Replica {
 public:
  explicit LogisticReplica(const Spec& spec) : spec_(spec), batch_(spec.batch_size) {}

  double gradient(const Order& order, std::span<const float> x, std::span<float> g) override {
    const SparseDataset& train = *spec_.train;
    data::draw_minibatch(spec_.partition, order, spec_.seed, batch_);
    const auto l2 = static_cast<float>(spec_.l2);
    std::ranges::transform(x, g.begin(), [l2](float coordinate) { return l2 * coordinate; });
    const double share = 1.0 / static_cast<double>(batch_.size());
    double loss = 0.5 * spec_.l2 * kernels::squared_norm(x);
    std::size_t since_look = 0;
    for (const std::uint32_t row : batch_) {
      since_look += kEntriesWorthOfARow + train.row_start[row + 1] - train.row_start[row];
      if (since_look > kEntriesBetweenLooks) {
        if (given_up()) return loss;
        since_look = 0;
      }
      const double m = margin(train, row, x);
      loss += share * logistic_loss(m);
      const auto factor = static_cast<float>(-share * logistic_slope(m) * train.label[row]);
      for (std::size_t k = train.row_start[row]; k < train.row_start[row + 1]; ++k)
        g[train.feature[k]] += factor * train.value[k];
    }
    return loss;
  }

  // Sums: losses over training rows, right answers over rows that count for the accuracy, the regulariser (once).
  std::vector<double> evaluate(std::span<const float> x, std::size_t part, const void*) override {
    const std::size_t train_parts = parts_of(*spec_.train);
    const bool is_train = part < train_parts;
    const SparseDataset& set = is_train ? *spec_.train : *spec_.test;
    const std::size_t begin = (is_train ? part : part - train_parts) * kRowsPerPart;
    const std::size_t end = std::min(begin + kRowsPerPart, set.rows());
    double loss = 0.0, right = 0.0;
    for (std::size_t row = begin; row < end; ++row) {
      const double m = margin(set, row, x);
      loss += logistic_loss(m);
      if (m > 0) ++right;
    }
    return {is_train ? loss : 0.0, is_train && spec_.test ? 0.0 : right,
            part == 0 ? 0.5 * spec_.l2 * kernels::squared_norm(x) : 0.0};
  }

 private:
  const Spec& spec_;
  std::vector<std::uint32_t> batch_;
};

class Logistic final : public Problem {
 public:
  explicit Logistic(Spec spec) : spec_(std::move(spec)), layout_("x", spec_.train->features) {}

  const Layout& layout() const override { return layout_; }
  double examples(WorkerId worker) const override { return static_cast<double>(spec_.partition.size(worker)); }
  void initial_point(std::span<float> x) const override { kernels::clear(x); }
  std::unique_ptr<Replica> make_replica() const override { return std::make_unique<LogisticReplica>(spec_); }
  std::vector<std::string> metric_names() const override { return {"loss", "accuracy"}; }
  std::size_t evaluation_parts() const override {
    return parts_of(*spec_.train) + (spec_.test ? parts_of(*spec_.test) : 0);
  }
  std::vector<Metric> metrics(std::span<const double> sums) const override {
    const SparseDataset& judged = spec_.test ? *spec_.test : *spec_.train;
    return {{"loss", sums[0] / static_cast<double>(spec_.train->rows()) + sums[2]},
            {"accuracy", sums[1] / static_cast<double>(judged.rows())}};
  }

 private:
  Spec spec_;
  Layout layout_;
};

SharedDataset load_rows(Settings& settings, const std::string& key, const std::string& name,
                        const std::filesystem::path& data_root) {
  SharedDataset set = data::load_libsvm(name, data_root);
  if (set->rows() == 0 || set->features == 0) settings.fail(key, "holds no rows with features");
  return set;
}

}  // namespace

std::unique_ptr<Problem> make_logistic(Settings& settings, const ProblemContext& context) {
  Spec spec;
  spec.seed = context.seed;
  spec.batch_size = static_cast<std::size_t>(settings.integer_or("batch_size", 32, {.low = 1, .high = 1e9}));
  spec.l2 = settings.number_or("l2", 1e-4, {.low = 0.0, .high = 1e9});
  spec.train = load_rows(settings, "data", settings.text_or("data", "a9a"), context.data_root);
  settings.allow("test");
  if (settings.has("test")) spec.test = load_rows(settings, "test", settings.text("test"), context.data_root);
  std::vector<std::uint8_t> classes(spec.train->rows());
  std::ranges::transform(spec.train->label, classes.begin(), [](float label) { return label > 0 ? 1 : 0; });
  spec.partition =
      data::make_partition(settings.table_or_empty("partition"), classes, 2, context.workers, context.seed);
  return std::make_unique<Logistic>(std::move(spec));
}

}  // namespace tardigrad::problems
