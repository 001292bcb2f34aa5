// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/text_problem.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "data/catalogue.hpp"
#include "problems/shared_settings.hpp"
#include "problems/torch/one_thread.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::problems::torch {
namespace {

constexpr std::size_t kPartWindows = 64;

struct TextBatch {
  at::Tensor characters, next;  ///< [time, n] int64
};

class TextProblem final : public Problem {
 public:
  TextProblem(std::unique_ptr<const CharLstm> model, TextProblemOptions options)
      : model_(std::move(model)), options_(std::move(options)) {}

  const Layout& layout() const override { return model_->parameters().layout(); }
  double examples(WorkerId worker) const override {  // characters of its stretch of the text
    const auto [begin, end] = options_.shards.range(worker);
    return static_cast<double>(end - begin);
  }
  void initial_point(std::span<float> x) const override { model_->parameters().write_initial_point(options_.seed, x); }
  std::unique_ptr<Replica> make_replica() const override;
  /// The windows of a worker's text, one after another: what an epoch passes over, and what its score is of.
  std::size_t windows(WorkerId worker) const {
    const auto [begin, end] = options_.shards.range(worker);
    return count_windows(end - begin, options_.sequence_length);
  }
  std::uint64_t steps_per_epoch(WorkerId worker) const override {
    return data::steps_per_epoch(windows(worker), options_.batch);
  }
  Objective objective() const override { return options_.objective; }
  bool has_own_losses() const override { return options_.shards.shards > 1; }
  std::vector<std::string> metric_names() const override { return {"loss", "perplexity"}; }
  std::size_t evaluation_parts() const override {
    return (options_.evaluation_examples + kPartWindows - 1) / kPartWindows;
  }
  std::vector<Metric> metrics(std::span<const double> sums) const override {
    const double loss = sums[0] / static_cast<double>(options_.evaluation_examples * options_.sequence_length);
    return {{"loss", loss}, {"perplexity", std::exp(loss)}};
  }

  std::vector<DataSource> sources() const override { return options_.corpus->sources; }

  const CharLstm& model() const { return *model_; }
  const TextProblemOptions& options() const { return options_; }

 private:
  std::unique_ptr<const CharLstm> model_;
  TextProblemOptions options_;
};

class TextReplica final : public Replica {
 public:
  explicit TextReplica(const TextProblem& problem)
      : problem_(problem), options_(problem.options()), views_(problem.layout()) {
    compute_on_one_thread();
    views_.look_on_the_way_back([this] { look(); });
  }

  // Looks between the layers on the way back: see cancelled.hpp.
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

  std::vector<double> evaluate(std::span<const float> x, std::size_t part, const void*) override {
    check_size(x.size());
    const at::NoGradGuard no_gradients;
    views_.point_at(x.data());
    const std::size_t end = std::min((part + 1) * kPartWindows, options_.evaluation_examples);
    return {add_up(options_.corpus->test, 0, part * kPartWindows, end)};
  }

  WorkerScore score(std::span<const float> x, WorkerId worker, const void*) override {
    check_size(x.size());
    const at::NoGradGuard no_gradients;
    views_.point_at(x.data());
    const std::size_t windows = problem_.windows(worker), first = options_.shards.range(worker).first;
    double loss = 0.0;
    for (std::size_t window = 0; window < windows; window += kPartWindows)
      loss += add_up(options_.corpus->train, first, window, std::min(window + kPartWindows, windows));
    return {.loss = loss / static_cast<double>(windows * options_.sequence_length), .accuracy = {}};
  }

 private:
  /// The losses of the windows begin ... end - 1 of a text, counted from the character `first`.
  double add_up(const std::vector<std::uint8_t>& text, std::size_t first, std::size_t begin, std::size_t end) {
    starts_.clear();
    for (std::size_t window = begin; window < end; ++window)
      starts_.push_back(first + window * options_.sequence_length);
    const TextBatch batch = load(text, starts_);
    return cross_entropy(batch, {}, at::Reduction::None).to(at::kDouble).sum().item<double>();
  }

  void check_size(std::size_t size) const {
    const std::size_t dimension = problem_.layout().dimension();
    TG_CHECK(size == dimension, "a vector of ", size, " for a model of ", dimension);
  }

  void look() const {
    if (cancelled()) throw IsCancelled();
  }

  double loss_and_gradient(const Order& order) {
    const TextBatch batch = load(options_.corpus->train, draw_starts(order));
    const at::Tensor loss = cross_entropy(batch, draw_masks_of(order, starts_.size()), at::Reduction::Mean);
    look();
    loss.backward();
    return loss.item<double>();
  }

  std::span<const std::size_t> draw_starts(const Order& order) {
    const auto [begin, end] = options_.shards.range(order.worker);
    if (order.work.epochs > 0) {
      starts_.clear();
      for (const std::uint32_t window :
           deal_.batch(order, problem_.windows(order.worker), options_.batch, options_.seed))
        starts_.push_back(begin + window * options_.sequence_length);
      return starts_;
    }
    Stream stream(options_.seed, Purpose::minibatch, order.worker, order.index);
    starts_.resize(options_.batch);
    for (std::size_t& start : starts_) start = begin + stream.below(end - begin - options_.sequence_length);
    return starts_;
  }

