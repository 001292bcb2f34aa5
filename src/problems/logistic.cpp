// SPDX-License-Identifier: Apache-2.0
#include "problems/logistic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/kernels.hpp"
#include "data/catalogue.hpp"
#include "data/libsvm.hpp"
#include "data/own_data.hpp"
#include "data/partition.hpp"
#include "problems/shared_settings.hpp"

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
  SharedDataset train;     // null: elsewhere
  SharedDataset measured;  // what the loss is of: the training rows, or the test rows where workers own those
  SharedDataset judged;    // what the accuracy is of: the test rows, or the training rows where there are none
  bool is_judged_apart = false;
  std::size_t features = 0;
  bool has_named_data = true;
  data::Partition partition;
  std::size_t batch_size = 0;
  double l2 = 0.0;
  std::uint64_t seed = 0;
  std::size_t workers = 1;
  Objective objective = Objective::workers;
  std::vector<std::uint8_t> classes;  // of the training rows: 1 for +1
  std::vector<WorkerId> owner;        // by training row; empty where all workers draw from all of them
  std::vector<float> pull;  // by feature: l2 for each time that a minibatch is expected to hold it; without l2 empty
};

// Every row of a minibatch that holds feature j pulls x_j towards 0, by l2 over the number of such rows that a
// minibatch of a worker is expected to have: on average over the rows and the workers that is l2 x_j. A feature that no
// row holds stays at x_j = 0, where there is nothing to pull.
std::vector<float> pull_of_rows(const Spec& spec, std::size_t workers) {
  const SparseDataset& train = *spec.train;
  const std::size_t parts = spec.partition.is_shared() ? 1 : workers;
  const auto first_size = static_cast<double>(spec.partition.size(0));
  std::vector<double> held(spec.features);  // by rows, those of parts as large as the first count 1
  for (std::size_t i = 0; i < parts; ++i) {
    const auto part = static_cast<WorkerId>(i);
    const double weight = first_size / static_cast<double>(spec.partition.size(part));
    for (std::size_t n = 0; n < spec.partition.size(part); ++n) {
      const std::size_t row = spec.partition.example(part, n);
      for (std::size_t k = train.row_start[row]; k < train.row_start[row + 1]; ++k) held[train.feature[k]] += weight;
    }
  }
  std::vector<float> pull(spec.features);
  const double drawn = static_cast<double>(spec.batch_size), rows = first_size * static_cast<double>(parts);
  for (std::size_t j = 0; j < pull.size(); ++j)
    if (held[j] > 0.0) pull[j] = static_cast<float>(spec.l2 / (held[j] * drawn / rows));
  return pull;
}

// Where the sums of an evaluation stand.
constexpr std::size_t kRight = 0, kRegulariser = 1, kLosses = 2;
std::size_t loss_sums(const Spec& spec) { return spec.owner.empty() ? 1 : spec.workers; }

// A millisecond's work or two. An entry is read twice; a row costs an exponential and a logarithm as well.
constexpr std::size_t kEntriesBetweenLooks = 1 << 19, kEntriesWorthOfARow = 32;

// When to look whether a gradient is still wanted.
class Looks {
 public:
  // Before a row of so many entries.
  bool is_due(std::size_t entries) {
    since_ += kEntriesWorthOfARow + entries;
    if (since_ <= kEntriesBetweenLooks) return false;
    since_ = 0;
    return true;
  }

 private:
  std::size_t since_ = 0;  // entries
};

class LogisticReplica final : public Replica {
 public:
  explicit LogisticReplica(const Spec& spec) : spec_(spec), minibatches_(spec.partition, spec.batch_size, spec.seed) {}

  double gradient(const Order& order, std::span<const float> x, std::span<float> g) override {
    check_has_data(spec_.partition, order.worker);
    const SparseDataset& train = *spec_.train;
    const std::span<const std::uint32_t> batch = minibatches_.draw(order);
    const auto l2 = static_cast<float>(spec_.l2);
    std::ranges::transform(x, g.begin(), [l2](float coordinate) { return l2 * coordinate; });
    const double share = 1.0 / static_cast<double>(batch.size());
    double loss = 0.5 * spec_.l2 * kernels::squared_norm(x);
    Looks looks;
    for (const std::uint32_t row : batch) {
      if (looks.is_due(train.row_start[row + 1] - train.row_start[row]) && cancelled()) return loss;
      const double m = margin(train, row, x);
      loss += share * logistic_loss(m);
      const auto factor = static_cast<float>(-share * logistic_slope(m) * train.label[row]);
      for (std::size_t k = train.row_start[row]; k < train.row_start[row + 1]; ++k)
        g[train.feature[k]] += factor * train.value[k];
    }
    return loss;
  }

