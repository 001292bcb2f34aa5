// SPDX-License-Identifier: Apache-2.0
#include "data/partition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "data/partition_settings.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::data {
namespace {

using Examples = std::vector<std::uint32_t>;

constexpr std::uint64_t kMostTries = 1000;
/// Index of the streams that shuffle; the draws of weights count their tries from 0 and never get here.
constexpr std::uint64_t kShuffle = std::uint64_t{1} << 40;

/// The logarithms of independent Gamma(shape, 1) variates: divided by their sum they are Dirichlet. In logarithms,
/// because for a small shape the variates themselves underflow to 0, all of them at once.
std::vector<double> log_gammas(Stream& stream, std::span<const double> shapes) {
  std::vector<double> logs;
  for (const double shape : shapes) {
    // One draw a statement: compilers differ in the order in which they evaluate the terms of a sum.
    const double boosted = stream.gamma(shape + 1), u = stream.uniform_positive();
    logs.push_back(shape > 0 ? std::log(boosted) + std::log(u) / shape : -std::numeric_limits<double>::infinity());
  }
  return logs;
}

/// Weights that sum to 1, of those that `allowed` keeps.  Pre  it keeps one whose logarithm is finite
template <class Allowed>
std::vector<double> normalise(const std::vector<double>& logs, const Allowed& allowed) {
  double top = -std::numeric_limits<double>::infinity(), sum = 0.0;
  for (std::size_t i = 0; i < logs.size(); ++i)
    if (allowed(i)) top = std::max(top, logs[i]);
  std::vector<double> weights(logs.size(), 0.0);
  for (std::size_t i = 0; i < logs.size(); ++i)
    if (allowed(i)) sum += weights[i] = std::exp(logs[i] - top);
  for (double& weight : weights) weight /= sum;
  return weights;
}

std::vector<Examples> examples_by_class(std::span<const std::uint8_t> labels, std::size_t classes, std::uint64_t seed) {
  std::vector<Examples> pools(classes);
  for (std::size_t i = 0; i < labels.size(); ++i) pools[labels[i]].push_back(static_cast<std::uint32_t>(i));
  for (std::size_t k = 0; k < classes; ++k) {
    Stream stream(seed, Purpose::partition, static_cast<std::uint32_t>(k), kShuffle);
    shuffle(pools[k], stream);
  }
  return pools;
}

std::vector<Examples> split_evenly(const Examples& examples, std::size_t workers) {
  std::vector<Examples> parts;
  const std::size_t n = examples.size();
  for (std::size_t i = 0; i < workers; ++i)
    parts.emplace_back(examples.begin() + static_cast<std::ptrdiff_t>(i * n / workers),
                       examples.begin() + static_cast<std::ptrdiff_t>((i + 1) * n / workers));
  return parts;
}

Partition make_iid(std::size_t examples, std::size_t workers, std::uint64_t seed) {
  Examples all(examples);
  std::iota(all.begin(), all.end(), 0u);
  Stream stream(seed, Purpose::partition, 0, kShuffle);
  shuffle(all, stream);
  return Partition::split(split_evenly(all, workers));
}

/// cuts[k][i]: where worker i's share of class k ends.
using Cuts = std::vector<std::vector<std::size_t>>;

/// One try of the class-wise recipe; sizes receives how many examples each worker gets.
Cuts draw_cuts(std::span<const Examples> pools, std::size_t examples, double alpha, std::uint64_t seed,
               std::uint64_t attempt, std::vector<std::size_t>& sizes) {
  const std::size_t workers = sizes.size();
  const std::vector<double> shapes(workers, alpha);
  std::fill(sizes.begin(), sizes.end(), std::size_t{0});
  Cuts cuts;
  for (std::size_t k = 0; k < pools.size(); ++k) {
    Stream stream(seed, Purpose::partition, static_cast<std::uint32_t>(k), attempt);
    const std::vector<double> logs = log_gammas(stream, shapes);
    // Before the last class fewer than all examples are dealt, so somebody is below the mean and allowed.
    const bool dealt_out = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}) == examples;
    const auto share = normalise(logs, [&](std::size_t i) { return dealt_out || sizes[i] * workers < examples; });
    std::vector<std::size_t>& ends = cuts.emplace_back(workers);
    double sum = 0.0;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < workers; ++i) {
      sum += share[i];
      const bool last = i + 1 == workers;
      const auto end = last ? pools[k].size() : static_cast<std::size_t>(sum * static_cast<double>(pools[k].size()));
      ends[i] = std::clamp(end, begin, pools[k].size());
      sizes[i] += ends[i] - begin;
      begin = ends[i];
    }
  }
  return cuts;
}

Partition deal(std::span<const Examples> pools, const Cuts& cuts, std::size_t workers) {
  std::vector<Examples> parts(workers);
  for (std::size_t k = 0; k < pools.size(); ++k)
    for (std::size_t i = 0; i < workers; ++i)
      parts[i].insert(parts[i].end(), pools[k].begin() + static_cast<std::ptrdiff_t>(i == 0 ? 0 : cuts[k][i - 1]),
                      pools[k].begin() + static_cast<std::ptrdiff_t>(cuts[k][i]));
  return Partition::split(std::move(parts));
}

