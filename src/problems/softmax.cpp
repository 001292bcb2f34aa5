// SPDX-License-Identifier: Apache-2.0
#include "problems/softmax.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/kernels.hpp"
#include "data/images.hpp"
#include "data/own_data.hpp"
#include "data/partition.hpp"
#include "problems/shared_settings.hpp"

namespace tardigrad::problems {
namespace {

using SharedImages = std::shared_ptr<const data::ImageSet>;

constexpr std::size_t kImagesPerPart = 1000;
constexpr std::size_t kImagesBetweenLooks = 256;  // a millisecond's work or two

struct Spec {
  data::ImageShape shape = {};
  SharedImages train = {};  // null: elsewhere
  SharedImages test = {};   // null: nothing is evaluated
  std::vector<DataSource> sources = {};
  data::Partition partition = {};
  bool has_named_data = true;
  std::size_t batch_size = 0;
  double l2 = 0.0;
  std::uint64_t seed = 0;
  Objective objective = Objective::workers;

  std::size_t pixels() const { return shape.image_bytes(); }
};

SharedImages part_of(const std::shared_ptr<const data::ImageDataset>& set, const data::ImageSet& part) {
  return {set, &part};
}

// Sums of an evaluation.
constexpr std::size_t kLoss = 0, kRight = 1, kRegulariser = 2;

class SoftmaxReplica final : public Replica {
 public:
  explicit SoftmaxReplica(const Spec& spec)
      : spec_(spec), minibatches_(spec.partition, spec.batch_size, spec.seed), z_(spec.shape.classes) {
    for (std::size_t byte = 0; byte < value_.size(); ++byte)
      value_[byte] = static_cast<float>(static_cast<double>(byte) / 255.0);
  }

  double gradient(const Order& order, std::span<const float> x, std::span<float> g) override {
    check_has_data(spec_.partition, order.worker);
    const std::span<const std::uint32_t> batch = minibatches_.draw(order);
    const auto l2 = static_cast<float>(spec_.l2);
    std::ranges::transform(x, g.begin(), [l2](float coordinate) { return l2 * coordinate; });
    const double share = 1.0 / static_cast<double>(batch.size());
    double loss = 0.5 * spec_.l2 * kernels::squared_norm(x);
    std::size_t until_a_look = kImagesBetweenLooks;
    for (const std::uint32_t image : batch) {
      if (--until_a_look == 0) {
        if (cancelled()) return loss;
        until_a_look = kImagesBetweenLooks;
      }
      loss += share * find_scores(*spec_.train, image, x);
      add_gradient(*spec_.train, image, share, g);
    }
    return loss;
  }

  std::vector<double> evaluate(std::span<const float> x, std::size_t part, const void*) override {
    const data::ImageSet& test = *spec_.test;
    std::vector<double> sums(3);
    const std::size_t begin = part * kImagesPerPart, end = std::min(begin + kImagesPerPart, test.size());
    for (std::size_t image = begin; image < end; ++image) {
      sums[kLoss] += find_scores(test, image, x);
      if (answer() == test.labels[image]) ++sums[kRight];
    }
    if (part == 0) sums[kRegulariser] = 0.5 * spec_.l2 * kernels::squared_norm(x);
    return sums;
  }

  WorkerScore score(std::span<const float> x, WorkerId worker, const void*) override {
    const auto size = static_cast<double>(spec_.partition.size(worker));
    double loss = 0.0, right = 0.0;
    for (std::size_t k = 0; k < spec_.partition.size(worker); ++k) {
      const std::size_t image = spec_.partition.example(worker, k);
      loss += find_scores(*spec_.train, image, x);
      if (answer() == spec_.train->labels[image]) ++right;
    }
    return {.loss = loss / size + 0.5 * spec_.l2 * kernels::squared_norm(x), .accuracy = right / size};
  }

 private:
  // z, of which the largest becomes 0.  Returns  the image's loss
  double find_scores(const data::ImageSet& set, std::size_t image, std::span<const float> x) {
    const std::size_t classes = z_.size();
    const std::span<const std::uint8_t> pixels = set.image(image);
    const float* row = x.data();
    std::ranges::copy(x.last(classes), z_.begin());
    for (const std::uint8_t pixel : pixels) {
      if (const double value = value_[pixel]; pixel != 0)
        for (std::size_t c = 0; c < classes; ++c) z_[c] += value * static_cast<double>(row[c]);
      row += classes;
    }
    const double top = *std::ranges::max_element(z_);
    sum_ = 0.0;
    for (double& z : z_) sum_ += std::exp(z -= top);
    return std::log(sum_) - z_[set.labels[image]];
  }
  std::size_t answer() const { return static_cast<std::size_t>(std::ranges::max_element(z_) - z_.begin()); }

