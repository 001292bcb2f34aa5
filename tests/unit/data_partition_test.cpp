// SPDX-License-Identifier: Apache-2.0
#include "data/partition.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data_test_support.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::uint8_t> cyclic_labels(std::size_t n, std::size_t classes) {
  std::vector<std::uint8_t> labels(n);
  for (std::size_t i = 0; i < n; ++i) labels[i] = static_cast<std::uint8_t>(i % classes);
  return labels;
}

Settings table(const std::string& kind, double alpha = 0.5, std::int64_t min_size = 10) {
  SettingValue::Table values{{"kind", {kind}}};
  if (kind.starts_with("dirichlet")) values["alpha"] = {alpha};
  if (kind == "dirichlet-classwise") values["min_size"] = {min_size};
  return Settings(std::move(values), "problem.partition", "s.toml");
}

Partition make(Settings settings, std::span<const std::uint8_t> labels, std::size_t classes, std::size_t workers,
               std::uint64_t seed = 1) {
  Partition partition = make_partition(settings, labels, classes, workers, seed);
  settings.finish();  // every key that a kind documents was asked for
  return partition;
}

std::vector<std::uint32_t> all_examples(const Partition& partition, std::size_t workers) {
  std::vector<std::uint32_t> all;
  for (WorkerId w = 0; w < workers; ++w)
    for (std::size_t k = 0; k < partition.size(w); ++k) all.push_back(partition.example(w, k));
  return all;
}

/// Every example belongs to exactly one worker.
bool is_exact_cover(const Partition& partition, std::size_t workers, std::size_t examples) {
  std::vector<std::uint32_t> all = all_examples(partition, workers);
  std::sort(all.begin(), all.end());
  if (all.size() != examples) return false;
  for (std::size_t i = 0; i < examples; ++i)
    if (all[i] != i) return false;
  return true;
}

TEST(Partition, SharedIsTheDefault) {
  Settings empty({}, "problem.partition");
  const Partition partition = make(std::move(empty), cyclic_labels(7, 2), 2, 3);
  EXPECT_TRUE(partition.is_shared());
  for (WorkerId w : {0u, 2u}) {
    EXPECT_EQ(partition.size(w), 7u);
    EXPECT_EQ(partition.example(w, 5), 5u);
  }
}

RC_GTEST_PROP(Partition, IidCoversEverythingInEqualParts, ()) {
  const auto workers = *rc::gen::inRange<std::size_t>(1, 40);
  const auto examples = *rc::gen::inRange<std::size_t>(workers, 400);
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const Partition partition = make(table("iid"), cyclic_labels(examples, 3), 3, workers, seed);
  RC_ASSERT(is_exact_cover(partition, workers, examples));
  for (WorkerId w = 0; w < workers; ++w)
    RC_ASSERT(partition.size(w) == examples / workers || partition.size(w) == examples / workers + 1);
}

RC_GTEST_PROP(Partition, ClassWiseCoversEverythingAndKeepsTheMinimum, ()) {
  const auto workers = *rc::gen::inRange<std::size_t>(1, 12);
  const auto classes = *rc::gen::inRange<std::size_t>(1, 10);
  const auto examples = *rc::gen::inRange<std::size_t>(workers * 30, 1000);
  const double alpha = *rc::gen::element(0.5, 1.0, 100.0);
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const Partition partition =
      make(table("dirichlet-classwise", alpha, 3), cyclic_labels(examples, classes), classes, workers, seed);
  RC_ASSERT(is_exact_cover(partition, workers, examples));
  for (WorkerId w = 0; w < workers; ++w) RC_ASSERT(partition.size(w) >= 3u);
}

RC_GTEST_PROP(Partition, ClientWiseCoversEverythingInEqualParts, ()) {
  const auto workers = *rc::gen::inRange<std::size_t>(1, 40);
  const auto classes = *rc::gen::inRange<std::size_t>(1, 12);
  const auto examples = *rc::gen::inRange<std::size_t>(workers, 400);
  const double alpha = *rc::gen::element(1e-6, 0.01, 0.5, 1e6);
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const Partition partition =
      make(table("dirichlet-clientwise", alpha), cyclic_labels(examples, classes), classes, workers, seed);
  RC_ASSERT(is_exact_cover(partition, workers, examples));
  for (WorkerId w = 0; w < workers; ++w)
    RC_ASSERT(partition.size(w) == examples / workers || partition.size(w) == examples / workers + 1);
}

TEST(Partition, IsAFunctionOfTheSeed) {
  const auto labels = cyclic_labels(600, 10);
  for (const char* kind : {"iid", "dirichlet-classwise", "dirichlet-clientwise"}) {
    SCOPED_TRACE(kind);
    const auto first = all_examples(make(table(kind), labels, 10, 8, 5), 8);
    EXPECT_EQ(all_examples(make(table(kind), labels, 10, 8, 5), 8), first);
    EXPECT_NE(all_examples(make(table(kind), labels, 10, 8, 6), 8), first);
  }
}

