// SPDX-License-Identifier: Apache-2.0
// Note [Batch norm among many workers]. Training normalises with the statistics of the minibatch at hand. Running
// averages are not part of the model's state: they would have to be merged from workers that computed them at different
// versions, and a slow worker's stale averages would leak into everybody's evaluation. Each evaluation estimates them
// again at the evaluated parameters ("precise batch norm": Wu and Johnson, 2021) from one fixed sample of all workers'
// training examples, and so depends on the parameters alone.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <utility>
#include <vector>

#include "problems/torch/cancellation.hpp"

namespace tardigrad::problems::torch {

/// Mean and variance per layer and channel: mean[layer], variance[layer]: [channels] float32.
struct ChannelStatistics {
  std::vector<at::Tensor> mean, variance;
};

/// How one forward pass normalises:  y = (x - mean) / sqrt(variance + 1e-5) * weight + bias,  per channel.
/// Shapes  x: [n, channels, height, width]; weight, bias: [channels]
class Normaliser {
 public:
  virtual ~Normaliser() = default;
  virtual at::Tensor apply(std::size_t layer, const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& bias) = 0;
};

/// With the statistics of the batch itself (training). It looks at every layer that it is applied to.
class BatchNormaliser final : public Normaliser {
 public:
  explicit BatchNormaliser(Look look = [] {}) : look_(std::move(look)) {}
  at::Tensor apply(std::size_t layer, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) override;

 private:
  Look look_;
};

/// With given statistics (evaluation). `statistics` must outlive it.
class FixedNormaliser final : public Normaliser {
 public:
  explicit FixedNormaliser(const ChannelStatistics& statistics) : statistics_(statistics) {}
  at::Tensor apply(std::size_t layer, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) override;

 private:
  const ChannelStatistics& statistics_;
};

/// As BatchNormaliser, and remembers: over batches of one size,
///   mean = avg_b mean_b,   variance = avg_b (variance_b + mean_b^2) - mean^2,
/// the mean and (biased) variance of all activations of the layer, summed up in float64.
class StatisticsEstimator final : public Normaliser {
 public:
  explicit StatisticsEstimator(std::size_t layers) : mean_(layers), square_(layers), batches_(layers, 0) {}
  at::Tensor apply(std::size_t layer, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) override;
  /// Pre  every layer was applied at least once
  ChannelStatistics statistics() const;

 private:
  std::vector<at::Tensor> mean_, square_;  ///< sums over batches, [channels] float64
  std::vector<std::int64_t> batches_;
  BatchNormaliser normaliser_;
};

}  // namespace tardigrad::problems::torch
