// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/image_problem.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <utility>

#include "problems/shared_settings.hpp"
#include "problems/torch/one_thread.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::problems::torch {
namespace {

constexpr std::size_t kPartExamples = 500;
/// Examples of one forward pass without gradients: enough to be efficient, few enough to stay near the caches.
constexpr std::size_t kForwardExamples = 100;

struct Batch {
  at::Tensor images;  ///< [n, channels, height, width] float32
  at::Tensor labels;  ///< [n] int64
};

class ImageProblem final : public Problem {
 public:
  ImageProblem(std::unique_ptr<const ImageModel> model, ImageProblemOptions options)
      : model_(std::move(model)),
        options_(std::move(options)),
        encoder_(options_.dataset->train, options_.scaling, options_.memory_format),
        batch_norm_sample_(draw_batch_norm_sample()) {}

  const Layout& layout() const override { return model_->parameters().layout(); }
  double examples(WorkerId worker) const override { return static_cast<double>(options_.partition.size(worker)); }
  void initial_point(std::span<float> x) const override { model_->parameters().write_initial_point(options_.seed, x); }
  std::unique_ptr<Replica> make_replica() const override;
  std::uint64_t steps_per_epoch(WorkerId worker) const override {
    return data::steps_per_epoch(options_.partition.size(worker), options_.batch);
  }
  std::vector<std::uint64_t> class_counts(WorkerId worker) const override {
    return data::class_counts(options_.partition, worker, options_.dataset->train.labels, options_.dataset->classes);
  }
  std::vector<std::string> warnings() const override { return warnings_of(options_.precision); }
  Objective objective() const override { return options_.objective; }
  bool has_own_losses() const override { return !options_.partition.is_shared(); }
  std::vector<std::string> metric_names() const override { return {"loss", "accuracy"}; }
  std::size_t evaluation_parts() const override {
    return (options_.evaluation_examples + kPartExamples - 1) / kPartExamples;
  }
  bool needs_prepared_evaluation() const override { return !model_->batch_norms().empty(); }
  std::vector<Metric> metrics(std::span<const double> sums) const override {
    const double examples = static_cast<double>(options_.evaluation_examples);
    return {{"loss", sums[0] / examples}, {"accuracy", sums[1] / examples}};
  }

  std::vector<DataSource> sources() const override { return options_.dataset->sources; }

  const ImageModel& model() const { return *model_; }
  const ImageProblemOptions& options() const { return options_; }
  const ImageEncoder& encoder() const { return encoder_; }
  const std::vector<std::uint32_t>& batch_norm_sample() const { return batch_norm_sample_; }

 private:
  /// Uniform over all workers' examples, each as often as workers hold it.
  std::vector<std::uint32_t> draw_batch_norm_sample() const {
    if (model_->batch_norms().empty()) return {};
    std::vector<std::uint32_t> pool;
    const std::size_t sources = options_.partition.is_shared() ? 1 : options_.workers;
    for (WorkerId worker = 0; worker < sources; ++worker)
      for (std::size_t k = 0; k < options_.partition.size(worker); ++k)
        pool.push_back(options_.partition.example(worker, k));
    Stream stream(options_.seed, Purpose::evaluation);
    std::vector<std::uint32_t> sample(options_.batch_norm_examples);
    for (std::uint32_t& example : sample) example = pool[stream.below(pool.size())];
    return sample;
  }

  std::unique_ptr<const ImageModel> model_;
  ImageProblemOptions options_;
  ImageEncoder encoder_;
  std::vector<std::uint32_t> batch_norm_sample_;
};

class ImageReplica final : public Replica {
 public:
  explicit ImageReplica(const ImageProblem& problem)
      : problem_(problem),
        options_(problem.options()),
        views_(problem.layout()),
        minibatches_(options_.partition, options_.batch, options_.seed) {
    compute_on_one_thread();
    views_.look_on_the_way_back([this] { look(); });
  }

  // Looks between the layers, there and back: see cancelled.hpp.
  double gradient(const Order& order, std::span<const float> x, std::span<float> g) override {
    check_size(x.size());
    check_size(g.size());
    views_.point_at(x.data(), g.data());
    try {
      return loss_and_gradient(order);
    } catch (const IsCancelled&) {
      return 0.0;
    }
  }

  std::shared_ptr<const void> prepare_evaluation(std::span<const float> x) override {
    if (problem_.model().batch_norms().empty()) return nullptr;
    return std::make_shared<const ChannelStatistics>(estimate_statistics(x));
  }