  // Sums: right answers over rows that count for the accuracy, the regulariser (once), and losses over rows that they
  // are measured on, by their owner where they have one.
  std::vector<double> evaluate(std::span<const float> x, std::size_t part, const void*) override {
    const std::size_t measured_parts = parts_of(*spec_.measured);
    const bool is_measured = part < measured_parts;
    const SparseDataset& set = is_measured ? *spec_.measured : *spec_.judged;
    const std::size_t begin = (is_measured ? part : part - measured_parts) * kRowsPerPart;
    const std::size_t end = std::min(begin + kRowsPerPart, set.rows());
    std::vector<double> sums(kLosses + loss_sums(spec_));
    const bool counts = !is_measured || !spec_.is_judged_apart;
    for (std::size_t row = begin; row < end; ++row) {
      const double m = margin(set, row, x);
      if (is_measured) sums[kLosses + (spec_.owner.empty() ? 0 : spec_.owner[row])] += logistic_loss(m);
      if (counts && m > 0) ++sums[kRight];
    }
    if (part == 0) sums[kRegulariser] = 0.5 * spec_.l2 * kernels::squared_norm(x);
    return sums;
  }

  WorkerScore score(std::span<const float> x, WorkerId worker, const void*) override {
    const auto size = static_cast<double>(spec_.partition.size(worker));
    double loss = 0.0, right = 0.0;
    for (std::size_t k = 0; k < spec_.partition.size(worker); ++k) {
      const double m = margin(*spec_.train, spec_.partition.example(worker, k), x);
      loss += logistic_loss(m);
      if (m > 0) ++right;
    }
    return {.loss = loss / size + 0.5 * spec_.l2 * kernels::squared_norm(x), .accuracy = right / size};
  }

 private:
  const Spec& spec_;
  data::Minibatches minibatches_;
};

class SparseLogisticReplica final : public SparseReplica {
 public:
  explicit SparseLogisticReplica(const Spec& spec)
      : spec_(spec), minibatches_(spec.partition, spec.batch_size, spec.seed), place_of_(spec.features, kNowhere) {}

  std::span<const std::uint32_t> draw(const Order& order) override {
    batch_ = minibatches_.draw(order);
    // A row has no feature twice: alone it is its own support, and nothing need be looked up.
    support_ = batch_.size() == 1 ? features_of(batch_[0]) : unite();
    return support_;
  }

  void gradient(std::span<const float> x, std::span<float> g) override {
    if (batch_.size() == 1) {
      pull(x, g, [](std::size_t) { return 1.0f; });
      return add_row(batch_[0], 1.0, x, g, [](std::size_t k) { return k; });
    }
    pull(x, g, [this](std::size_t s) { return static_cast<float>(rows_[s]); });
    const double share = 1.0 / static_cast<double>(batch_.size());
    const std::uint32_t* places = places_.data();
    Looks looks;
    for (const std::uint32_t row : batch_) {
      const std::size_t entries = features_of(row).size();
      if (looks.is_due(entries) && cancelled()) return;
      add_row(row, share, x, g, [places](std::size_t k) { return places[k]; });
      places += entries;
    }
  }

 private:
  static constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();

  std::span<const std::uint32_t> features_of(std::uint32_t row) const {
    const std::vector<std::size_t>& start = spec_.train->row_start;
    return std::span(spec_.train->feature).subspan(start[row], start[row + 1] - start[row]);
  }

  // The features of all rows of the batch, each once.
  std::span<const std::uint32_t> unite() {
    united_.clear();
    rows_.clear();
    places_.clear();
    for (const std::uint32_t row : batch_)
      for (const std::uint32_t feature : features_of(row)) {
        std::uint32_t& place = place_of_[feature];
        if (place == kNowhere) {
          place = static_cast<std::uint32_t>(united_.size());
          united_.push_back(feature);
          rows_.push_back(0);
        }
        ++rows_[place];
        places_.push_back(place);
      }
    for (const std::uint32_t feature : united_) place_of_[feature] = kNowhere;
    return united_;
  }

  // rows_with: how many rows of the batch have the feature at a place of the support.
  template <class RowsWith>
  void pull(std::span<const float> x, std::span<float> g, const RowsWith& rows_with) const {
    if (spec_.pull.empty()) return kernels::clear(g);
    for (std::size_t s = 0; s < support_.size(); ++s) g[s] = rows_with(s) * spec_.pull[support_[s]] * x[s];
  }

  // place: where the row's k-th feature is in the support.
  template <class Place>
  void add_row(std::uint32_t row, double share, std::span<const float> x, std::span<float> g,
               const Place& place) const {
    const float* values = spec_.train->value.data() + spec_.train->row_start[row];
    const std::size_t entries = features_of(row).size();
    double product = 0.0;
    for (std::size_t k = 0; k < entries; ++k) product += static_cast<double>(values[k]) * x[place(k)];
    const double m = spec_.train->label[row] * product;
    const auto factor = static_cast<float>(-share * logistic_slope(m) * spec_.train->label[row]);
    for (std::size_t k = 0; k < entries; ++k) g[place(k)] += factor * values[k];
  }