// With alpha -> infinity every share is the mean: p_i = 1/n, and so each class is cut evenly.
TEST(Partition, ClassWiseIsEvenForHugeAlpha) {
  const auto labels = cyclic_labels(4000, 10);
  const Partition partition = make(table("dirichlet-classwise", 1e9), labels, 10, 4);
  for (WorkerId w = 0; w < 4; ++w)
    for (const std::size_t count : class_counts(partition, w, labels, 10))
      EXPECT_NEAR(static_cast<double>(count), 100.0, 1.0);
}

// With alpha -> 0 one worker takes all of a class.
TEST(Partition, ClientWiseIsOneClassForTinyAlpha) {
  const auto labels = cyclic_labels(4000, 10);  // 10 workers of 400, 10 classes of 400: each takes one class whole
  const Partition partition = make(table("dirichlet-clientwise", 1e-6), labels, 10, 10);
  for (WorkerId w = 0; w < 10; ++w) {
    const auto counts = class_counts(partition, w, labels, 10);
    EXPECT_EQ(*std::max_element(counts.begin(), counts.end()), 400u) << "worker " << w;
  }
}

// The first worker's class shares are Dir(alpha * prior) before any pool runs dry. For a symmetric prior over C classes
// E sum q_k^2 = (alpha/C + 1) / (alpha + 1), and m draws estimate it without bias by sum n_k (n_k - 1) / (m (m - 1)).
TEST(Partition, ClientWiseHasTheConcentrationOfItsDirichlet) {
  constexpr std::size_t kClasses = 10, kWorkers = 50, kExamples = 50'000, kSeeds = 400;
  constexpr double kAlpha = 0.5;
  const auto labels = cyclic_labels(kExamples, kClasses);  // a worker holds 1,000, a class has 5,000: no pool runs dry
  double sum = 0.0, squares = 0.0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const auto counts = class_counts(make(table("dirichlet-clientwise", kAlpha), labels, kClasses, kWorkers, seed), 0,
                                     labels, kClasses);
    double same = 0.0;
    for (const std::size_t n : counts) same += static_cast<double>(n) * (static_cast<double>(n) - 1.0);
    same /= 1000.0 * 999.0;
    sum += same;
    squares += same * same;
  }
  const double mean = sum / kSeeds, deviation = std::sqrt(squares / kSeeds - mean * mean);
  EXPECT_NEAR(mean, (kAlpha / kClasses + 1) / (kAlpha + 1), 4 * deviation / std::sqrt(kSeeds));  // 4 standard errors
}

