// SPDX-License-Identifier: Apache-2.0
// The problems through the contract: same bits everywhere, randomness from streams, evaluation that leaves no trace.
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <tuple>

#include "torch_fixtures.hpp"

namespace tardigrad::problems::torch {
namespace {

constexpr ImageShape kColour{.channels = 3, .height = 16, .width = 16};
constexpr std::uint64_t kSeed = 17;

ImageProblemOptions image_options() {
  const auto dataset = random_dataset(kColour, 300, 620);
  return {.dataset = dataset,
          .partition = data::Partition::shared(dataset->train.size()),
          .workers = 4,
          .seed = kSeed,
          .batch = 8,
          .batch_norm_examples = 24,
          .evaluation_examples = dataset->test.size()};
}

std::unique_ptr<Problem> cnn(const ImageProblemOptions& options) {
  return make_image_problem(make_cnn(kColour, 10), options);
}

std::unique_ptr<Problem> resnet(const ImageProblemOptions& options) {
  return make_image_problem(make_resnet18(kColour, 10), options);
}

TextProblemOptions text_options() {
  const auto corpus = random_corpus(2000, 400);
  return {.corpus = corpus,
          .shards = {.length = corpus->train.size(), .shards = 4},
          .seed = kSeed,
          .batch = 5,
          .sequence_length = 9,
          .evaluation_examples = count_windows(corpus->test.size(), 9)};
}

std::unique_ptr<Problem> lstm(const TextProblemOptions& options) {
  return make_text_problem(
      std::make_unique<const CharLstm>(CharLstm::Options{.vocabulary = 11, .embedding = 6, .hidden = 24, .layers = 2}),
      options);
}

std::map<std::string, std::unique_ptr<Problem>> all_problems() {
  std::map<std::string, std::unique_ptr<Problem>> problems;
  ImageProblemOptions options = image_options();
  options.augmentation = Augmentation::crop_flip;
  problems["cnn"] = cnn(options);
  options.batch = 4;
  options.evaluation_examples = 40;
  problems["resnet18"] = resnet(options);
  options.precision = Precision::bf16;
  problems["cnn bf16"] = cnn(options);
  problems["char-lstm"] = lstm(text_options());
  return problems;
}

std::vector<Order> some_orders() {
  std::vector<Order> orders;
  for (WorkerId worker = 0; worker < 4; ++worker)
    for (const std::uint64_t index : {0, 5}) orders.push_back({.worker = worker, .index = index});
  return orders;
}

std::vector<double> evaluate(const Problem& problem, Replica& replica, const std::vector<float>& x) {
  const auto prepared = replica.prepare_evaluation(x);
  std::vector<double> sums(2, 0.0);
  for (std::size_t part = 0; part < problem.evaluation_parts(); ++part) {
    const std::vector<double> terms = replica.evaluate(x, part, prepared.get());
    for (std::size_t i = 0; i < terms.size(); ++i) sums[i] += terms[i];
  }
  return sums;
}

TEST(TorchProblems, SameBitsOnEveryThreadInAnyOrder) {
  for (const auto& [name, problem] : all_problems()) {
    const std::vector<float> x = initial_point(*problem);
    const std::vector<Order> orders = some_orders();
    std::vector<std::vector<Result>> results(4, std::vector<Result>(orders.size()));
    {
      std::vector<std::jthread> threads;
      for (std::size_t thread = 0; thread < results.size(); ++thread) {
        threads.emplace_back([&, thread] {
          const auto replica = problem->make_replica();
          for (std::size_t k = 0; k < orders.size(); ++k) {
            const std::size_t i = (thread % 2 ? orders.size() - 1 - k : k + thread) % orders.size();
            results[thread][i] = compute(*replica, orders[i], x);
          }
        });
      }
    }
    for (std::size_t thread = 1; thread < results.size(); ++thread)
      for (std::size_t i = 0; i < orders.size(); ++i)
        EXPECT_TRUE(results[thread][i] == results[0][i]) << name << ", thread " << thread << ", order " << i;
    EXPECT_FALSE(results[0][0] == results[0][1]) << name << ": the index of an order makes no difference";
    EXPECT_FALSE(results[0][0] == results[0][2]) << name << ": the worker of an order makes no difference";
  }
}

TEST(TorchProblems, GradientsOverwriteAndForget) {
  for (const auto& [name, problem] : all_problems()) {
    const std::vector<float> x = initial_point(*problem);
    std::vector<float> elsewhere = x;
    for (float& value : elsewhere) value *= 1.5f;
    const auto replica = problem->make_replica(), fresh = problem->make_replica();
    compute(*replica, {.worker = 1, .index = 3}, elsewhere);
    EXPECT_TRUE(compute(*replica, {.worker = 2, .index = 7}, x) == compute(*fresh, {.worker = 2, .index = 7}, x))
        << name;
    EXPECT_EQ(x, initial_point(*problem)) << name << ": parameters are only read";
  }
}

TEST(TorchProblems, EvaluationChangesNoGradientAndRemembersNothing) {
  for (const auto& [name, problem] : all_problems()) {
    const std::vector<float> x = initial_point(*problem);
    std::vector<float> elsewhere = x;
    for (float& value : elsewhere) value *= 1.5f;
    const auto used = problem->make_replica(), fresh = problem->make_replica();
    const Result before = compute(*used, {.worker = 1}, x);
    compute(*used, {.worker = 3}, elsewhere);
    const std::vector<double> metrics = evaluate(*problem, *used, x);
    EXPECT_EQ(metrics, evaluate(*problem, *fresh, x)) << name;
    EXPECT_NE(metrics, evaluate(*problem, *used, elsewhere)) << name;
    EXPECT_TRUE(before == compute(*used, {.worker = 1}, x)) << name;
    EXPECT_EQ(problem->metrics(metrics).size(), problem->metric_names().size());
  }
}

// Nobody waits for it from the start: it ends before its backward pass, the only one to write to g.
TEST(TorchProblems, AGradientThatNobodyWantsEndsEarlyAndLeavesNothingBehind) {
  for (const auto& [name, problem] : all_problems()) {
    const std::vector<float> x = initial_point(*problem);
    const auto replica = problem->make_replica(), fresh = problem->make_replica();
    std::atomic<OrderId> wanted_from{7};
    replica->watch(CancellationToken(wanted_from, 6));
    const Result cancelled = compute(*replica, {.id = 6}, x);
    EXPECT_EQ(cancelled.gradient, std::vector<float>(x.size(), 0.0f)) << name;
    replica->watch(CancellationToken(wanted_from, 7));
    EXPECT_TRUE(compute(*replica, {.id = 7}, x) == compute(*fresh, {.id = 7}, x)) << name;
  }
}

// A backward pass is left at each of its looks in turn: a throw at the k-th leaves all but k - 1 of the parameters'
// gradients as they were, and does not touch the pass after it.
TEST(TorchProblems, ABackwardPassCanBeLeftAtEveryParameter) {
  const auto model = make_cnn(kColour, 10);
  const Layout& layout = model->parameters().layout();
  std::vector<float> x(layout.dimension()), g(x.size()), whole(x.size());
  model->parameters().write_initial_point(kSeed, x);
  const at::Tensor images = at::linspace(-1.0, 1.0, 2 * 3 * 16 * 16).view({2, 3, 16, 16});
  const at::Tensor labels = at::arange(2);
  std::size_t looks = 0, leave_at = 0;
  FlatViews views(layout);
  views.look_on_the_way_back([&] {
    if (++looks == leave_at) throw IsCancelled();
  });
  const auto backward = [&](std::vector<float>& to) {
    views.point_at(x.data(), to.data());
    BatchNormaliser normaliser;
    looks = 0;
    at::cross_entropy_loss(model->logits(views.parameters(), images, normaliser), labels).backward();
  };
  backward(whole);
  EXPECT_EQ(looks, layout.tensors().size());
  for (leave_at = 1; leave_at <= layout.tensors().size(); ++leave_at) {
    EXPECT_THROW(backward(g), IsCancelled);
    std::size_t written = 0;
    for (const at::Tensor& parameter : views.parameters()) written += parameter.grad().count_nonzero().item<bool>();
    EXPECT_EQ(written, leave_at - 1);
  }
  backward(g);
  EXPECT_EQ(g, whole);
}

TEST(TorchProblems, AForwardPassLooksAtEveryBatchNorm) {
  const auto model = make_resnet18(kColour, 10);
  std::vector<float> x(model->parameters().layout().dimension());
  model->parameters().write_initial_point(kSeed, x);
  FlatViews views(model->parameters().layout());
  views.point_at(x.data());
  const at::NoGradGuard no_gradients;
  std::size_t looks = 0;
  BatchNormaliser normaliser([&] { ++looks; });
  model->logits(views.parameters(), at::zeros({2, 3, 16, 16}), normaliser);
  EXPECT_EQ(looks, model->batch_norms().size());
}

TEST(TorchProblems, LossIsThatOfTheDrawnMinibatch) {
  const ImageProblemOptions options = image_options();
  const auto problem = cnn(options);
  const std::vector<float> x = initial_point(*problem);
  const Order order{.worker = 2, .index = 9};
  std::vector<std::uint32_t> examples(options.batch);
  data::draw_minibatch(options.partition, order, kSeed, examples);
  const ImageEncoder encoder(options.dataset->train, Scaling::standard, MemoryFormat::contiguous);
  const at::Tensor images = at::empty({8, 3, 16, 16}), labels = at::empty({8}, at::kLong);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    encoder.encode(options.dataset->train.image(examples[i]), {}, images.data_ptr<float>() + i * 3 * 16 * 16);
    labels.data_ptr<std::int64_t>()[i] = options.dataset->train.labels[examples[i]];
  }
  FlatViews views(problem->layout());
  views.point_at(x.data());
  BatchNormaliser normaliser;
  const at::Tensor logits = make_cnn(kColour, 10)->logits(views.parameters(), images, normaliser);
  const double expected = at::cross_entropy_loss(logits, labels).item<double>();
  const auto replica = problem->make_replica();
  EXPECT_NEAR(compute(*replica, order, x).loss, expected, 1e-5);