  std::vector<double> evaluate(std::span<const float> x, std::size_t part, const void* prepared) override {
    check_size(x.size());
    const at::NoGradGuard no_gradients;
    views_.point_at(x.data());
    const std::unique_ptr<Normaliser> normaliser = make_normaliser(prepared);
    const std::size_t end = std::min((part + 1) * kPartExamples, options_.evaluation_examples);
    const Sums sums = add_up(options_.dataset->test, part * kPartExamples, end, *normaliser,
                             [](std::size_t k) { return static_cast<std::uint32_t>(k); });
    return {sums.loss, sums.correct};
  }

  WorkerScore score(std::span<const float> x, WorkerId worker, const void* prepared) override {
    check_size(x.size());
    const at::NoGradGuard no_gradients;
    views_.point_at(x.data());
    const std::unique_ptr<Normaliser> normaliser = make_normaliser(prepared);
    const std::size_t size = options_.partition.size(worker);
    const Sums sums = add_up(options_.dataset->train, 0, size, *normaliser,
                             [&](std::size_t k) { return options_.partition.example(worker, k); });
    return {.loss = sums.loss / static_cast<double>(size), .accuracy = sums.correct / static_cast<double>(size)};
  }

  std::vector<ExtraTensor> extra_tensors(std::span<const float> x) override {
    const std::vector<std::string>& names = problem_.model().batch_norms();
    if (names.empty()) return {};
    const ChannelStatistics statistics = estimate_statistics(x);
    std::vector<ExtraTensor> tensors;
    const auto add = [&](const std::string& name, const at::Tensor& values) {
      const float* data = values.data_ptr<float>();
      tensors.push_back({.name = name, .shape = {values.numel()}, .values = {data, data + values.numel()}});
    };
    for (std::size_t layer = 0; layer < names.size(); ++layer) {
      add(names[layer] + ".running_mean", statistics.mean[layer]);
      add(names[layer] + ".running_var", statistics.variance[layer]);
    }
    return tensors;
  }

 private:
  void check_size(std::size_t size) const {
    const std::size_t dimension = problem_.layout().dimension();
    TG_CHECK(size == dimension, "a vector of ", size, " for a model of ", dimension);
  }

  void look() const {
    if (cancelled()) throw IsCancelled();
  }

  struct Sums {
    double loss = 0.0, correct = 0.0;
  };
  /// Over the images that `example` numbers, of begin ... end - 1.
  template <class Example>
  Sums add_up(const data::ImageSet& set, std::size_t begin, std::size_t end, Normaliser& normaliser,
              const Example& example) {
    Sums sums;
    for (; begin < end; begin += kForwardExamples) {
      chosen_.resize(std::min(kForwardExamples, end - begin));
      for (std::size_t i = 0; i < chosen_.size(); ++i) chosen_[i] = example(begin + i);
      const Batch& batch = load(set, chosen_, {});
      const at::Tensor output = logits(batch.images, normaliser);
      sums.loss +=
          at::cross_entropy_loss(output, batch.labels, {}, at::Reduction::None).to(at::kDouble).sum().item<double>();
      sums.correct += (output.argmax(1) == batch.labels).sum().item<double>();
    }
    return sums;
  }

  double loss_and_gradient(const Order& order) {
    const std::span<const std::uint32_t> minibatch = minibatches_.draw(order);
    const Batch& batch = load(options_.dataset->train, minibatch, draw_crops(order, minibatch.size()));
    BatchNormaliser normaliser([this] { look(); });
    const at::Tensor loss = at::cross_entropy_loss(logits(batch.images, normaliser), batch.labels);
    look();
    loss.backward();
    return loss.item<double>();
  }

  at::Tensor logits(const at::Tensor& images, Normaliser& normaliser) const {
    at::Tensor output;
    {
      const PrecisionScope scope(options_.precision);
      output = problem_.model().logits(views_.parameters(), images, normaliser);
    }
    return output.to(at::kFloat);  // the loss is computed in float32 whatever the products are in
  }

  std::unique_ptr<Normaliser> make_normaliser(const void* prepared) const {
    if (problem_.model().batch_norms().empty()) return std::make_unique<BatchNormaliser>();
    TG_CHECK(prepared, "an evaluation with batch norm needs prepare_evaluation");
    return std::make_unique<FixedNormaliser>(*static_cast<const ChannelStatistics*>(prepared));
  }

  /// See Note [Batch norm among many workers].
  ChannelStatistics estimate_statistics(std::span<const float> x) {
    check_size(x.size());
    const at::NoGradGuard no_gradients;
    views_.point_at(x.data());
    StatisticsEstimator estimator(problem_.model().batch_norms().size());
    const std::span<const std::uint32_t> sample = problem_.batch_norm_sample();
    const std::size_t batch = std::min(options_.batch, sample.size());
    for (std::size_t begin = 0; begin + batch <= sample.size(); begin += batch)
      logits(load(options_.dataset->train, sample.subspan(begin, batch), {}).images, estimator);
    return estimator.statistics();
  }