// Sizes of the class-wise recipe: zeroing the full workers keeps everybody below N/n plus one class.
TEST(Partition, ClassWiseStopsFeedingFullWorkers) {
  const auto labels = cyclic_labels(10'000, 10);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Partition partition = make(table("dirichlet-classwise", 0.5), labels, 10, 8, seed);
    for (WorkerId w = 0; w < 8; ++w) EXPECT_LT(partition.size(w), 10'000u / 8 + 1000);
  }
}

TEST(Partition, SurvivesUnderflowOfTheGammas) {
  const auto labels = cyclic_labels(1000, 10);
  const Partition partition = make(table("dirichlet-classwise", 1e-6, 1), labels, 10, 3);
  EXPECT_TRUE(is_exact_cover(partition, 3, 1000));
}

TEST(Partition, SaysWhatCannotBe) {
  const auto labels = cyclic_labels(100, 2);
  const auto problem = [&](Settings settings, std::size_t workers) {
    return error_of([&] { make_partition(settings, labels, 2, workers, 1); });
  };
  EXPECT_EQ(problem(table("dirichlet-classwise", 0.5, 10), 11),
            "s.toml: problem.partition.min_size = 10: 11 workers cannot have 10 examples each: there are 100");
  EXPECT_THAT(
      problem(table("dirichlet-classwise", 1e-6, 10), 9),
      HasSubstr(
          "problem.partition.alpha = 1e-06: in 1000 draws there was always a worker with fewer than min_size = 10 "
          "of the 100 examples: take a larger alpha, a smaller min_size or fewer workers"));
  EXPECT_THAT(problem(table("iid"), 101), HasSubstr("100 examples cannot be split among 101 workers"));
  EXPECT_THAT(problem(table("dirichlet-clientwise", 0.0), 2), HasSubstr("must be a number in [1e-06, 1000000000]"));
  EXPECT_THAT(problem(table("dirichlet-classwise", 0.5, 0), 2), HasSubstr("min_size = 0: must be an integer >= 1"));
  EXPECT_THAT(problem(table("dirichlet"), 2), HasSubstr("did you mean `dirichlet-classwise`?"));
}

TEST(Partition, KeysOfAnotherKindAreUnknown) {
  Settings settings({{"kind", {std::string("iid")}}, {"alpha", {0.5}}}, "problem.partition");
  make_partition(settings, cyclic_labels(10, 2), 2, 2, 1);
  EXPECT_THAT(error_of([&] { settings.finish(); }), HasSubstr("unknown key"));
}

TEST(TextShards, CoverTheTextWithoutOverlap) {
  const TextShards shards{.length = 10, .shards = 3};
  EXPECT_EQ(shards.range(0), (std::pair<std::size_t, std::size_t>{0, 3}));
  EXPECT_EQ(shards.range(1), (std::pair<std::size_t, std::size_t>{3, 6}));
  EXPECT_EQ(shards.range(2), (std::pair<std::size_t, std::size_t>{6, 10}));
  const TextShards whole{.length = 10, .shards = 1};
  EXPECT_EQ(whole.range(7), (std::pair<std::size_t, std::size_t>{0, 10}));
}

TEST(Minibatch, DependsOnSeedWorkerAndIndexOnly) {
  const Partition partition = Partition::shared(1000);
  const auto draw = [&](std::uint64_t seed, Order order) {
    std::vector<std::uint32_t> batch(16);
    draw_minibatch(partition, order, seed, batch);
    return batch;
  };
  const auto first = draw(1, {.id = 1, .worker = 2, .index = 3, .version = 4});
  EXPECT_EQ(draw(1, {.id = 9, .worker = 2, .index = 3, .version = 0}), first);
  EXPECT_NE(draw(2, {.id = 1, .worker = 2, .index = 3, .version = 4}), first);
  EXPECT_NE(draw(1, {.id = 1, .worker = 3, .index = 3, .version = 4}), first);
  EXPECT_NE(draw(1, {.id = 1, .worker = 2, .index = 4, .version = 4}), first);
}

TEST(Minibatch, DrawsFromTheWorkersOwnPartWithReplacement) {
  const Partition partition = Partition::split({{5}, {10, 11, 12}});
  std::vector<std::uint32_t> batch(64);
  draw_minibatch(partition, {.worker = 0}, 1, batch);
  EXPECT_THAT(batch, testing::Each(5u));
  draw_minibatch(partition, {.worker = 1}, 1, batch);
  std::sort(batch.begin(), batch.end());
  batch.erase(std::unique(batch.begin(), batch.end()), batch.end());
  EXPECT_THAT(batch, ElementsAre(10, 11, 12));
}

// Worker 1 has 7 examples in batches of 3: steps of 3, 3 and 1, every example once an epoch, in another order each
// time, whatever was dealt before and by whom.
TEST(Minibatches, EpochsDealEveryExampleOnce) {
  const Partition partition = Partition::split({{0, 1}, {10, 11, 12, 13, 14, 15, 16}});
  const LocalWork work{.steps = 6, .epochs = 2};
  EXPECT_EQ(steps_per_epoch(partition.size(1), 3), 3u);
  Minibatches minibatches(partition, 3, 1), others(partition, 3, 1);
  const auto deal = [&](Minibatches& from, std::uint32_t step) {
    const auto batch = from.draw({.worker = 1, .index = 40 + step, .work = work, .step = step});
    return std::vector<std::uint32_t>(batch.begin(), batch.end());
  };
  std::vector<std::vector<std::uint32_t>> epochs(2);
  for (std::uint32_t step = 0; step < 6; ++step) {
    const std::vector<std::uint32_t> batch = deal(minibatches, step);
    EXPECT_EQ(batch.size(), step % 3 == 2 ? 1u : 3u);
    epochs[step / 3].insert(epochs[step / 3].end(), batch.begin(), batch.end());
  }
  for (const auto& epoch : epochs) EXPECT_THAT(epoch, testing::UnorderedElementsAre(10, 11, 12, 13, 14, 15, 16));
  EXPECT_NE(epochs[0], epochs[1]);
  for (const std::uint32_t step : {5u, 0u, 4u}) {
    others.draw({.worker = 0, .index = 40 + step, .work = work, .step = step});
    EXPECT_EQ(deal(others, step), deal(minibatches, step)) << step;
  }
}

// A batch larger than the part holds all of it.
TEST(Minibatches, AnEpochMayBeOneStep) {
  const Partition partition = Partition::split({{4, 5}});
  Minibatches minibatches(partition, 8, 1);
  EXPECT_EQ(steps_per_epoch(2, 8), 1u);
  const auto batch = minibatches.draw({.index = 3, .work = {.steps = 1, .epochs = 1}});
  EXPECT_THAT(std::vector(batch.begin(), batch.end()), testing::UnorderedElementsAre(4, 5));
  EXPECT_EQ(minibatches.draw({.index = 3}).size(), 8u);  // drawn with replacement, as ever
}

TEST(Partition, CountsClasses) {
  const Partition partition = Partition::split({{0, 3}, {1, 2, 4}});
  const std::vector<std::uint8_t> labels = {2, 0, 2, 2, 1};
  EXPECT_THAT(class_counts(partition, 0, labels, 3), ElementsAre(0, 0, 2));
  EXPECT_THAT(class_counts(partition, 1, labels, 3), ElementsAre(1, 1, 1));
}

}  // namespace
}  // namespace tardigrad::data