  // Memory formats differ in rounding only.
  ImageProblemOptions contiguous = options;
  contiguous.memory_format = MemoryFormat::contiguous;
  const auto other = cnn(contiguous);
  EXPECT_NEAR(compute(*other->make_replica(), order, x).loss, expected, 1e-5);
}

TEST(TorchProblems, LowPrecisionStaysNearTheGradient) {
  ImageProblemOptions options = image_options();
  for (const auto& make : {cnn, resnet}) {
    options.precision = Precision::float32;
    const auto problem = make(options);
    const std::vector<float> x = initial_point(*problem);
    const Result full = compute(*problem->make_replica(), {}, x);
    options.precision = Precision::bf16;
    const auto low_problem = make(options);
    const Result low = compute(*low_problem->make_replica(), {}, x);
    double product = 0.0;
    const std::vector<double> f(full.gradient.begin(), full.gradient.end()),
        l(low.gradient.begin(), low.gradient.end());
    for (std::size_t i = 0; i < f.size(); ++i) product += f[i] * l[i];
    EXPECT_NE(full.gradient, low.gradient) << "bf16 changed nothing";
    // 8 bits in each of 20 layers, and ReLUs that flip near 0: the direction stays.
    EXPECT_GT(product / (norm(f) * norm(l)), 0.9);
    EXPECT_NEAR(norm(l) / norm(f), 1.0, 0.1);
    EXPECT_NEAR(low.loss, full.loss, 0.05);
  }
}

TEST(TorchProblems, EvaluationSumsOverAllTestExamples) {
  const ImageProblemOptions options = image_options();
  const auto problem = cnn(options);
  EXPECT_EQ(problem->evaluation_parts(), 2u);  // 500 + 120
  EXPECT_FALSE(problem->needs_prepared_evaluation());
  const std::vector<float> x = initial_point(*problem);
  const auto replica = problem->make_replica();
  const std::vector<double> sums = evaluate(*problem, *replica, x);

  const ImageEncoder encoder(options.dataset->train, Scaling::standard, MemoryFormat::contiguous);
  const at::Tensor images = at::empty({620, 3, 16, 16}), labels = at::empty({620}, at::kLong);
  for (std::size_t i = 0; i < 620; ++i) {
    encoder.encode(options.dataset->test.image(i), {}, images.data_ptr<float>() + i * 3 * 16 * 16);
    labels.data_ptr<std::int64_t>()[i] = options.dataset->test.labels[i];
  }
  FlatViews views(problem->layout());
  views.point_at(x.data());
  BatchNormaliser normaliser;
  const at::NoGradGuard no_gradients;
  const at::Tensor logits = make_cnn(kColour, 10)->logits(views.parameters(), images, normaliser);
  EXPECT_NEAR(sums[0], 620 * at::cross_entropy_loss(logits, labels).item<double>(), 1e-2);
  EXPECT_EQ(sums[1], (logits.argmax(1) == labels).sum().item<double>());
  const std::vector<Metric> metrics = problem->metrics(sums);
  EXPECT_EQ(metrics[0].name, "loss");
  EXPECT_EQ(metrics[0].value, sums[0] / 620);
  EXPECT_EQ(metrics[1].name, "accuracy");
  EXPECT_EQ(metrics[1].value, sums[1] / 620);
}

// Note [Batch norm among many workers].

TEST(TorchBatchNorm, EstimatorGivesMomentsOfAllActivations) {
  const at::Tensor x = at::arange(2 * 3 * 2 * 2 * 5, at::kFloat).view({10, 3, 2, 2}).sin();
  const at::Tensor one = at::ones({3}), zero = at::zeros({3});
  StatisticsEstimator estimator(1);
  for (const at::Tensor& batch : x.split(5)) estimator.apply(0, batch, one, zero);
  const ChannelStatistics statistics = estimator.statistics();
  const at::Tensor values = x.to(at::kDouble);
  EXPECT_LT((statistics.mean[0] - values.mean(at::IntArrayRef({0, 2, 3}))).abs().max().item<double>(), 1e-7);
  EXPECT_LT((statistics.variance[0] - values.var(at::IntArrayRef({0, 2, 3}), false)).abs().max().item<double>(), 1e-7);
  FixedNormaliser fixed(statistics);
  BatchNormaliser batch;
  EXPECT_LT((fixed.apply(0, x, one, zero) - batch.apply(0, x, one, zero)).abs().max().item<double>(), 1e-5);
}

TEST(TorchBatchNorm, ExtraTensorsAreTheStatisticsOfTheFirstLayer) {
  // Direct computation for the layer that does not depend on others: the stem's outputs over the sample.
  const ImageProblemOptions options = image_options();
  const auto problem = resnet(options);
  EXPECT_TRUE(problem->needs_prepared_evaluation());
  const std::vector<float> x = initial_point(*problem);
  const auto replica = problem->make_replica();
  const std::vector<ExtraTensor> extra = replica->extra_tensors(x);
  ASSERT_EQ(extra.size(), 40u);  // 20 layers
  EXPECT_EQ(extra[0].name, "bn1.running_mean");
  EXPECT_EQ(extra[1].name, "bn1.running_var");
  EXPECT_EQ(extra[0].shape, std::vector<std::int64_t>{64});

  Stream stream(kSeed, Purpose::evaluation);
  const ImageEncoder encoder(options.dataset->train, Scaling::standard, MemoryFormat::contiguous);
  const at::Tensor images = at::empty({24, 3, 16, 16});
  for (std::size_t i = 0; i < 24; ++i)
    encoder.encode(options.dataset->train.image(stream.below(300)), {}, images.data_ptr<float>() + i * 3 * 16 * 16);
  FlatViews views(problem->layout());
  views.point_at(x.data());
  const at::NoGradGuard no_gradients;
  const at::Tensor stem = at::conv2d(images.to(at::kDouble), views.parameters()[0].to(at::kDouble), {}, 1, 1);
  const at::Tensor mean = stem.mean(at::IntArrayRef({0, 2, 3}));
  const at::Tensor variance = stem.var(at::IntArrayRef({0, 2, 3}), /*unbiased=*/false);
  for (std::int64_t channel = 0; channel < 64; ++channel) {
    EXPECT_NEAR(extra[0].values[static_cast<std::size_t>(channel)], mean[channel].item<double>(), 1e-5);
    EXPECT_NEAR(extra[1].values[static_cast<std::size_t>(channel)], variance[channel].item<double>(), 1e-5);
  }
}

TEST(TorchBatchNorm, StatisticsPoolAllWorkersAndBelongToNobody) {
  // With one batch as the sample, evaluating that very batch with fixed statistics is evaluating it in training mode.
  ImageProblemOptions options = image_options();
  options.batch = 12;
  options.batch_norm_examples = 12;
  const auto shared = resnet(options);
  std::vector<std::vector<std::uint32_t>> parts(4);
  for (std::uint32_t i = 0; i < 300; ++i) parts[i / 75].push_back(i);  // in order, so that the pools are equal
  options.partition = data::Partition::split(parts);
  const auto split = resnet(options);
  EXPECT_EQ(split->examples(3), 75.0);
  EXPECT_EQ(shared->examples(3), 300.0);
  const std::vector<float> x = initial_point(*shared);
  const auto a = shared->make_replica(), b = split->make_replica();
  compute(*b, {.worker = 3}, x);
  const auto statistics = a->prepare_evaluation(x);
  const auto* left = static_cast<const ChannelStatistics*>(statistics.get());
  const auto kept = b->prepare_evaluation(x);
  const auto* right = static_cast<const ChannelStatistics*>(kept.get());
  ASSERT_EQ(left->mean.size(), 20u);
  for (std::size_t layer = 0; layer < 20; ++layer) {
    EXPECT_TRUE(at::equal(left->mean[layer], right->mean[layer]));
    EXPECT_TRUE(at::equal(left->variance[layer], right->variance[layer]));
  }
}

TEST(TorchText, MasksDropAndScale) {
  Stream stream(2, Purpose::dropout);
  const Tensors masks = draw_masks(stream, 0.2, 2, {20, 10, 50});
  ASSERT_EQ(masks.size(), 2u);
  for (const at::Tensor& mask : masks) {
    EXPECT_EQ(mask.sizes().vec(), (std::vector<std::int64_t>{20, 10, 50}));
    const double dropped = (mask == 0).sum().item<double>(), kept = (mask == 1.25).sum().item<double>();
    EXPECT_EQ(dropped + kept, 10'000);
    EXPECT_NEAR(dropped, 2000, 5 * 40);  // sqrt(10000 * 0.2 * 0.8) = 40
  }
  EXPECT_FALSE(at::equal(masks[0], masks[1]));
  EXPECT_TRUE(draw_masks(stream, 0.0, 2, {1}).empty());
}

TEST(TorchText, DropoutChangesWithTheOrderAlone) {
  TextProblemOptions options = text_options();
  options.shards.shards = 1;
  const auto with = lstm(options);
  options.dropout = 0.0;
  const auto without = lstm(options);
  const std::vector<float> x = initial_point(*with);
  EXPECT_EQ(x, initial_point(*without));
  EXPECT_NE(compute(*with->make_replica(), {}, x).loss, compute(*without->make_replica(), {}, x).loss);
  const auto a = with->make_replica(), b = without->make_replica();
  EXPECT_EQ(evaluate(*with, *a, x), evaluate(*without, *b, x));  // an evaluation drops nothing
}

TEST(TorchText, EvaluationCoversTheTestText) {
  const auto problem = lstm(text_options());
  EXPECT_EQ(problem->evaluation_parts(), 1u);
  EXPECT_EQ(count_windows(400, 9), 44u);
  EXPECT_EQ(count_windows(10, 9), 1u);
  EXPECT_EQ(count_windows(9, 9), 0u);
  EXPECT_EQ(count_windows(0, 9), 0u);
  const std::vector<Metric> metrics = problem->metrics(std::vector<double>{44 * 9 * std::log(5.0)});
  EXPECT_EQ(metrics[1].name, "perplexity");
  EXPECT_NEAR(metrics[0].value, std::log(5.0), 1e-12);
  EXPECT_NEAR(metrics[1].value, 5.0, 1e-12);
  // A uniform prediction: all parameters 0.
  const std::vector<float> zero(problem->layout().dimension(), 0.0f);
  const auto replica = problem->make_replica();
  EXPECT_NEAR(replica->evaluate(zero, 0, nullptr)[0], 44 * 9 * std::log(11.0), 1e-3);
}

TEST(TorchText, WorkersDrawFromTheirShards) {
  // Worker 1's shard of this text has one character only, so all its windows are alike.
  auto corpus = std::make_shared<data::TextCorpus>(*random_corpus(2000, 100));
  std::fill(corpus->train.begin() + 500, corpus->train.begin() + 1000, std::uint8_t{3});
  TextProblemOptions options = text_options();
  options.corpus = corpus;
  options.dropout = 0.0;
  const auto problem = lstm(options);
  const std::vector<float> x = initial_point(*problem);
  const auto replica = problem->make_replica();
  const double constant = compute(*replica, {.worker = 1, .index = 0}, x).loss;
  EXPECT_EQ(compute(*replica, {.worker = 1, .index = 1}, x).loss, constant);
  EXPECT_NE(compute(*replica, {.worker = 0, .index = 0}, x).loss, compute(*replica, {.worker = 0, .index = 1}, x).loss);
  EXPECT_EQ(problem->examples(1), 500.0);
}

// In batches of the last of which one example is left: the losses of an epoch, each weighed by its batch, add up to the
// worker's score, whatever was computed before.
TEST(TorchProblems, AnEpochIsOnePassOverTheWorkersExamples) {
  ImageProblemOptions images = image_options();
  images.batch = 4;
  std::vector<std::vector<std::uint32_t>> parts(4);
  for (std::uint32_t k = 0; k < 36; ++k) parts[k % 4].push_back(k);
  images.partition = data::Partition::split(std::move(parts));
  TextProblemOptions text = text_options();
  text.dropout = 0.0;
  text.batch = 6;  // 55 windows
  std::tuple<std::unique_ptr<Problem>, std::uint32_t, std::uint32_t> cases[] = {{cnn(images), 9, 4},
                                                                                {lstm(text), 55, 6}};
  for (const auto& [problem, examples, batch] : cases) {
    const std::uint32_t steps = (examples + batch - 1) / batch;
    EXPECT_EQ(problem->steps_per_epoch(1), steps);
    EXPECT_TRUE(problem->has_own_losses());
    const std::vector<float> x = initial_point(*problem);
    const auto replica = problem->make_replica();
    double mean = 0.0;
    for (std::uint32_t step = 0; step < steps; ++step) {
      const Order order{.worker = 1, .index = 3 + step, .work = {.steps = steps, .epochs = 1}, .step = step};
      mean += compute(*replica, order, x).loss * std::min(batch, examples - step * batch) / examples;
    }
    EXPECT_NEAR(replica->score(x, 1, nullptr).loss, mean, 1e-5);
  }
  EXPECT_EQ(cnn(images)->class_counts(1).size(), 10u);
}

TEST(Precision, KnowsProcessorsThatMultiplyBf16) {
  EXPECT_EQ(multiplies_bf16("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 amx_tile\nbugs\t: \n"), true);
  EXPECT_EQ(multiplies_bf16("processor\t: 0\nflags\t\t: fpu amx_bf16"), true);
  EXPECT_EQ(multiplies_bf16("processor\t: 0\nFeatures\t: fp asimd bf16\n"), true);
  EXPECT_EQ(multiplies_bf16("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16x\nother : avx512_bf16\n"), false);
  EXPECT_EQ(multiplies_bf16(""), std::nullopt);
  EXPECT_TRUE(warnings_of(Precision::float32).empty());
}

}  // namespace
}  // namespace tardigrad::problems::torch