  Tensors draw_masks_of(const Order& order, std::size_t windows) const {
    Stream stream(options_.seed, Purpose::dropout, order.worker, order.index);
    const CharLstm::Options& o = problem_.model().options();
    return draw_masks(
        stream, options_.dropout, static_cast<std::size_t>(o.layers),
        {static_cast<std::int64_t>(options_.sequence_length), static_cast<std::int64_t>(windows), o.hidden});
  }

  TextBatch load(const std::vector<std::uint8_t>& text, std::span<const std::size_t> starts) const {
    const std::size_t time = options_.sequence_length, n = starts.size();
    const TextBatch batch{
        .characters = at::empty({static_cast<std::int64_t>(time), static_cast<std::int64_t>(n)}, at::kLong),
        .next = at::empty({static_cast<std::int64_t>(time), static_cast<std::int64_t>(n)}, at::kLong)};
    std::int64_t* characters = batch.characters.data_ptr<std::int64_t>();
    std::int64_t* next = batch.next.data_ptr<std::int64_t>();
    for (std::size_t t = 0; t < time; ++t) {
      for (std::size_t i = 0; i < n; ++i) {
        characters[t * n + i] = text[starts[i] + t];
        next[t * n + i] = text[starts[i] + t + 1];
      }
    }
    return batch;
  }

  at::Tensor cross_entropy(const TextBatch& batch, const Tensors& masks, at::Reduction::Reduction reduction) const {
    const at::Tensor logits = problem_.model().logits(views_.parameters(), batch.characters, masks);
    return at::cross_entropy_loss(logits.flatten(0, 1), batch.next.flatten(), {}, reduction);
  }

  const TextProblem& problem_;
  const TextProblemOptions& options_;
  FlatViews views_;
  std::vector<std::size_t> starts_;
  data::EpochDeal deal_;
};

std::unique_ptr<Replica> TextProblem::make_replica() const { return std::make_unique<TextReplica>(*this); }

/// Reads `partition`: kind = "shared" (every worker draws from the whole text) or "text-shards" (one stretch each).
data::TextShards read_shards(Settings& settings, std::size_t text_length, std::size_t sequence_length,
                             std::size_t workers) {
  Settings& partition = read(settings, data::kTextPartition);
  data::TextShards shards{.length = text_length, .shards = 1};
  if (read_variant(partition, data::kTextPartition) == "text-shards") shards.shards = workers;
  for (WorkerId worker = 0; worker < shards.shards; ++worker) {
    const auto [begin, end] = shards.range(worker);
    if (count_windows(end - begin, sequence_length) > 0) continue;
    settings.fail(kSequenceLength.key, "needs " + std::to_string(sequence_length + 1) + " characters, but worker " +
                                           std::to_string(worker) + " has only " + std::to_string(end - begin));
  }
  return shards;
}

}  // namespace

std::size_t count_windows(std::size_t text_length, std::size_t sequence_length) {
  return text_length == 0 ? 0 : (text_length - 1) / sequence_length;
}

Tensors draw_masks(Stream& stream, double dropout, std::size_t layers, at::IntArrayRef shape) {
  if (dropout == 0.0) return {};
  const float kept = static_cast<float>(1.0 / (1.0 - dropout));
  const std::uint64_t threshold = static_cast<std::uint64_t>(std::llround(dropout * 0x1p32));
  Tensors masks;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    at::Tensor mask = at::empty(shape, at::kFloat);
    const std::span<float> values(mask.data_ptr<float>(), static_cast<std::size_t>(mask.numel()));
    for (float& value : values) value = stream.bits32() < threshold ? 0.0f : kept;
    masks.push_back(std::move(mask));
  }
  return masks;
}

std::unique_ptr<Problem> make_text_problem(std::unique_ptr<const CharLstm> model, TextProblemOptions options) {
  return std::make_unique<TextProblem>(std::move(model), std::move(options));
}

std::unique_ptr<Problem> make_char_lstm_problem(Settings& settings, const ProblemContext& context) {
  refuse_other_names(settings);
  TextProblemOptions o;
  o.seed = context.seed;
  o.corpus = data::load_text(
      data::dataset_setting(settings, kTextData.key, *kTextData.fallback, data::DatasetKind::text, context.data_root),
      context.data_root);
  o.batch = static_cast<std::size_t>(read(settings, kTextBatch));
  o.sequence_length = static_cast<std::size_t>(read(settings, kSequenceLength));
  o.dropout = read(settings, kDropout);
  o.objective = read_objective(settings);
  o.shards = read_shards(settings, o.corpus->train.size(), o.sequence_length, context.workers);
  const std::size_t windows = count_windows(o.corpus->test.size(), o.sequence_length);
  if (windows == 0)
    settings.fail(kSequenceLength.key, "needs " + std::to_string(o.sequence_length + 1) +
                                           " characters, but the test text has only " +
                                           std::to_string(o.corpus->test.size()));
  o.evaluation_examples =
      static_cast<std::size_t>(read(settings, kEvaluationExamples, static_cast<std::int64_t>(windows),
                                    Range{.low = 1, .high = static_cast<double>(windows)}));
  auto model = std::make_unique<const CharLstm>(
      CharLstm::Options{.vocabulary = static_cast<std::int64_t>(o.corpus->vocabulary.size()),
                        .embedding = read(settings, kEmbedding),
                        .hidden = read(settings, kHidden),
                        .layers = read(settings, kLayers)});
  return make_text_problem(std::move(model), std::move(o));
}

}  // namespace tardigrad::problems::torch