  const Spec& spec_;
  data::Minibatches minibatches_;
  std::span<const std::uint32_t> batch_;
  std::span<const std::uint32_t> support_;
  // Of a batch of several rows:
  std::vector<std::uint32_t> united_;    // its support
  std::vector<std::uint32_t> rows_;      // by place in the support: how many rows of the batch have it
  std::vector<std::uint32_t> places_;    // by entry of the batch: its feature's place in the support
  std::vector<std::uint32_t> place_of_;  // by feature
};

class Logistic final : public Problem {
 public:
  explicit Logistic(Spec spec) : spec_(std::move(spec)), layout_("x", spec_.features) {}

  const Layout& layout() const override { return layout_; }
  double examples(WorkerId worker) const override { return static_cast<double>(spec_.partition.size(worker)); }
  void initial_point(std::span<float> x) const override { kernels::clear(x); }
  std::unique_ptr<Replica> make_replica() const override { return std::make_unique<LogisticReplica>(spec_); }
  std::unique_ptr<SparseReplica> make_sparse_replica() const override {
    return spec_.has_named_data ? std::make_unique<SparseLogisticReplica>(spec_) : nullptr;
  }
  std::uint64_t steps_per_epoch(WorkerId worker) const override {
    return data::steps_per_epoch(spec_.partition.size(worker), spec_.batch_size);
  }
  std::vector<std::uint64_t> class_counts(WorkerId worker) const override {
    if (!spec_.has_named_data) return {};
    return data::class_counts(spec_.partition, worker, spec_.classes, 2);
  }
  Objective objective() const override { return spec_.objective; }
  bool has_own_losses() const override { return spec_.has_named_data && !spec_.partition.is_shared(); }
  std::vector<std::string> metric_names() const override {
    if (!has_own_losses()) return {"loss", "accuracy"};
    return {"loss", "accuracy", "loss_worst", "loss_spread"};
  }
  std::size_t evaluation_parts() const override {
    return parts_of(*spec_.measured) + (spec_.is_judged_apart ? parts_of(*spec_.judged) : 0);
  }
  std::vector<Metric> metrics(std::span<const double> sums) const override {
    const double accuracy = sums[kRight] / static_cast<double>(spec_.judged->rows());
    const std::span<const double> losses = sums.subspan(kLosses, loss_sums(spec_));
    const double pooled =
        std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(spec_.measured->rows());
    if (!has_own_losses()) return {{"loss", pooled + sums[kRegulariser]}, {"accuracy", accuracy}};
    const Spread own = spread_of(losses);
    return {{"loss", (spec_.objective == Objective::examples ? pooled : own.mean) + sums[kRegulariser]},
            {"accuracy", accuracy},
            {"loss_worst", own.worst + sums[kRegulariser]},
            {"loss_spread", own.deviation}};
  }
  std::vector<DataSource> sources() const override {
    if (!spec_.measured) return {};  // of a worker
    std::vector<DataSource> sources = spec_.measured->sources;
    if (spec_.is_judged_apart)
      sources.insert(sources.end(), spec_.judged->sources.begin(), spec_.judged->sources.end());
    return sources;
  }

 private:
  struct Spread {
    double mean = 0.0, worst = 0.0, deviation = 0.0;
  };
  // Of the workers' mean losses, each worker counting alike.
  Spread spread_of(std::span<const double> sums) const {
    const auto own = [&](std::size_t i) {
      return sums[i] / static_cast<double>(spec_.partition.size(static_cast<WorkerId>(i)));
    };
    const auto n = static_cast<double>(sums.size());
    Spread spread{.worst = own(0)};
    for (std::size_t i = 0; i < sums.size(); ++i) {
      spread.mean += own(i) / n;
      spread.worst = std::max(spread.worst, own(i));
    }
    double squares = 0.0;
    for (std::size_t i = 0; i < sums.size(); ++i) squares += (own(i) - spread.mean) * (own(i) - spread.mean) / n;
    spread.deviation = std::sqrt(squares);
    return spread;
  }

  Spec spec_;
  Layout layout_;
};

std::vector<WorkerId> owners(const data::Partition& partition, std::size_t rows, std::size_t workers) {
  if (partition.is_shared()) return {};
  std::vector<WorkerId> owner(rows);
  for (std::size_t i = 0; i < workers; ++i) {
    const auto worker = static_cast<WorkerId>(i);
    for (std::size_t k = 0; k < partition.size(worker); ++k) owner[partition.example(worker, k)] = worker;
  }
  return owner;
}