  std::span<const Crop> draw_crops(const Order& order, std::size_t count) {
    if (options_.augmentation == Augmentation::none) return {};
    Stream stream(options_.seed, Purpose::augmentation, order.worker, order.index);
    crops_.resize(count);
    for (Crop& crop : crops_) crop = Crop::random(stream);
    return crops_;
  }

  /// `crops`: one for each example, or none. The result is valid until the next call.
  const Batch& load(const data::ImageSet& set, std::span<const std::uint32_t> examples, std::span<const Crop> crops) {
    const std::int64_t count = static_cast<std::int64_t>(examples.size());
    if (!batch_.images.defined() || batch_.images.size(0) != count) allocate_batch(set, count);
    float* pixels = batch_.images.data_ptr<float>();
    std::int64_t* labels = batch_.labels.data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const std::uint32_t example = examples[i];
      problem_.encoder().encode(set.image(example), crops.empty() ? Crop{} : crops[i], pixels + i * set.image_bytes());
      labels[i] = set.labels[example];
    }
    return batch_;
  }

  void allocate_batch(const data::ImageSet& set, std::int64_t count) {
    const bool channels_last = options_.memory_format == MemoryFormat::channels_last;
    const std::vector<std::int64_t> shape = {count, static_cast<std::int64_t>(set.channels),
                                             static_cast<std::int64_t>(set.height),
                                             static_cast<std::int64_t>(set.width)};
    batch_.images = at::empty(
        shape, at::TensorOptions(at::kFloat)
                   .memory_format(channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous));
    batch_.labels = at::empty({count}, at::kLong);
  }

  const ImageProblem& problem_;
  const ImageProblemOptions& options_;
  FlatViews views_;
  Batch batch_;
  data::Minibatches minibatches_;
  std::vector<std::uint32_t> chosen_;
  std::vector<Crop> crops_;
};

std::unique_ptr<Replica> ImageProblem::make_replica() const { return std::make_unique<ImageReplica>(*this); }

using ModelFactory = std::unique_ptr<const ImageModel> (*)(const ImageShape& shape, std::int64_t classes);

std::unique_ptr<Problem> make_from_settings(ModelFactory make_model, Settings& settings,
                                            const ProblemContext& context) {
  refuse_other_names(settings);
  ImageProblemOptions o;
  const std::string name = read(settings, kImages);
  o.workers = context.workers;
  o.seed = context.seed;
  o.batch = static_cast<std::size_t>(read(settings, kNetworkBatch));
  o.scaling = read(settings, kNormalisePixels) ? Scaling::standard : Scaling::unit;
  o.augmentation = read(settings, kAugment) == "none" ? Augmentation::none : Augmentation::crop_flip;
  o.precision = read(settings, kPrecision) == "bf16" ? Precision::bf16 : Precision::float32;
  o.memory_format =
      read(settings, kMemoryFormat) == "contiguous" ? MemoryFormat::contiguous : MemoryFormat::channels_last;
  o.dataset = data::load_images(name, context.data_root);
  const data::ImageDataset& dataset = *o.dataset;
  o.partition = data::make_partition(read(settings, data::kPartition), dataset.train.labels, dataset.classes,
                                     context.workers, context.seed);
  o.objective = read_objective(settings);
  const double test_size = static_cast<double>(dataset.test.size());
  o.evaluation_examples =
      static_cast<std::size_t>(read(settings, kEvaluationExamples, static_cast<std::int64_t>(dataset.test.size()),
                                    Range{.low = 1, .high = test_size}));
  const ImageShape shape{.channels = static_cast<std::int64_t>(dataset.train.channels),
                         .height = static_cast<std::int64_t>(dataset.train.height),
                         .width = static_cast<std::int64_t>(dataset.train.width)};
  auto model = make_model(shape, static_cast<std::int64_t>(dataset.classes));
  if (!model->batch_norms().empty())
    o.batch_norm_examples = static_cast<std::size_t>(read(settings, kBatchNormExamples));
  return make_image_problem(std::move(model), std::move(o));
}

}  // namespace

std::unique_ptr<Problem> make_image_problem(std::unique_ptr<const ImageModel> model, ImageProblemOptions options) {
  return std::make_unique<ImageProblem>(std::move(model), std::move(options));
}

std::unique_ptr<Problem> make_cnn_problem(Settings& settings, const ProblemContext& context) {
  return make_from_settings(make_cnn, settings, context);
}

std::unique_ptr<Problem> make_resnet18_problem(Settings& settings, const ProblemContext& context) {
  return make_from_settings(make_resnet18, settings, context);
}

}  // namespace tardigrad::problems::torch