Partition make_classwise(Settings& settings, std::span<const std::uint8_t> labels, std::size_t classes,
                         std::size_t workers, std::uint64_t seed) {
  const double alpha = read(settings, kAlpha);
  const auto min_size = static_cast<std::size_t>(read(settings, kMinSize));
  if (min_size > labels.size() / workers)
    settings.fail(kMinSize.key, fmt::format("{} workers cannot have {} examples each: there are {}", workers, min_size,
                                            labels.size()));
  const std::vector<Examples> pools = examples_by_class(labels, classes, seed);
  std::vector<std::size_t> sizes(workers);
  for (std::uint64_t attempt = 0; attempt < kMostTries; ++attempt) {
    const Cuts cuts = draw_cuts(pools, labels.size(), alpha, seed, attempt, sizes);
    if (*std::min_element(sizes.begin(), sizes.end()) >= min_size) return deal(pools, cuts, workers);
  }
  settings.fail(kAlpha.key, fmt::format("in {} draws there was always a worker with fewer than min_size = {} of the {} "
                                        "examples: take a larger alpha, a smaller min_size or fewer workers",
                                        kMostTries, min_size, labels.size()));
}

/// Draws a class from `weights`, which sum to 1 up to rounding.
std::size_t draw_class(Stream& stream, const std::vector<double>& weights) {
  double left = stream.uniform();
  std::size_t last = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (weights[k] == 0.0) continue;
    last = k;
    left -= weights[k];
    if (left < 0.0) break;
  }
  return last;
}

Partition make_clientwise(Settings& settings, std::span<const std::uint8_t> labels, std::size_t classes,
                          std::size_t workers, std::uint64_t seed) {
  const double alpha = read(settings, kAlpha);
  std::vector<Examples> pools = examples_by_class(labels, classes, seed);
  std::vector<double> shapes;  // alpha * prior: the prior is how often a class occurs
  for (const Examples& pool : pools)
    shapes.push_back(alpha * static_cast<double>(pool.size()) / static_cast<double>(labels.size()));
  std::vector<Examples> parts(workers);
  for (std::size_t i = 0; i < workers; ++i) {
    Stream stream(seed, Purpose::partition, static_cast<std::uint32_t>(i));
    const std::vector<double> logs = log_gammas(stream, shapes);
    const auto not_empty = [&pools](std::size_t k) { return !pools[k].empty(); };
    std::vector<double> weights = normalise(logs, not_empty);
    const std::size_t size = (i + 1) * labels.size() / workers - i * labels.size() / workers;
    while (parts[i].size() < size) {
      Examples& pool = pools[draw_class(stream, weights)];
      parts[i].push_back(pool.back());
      pool.pop_back();
      if (pool.empty() && parts[i].size() < size) weights = normalise(logs, not_empty);
    }
  }
  return Partition::split(std::move(parts));
}

}  // namespace

Partition Partition::shared(std::size_t examples) {
  Partition partition;
  partition.examples_ = examples;
  return partition;
}

Partition Partition::split(std::vector<std::vector<std::uint32_t>> parts) {
  TG_CHECK(!parts.empty(), "a split into no parts");
  Partition partition;
  partition.parts_ = std::move(parts);
  for (const Examples& part : partition.parts_) partition.examples_ += part.size();
  return partition;
}

Partition make_partition(Settings& settings, std::span<const std::uint8_t> labels, std::size_t classes,
                         std::size_t workers, std::uint64_t seed) {
  TG_CHECK(workers >= 1 && labels.size() <= std::numeric_limits<std::uint32_t>::max(), workers, " workers, ",
           labels.size(), " examples");
  const std::string kind = read_variant(settings, kPartition);
  if (kind == "shared") return Partition::shared(labels.size());
  if (labels.size() < workers)
    settings.fail(kPartitionKind.key,
                  fmt::format("{} examples cannot be split among {} workers", labels.size(), workers));
  if (kind == "iid") return make_iid(labels.size(), workers, seed);
  if (kind == "dirichlet-classwise") return make_classwise(settings, labels, classes, workers, seed);
  return make_clientwise(settings, labels, classes, workers, seed);
}

void draw_minibatch(const Partition& partition, const Order& order, std::uint64_t seed,
                    std::span<std::uint32_t> examples) {
  const std::size_t size = partition.size(order.worker);
  TG_CHECK(size > 0, "worker ", order.worker, " has no examples");
  Stream stream(seed, Purpose::minibatch, order.worker, order.index);
  for (std::uint32_t& example : examples) example = partition.example(order.worker, stream.below(size));
}

std::span<const std::uint32_t> EpochDeal::batch(const Order& order, std::size_t size, std::size_t batch_size,
                                                std::uint64_t seed) {
  const std::size_t step = order.step % steps_per_epoch(size, batch_size);
  const std::uint64_t first_index = order.index - step;
  if (positions_.size() != size || worker_ != order.worker || first_index_ != first_index || seed_ != seed) {
    positions_.resize(size);
    std::iota(positions_.begin(), positions_.end(), 0u);
    Stream stream(seed, Purpose::minibatch, order.worker, first_index);
    shuffle(positions_, stream);
    worker_ = order.worker;
    first_index_ = first_index;
    seed_ = seed;
  }
  const std::size_t begin = step * batch_size;
  return std::span(positions_).subspan(begin, std::min(batch_size, size - begin));
}

std::span<const std::uint32_t> Minibatches::draw(const Order& order) {
  if (order.work.epochs == 0) {
    examples_.resize(batch_size_);
    draw_minibatch(partition_, order, seed_, examples_);
    return examples_;
  }
  const auto positions = deal_.batch(order, partition_.size(order.worker), batch_size_, seed_);
  examples_.clear();
  for (const std::uint32_t position : positions) examples_.push_back(partition_.example(order.worker, position));
  return examples_;
}

std::vector<std::uint64_t> class_counts(const Partition& partition, WorkerId worker,
                                        std::span<const std::uint8_t> labels, std::size_t classes) {
  std::vector<std::uint64_t> counts(classes);
  for (std::size_t k = 0; k < partition.size(worker); ++k) ++counts[labels[partition.example(worker, k)]];
  return counts;
}

}  // namespace tardigrad::data