std::string chosen(Settings& settings, const char* key, const std::filesystem::path& data_root) {
  return data::dataset_setting(settings, key, *kRowsData.fallback, data::DatasetKind::sparse, data_root);
}

// The rows to train on, and those to test on where there are some.
void load_rows(Spec& spec, Settings& settings, const std::filesystem::path& data_root) {
  std::vector<std::string> keys = {kRowsData.key}, names;
  names.push_back(chosen(settings, kRowsData.key, data_root));
  settings.allow(kTestData.key);
  if (settings.has(kTestData.key)) {
    keys.emplace_back(kTestData.key);
    names.push_back(chosen(settings, kTestData.key, data_root));
  }
  const std::vector<SharedDataset> sets = data::load_libsvm_parts(names, data_root);
  for (std::size_t i = 0; i < sets.size(); ++i)
    if (sets[i]->rows() == 0 || sets[i]->features == 0) settings.fail(keys[i], "holds no rows with features");
  spec.train = spec.measured = sets[0];
  spec.judged = sets.back();
  spec.is_judged_apart = sets.size() > 1;
  const auto most = static_cast<std::int64_t>(spec.train->features);
  const auto features = read_if_given(settings, kFeatures);
  if (features.value_or(most) < most)
    settings.fail(kFeatures.key, "must be at least " + std::to_string(most) + ", the largest index in data");
  spec.features = static_cast<std::size_t>(features.value_or(most));
}

// Where workers own the rows to train on: those to test on, which must be there.
void load_test_rows(Spec& spec, Settings& settings, const ProblemContext& context) {
  settings.allow(kRowsData.key);
  if (settings.has(kRowsData.key))
    settings.fail(kRowsData.key, "the workers of the run have data of their own (workers.own_data): leave it out");
  settings.allow(kTestData.key);
  if (!context.evaluates) {
    spec.features = static_cast<std::size_t>(read(settings, kFeatures));
    return;
  }
  if (!settings.has(kTestData.key))
    settings.fail(kTestData.key, "must be given: where workers have data of their own nothing else is here to test on");
  spec.measured = spec.judged =
      data::load_libsvm(chosen(settings, kTestData.key, context.data_root), context.data_root);
  const auto most = static_cast<std::int64_t>(spec.judged->features);
  if (most == 0) settings.fail(kTestData.key, "holds no rows with features");
  spec.features = static_cast<std::size_t>(read(settings, kFeatures, most));  // workers are told it
}

// The rows that workers own, one set after another.
std::vector<std::size_t> load_own_rows(Spec& spec, const ProblemContext& context) {
  auto all = std::make_shared<SparseDataset>();
  all->row_start = {0};
  std::vector<std::size_t> sizes;
  for (const std::filesystem::path& place : context.own_data) {
    const SparseDataset set = data::read_own_rows(place, spec.features);
    const std::size_t before = all->feature.size();
    for (std::size_t row = 1; row < set.row_start.size(); ++row) all->row_start.push_back(before + set.row_start[row]);
    all->feature.insert(all->feature.end(), set.feature.begin(), set.feature.end());
    all->value.insert(all->value.end(), set.value.begin(), set.value.end());
    all->label.insert(all->label.end(), set.label.begin(), set.label.end());
    sizes.push_back(set.rows());
  }
  all->features = spec.features;
  spec.train = std::move(all);
  return sizes;
}

}  // namespace

std::unique_ptr<Problem> make_logistic(Settings& settings, const ProblemContext& context) {
  refuse_other_names(settings);
  Spec spec;
  spec.seed = context.seed;
  spec.batch_size = static_cast<std::size_t>(read(settings, kRowsBatch));
  spec.l2 = read(settings, kL2);
  spec.workers = context.workers;
  spec.objective = read_objective(settings);
  spec.has_named_data = context.training == TrainingData::named;
  if (!spec.has_named_data) {
    load_test_rows(spec, settings, context);
    std::vector<std::size_t> sizes;
    if (context.training == TrainingData::own) sizes = load_own_rows(spec, context);
    spec.partition = read_no_partition(settings, context, sizes);
    return std::make_unique<Logistic>(std::move(spec));
  }
  load_rows(spec, settings, context.data_root);
  spec.classes.resize(spec.train->rows());
  std::ranges::transform(spec.train->label, spec.classes.begin(), [](float label) { return label > 0 ? 1 : 0; });
  spec.partition =
      data::make_partition(read(settings, data::kPartition), spec.classes, 2, context.workers, context.seed);
  spec.owner = owners(spec.partition, spec.train->rows(), context.workers);
  if (spec.l2 > 0.0) spec.pull = pull_of_rows(spec, context.workers);
  return std::make_unique<Logistic>(std::move(spec));
}

}  // namespace tardigrad::problems