  // Of an image whose scores were found.
  void add_gradient(const data::ImageSet& set, std::size_t image, double share, std::span<float> g) {
    const std::size_t classes = z_.size();
    slope_.resize(classes);
    for (std::size_t c = 0; c < classes; ++c) {
      const double wrong = std::exp(z_[c]) / sum_ - (c == set.labels[image] ? 1.0 : 0.0);
      slope_[c] = static_cast<float>(share * wrong);
    }
    float* row = g.data();
    for (const std::uint8_t pixel : set.image(image)) {
      if (const float value = value_[pixel]; pixel != 0)
        for (std::size_t c = 0; c < classes; ++c) row[c] += value * slope_[c];
      row += classes;
    }
    for (std::size_t c = 0; c < classes; ++c) row[c] += slope_[c];
  }

  const Spec& spec_;
  data::Minibatches minibatches_;
  std::array<float, 256> value_;
  std::vector<double> z_;
  double sum_ = 0.0;  // of exp(z)
  std::vector<float> slope_;
};

class Softmax final : public Problem {
 public:
  explicit Softmax(Spec spec) : spec_(std::move(spec)) {
    const auto pixels = static_cast<std::int64_t>(spec_.pixels()),
               classes = static_cast<std::int64_t>(spec_.shape.classes);
    layout_.add("weight", {pixels, classes});
    layout_.add("bias", {classes});
  }

  const Layout& layout() const override { return layout_; }
  double examples(WorkerId worker) const override { return static_cast<double>(spec_.partition.size(worker)); }
  void initial_point(std::span<float> x) const override { kernels::clear(x); }
  std::unique_ptr<Replica> make_replica() const override { return std::make_unique<SoftmaxReplica>(spec_); }
  std::uint64_t steps_per_epoch(WorkerId worker) const override {
    return data::steps_per_epoch(spec_.partition.size(worker), spec_.batch_size);
  }
  std::vector<std::uint64_t> class_counts(WorkerId worker) const override {
    if (!spec_.train) return {};
    return data::class_counts(spec_.partition, worker, spec_.train->labels, spec_.shape.classes);
  }
  Objective objective() const override { return spec_.objective; }
  bool has_own_losses() const override { return spec_.has_named_data && !spec_.partition.is_shared(); }
  std::vector<std::string> metric_names() const override { return {"loss", "accuracy"}; }
  std::size_t evaluation_parts() const override { return (spec_.test->size() + kImagesPerPart - 1) / kImagesPerPart; }
  std::vector<Metric> metrics(std::span<const double> sums) const override {
    const auto images = static_cast<double>(spec_.test->size());
    return {{"loss", sums[kLoss] / images + sums[kRegulariser]}, {"accuracy", sums[kRight] / images}};
  }
  std::vector<DataSource> sources() const override { return spec_.sources; }

 private:
  Spec spec_;
  Layout layout_;
};

// The images that workers own, one set after another.
std::vector<std::size_t> load_own_images(Spec& spec, const ProblemContext& context) {
  data::ImageSet all;
  std::vector<std::size_t> sizes;
  for (const std::filesystem::path& folder : context.own_data) {
    data::ImageSet set = data::read_own_images(folder, spec.shape);
    sizes.push_back(set.size());
    all.append(std::move(set));
  }
  spec.train = std::make_shared<const data::ImageSet>(std::move(all));
  return sizes;
}

}  // namespace

std::unique_ptr<Problem> make_softmax(Settings& settings, const ProblemContext& context) {
  refuse_other_names(settings);
  const std::string name = read(settings, kImages);
  Spec spec{.shape = data::shape_of(name),
            .has_named_data = context.training == TrainingData::named,
            .batch_size = static_cast<std::size_t>(read(settings, kRowsBatch)),
            .l2 = read(settings, kL2),
            .seed = context.seed,
            .objective = read_objective(settings)};
  if (spec.has_named_data) {
    const auto set = data::load_images(name, context.data_root);
    spec.train = part_of(set, set->train);
    spec.test = part_of(set, set->test);
    spec.sources = set->sources;
    spec.partition = data::make_partition(read(settings, data::kPartition), set->train.labels, set->classes,
                                          context.workers, context.seed);
    return std::make_unique<Softmax>(std::move(spec));
  }
  if (context.evaluates) {
    const auto set = data::load_test_images(name, context.data_root);
    spec.test = part_of(set, set->test);
    spec.sources = set->sources;
  }
  std::vector<std::size_t> sizes;
  if (context.training == TrainingData::own) sizes = load_own_images(spec, context);
  spec.partition = read_no_partition(settings, context, sizes);
  return std::make_unique<Softmax>(std::move(spec));
}

}  // namespace tardigrad::problems
