// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/batch_norm.hpp"

#include <tuple>

#include "tardigrad/error.hpp"

namespace tardigrad::problems::torch {
namespace {

constexpr double kEpsilon = 1e-5;
constexpr double kMomentum = 0.0;  // there are no running averages to update

at::Tensor normalise(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& mean,
                     const at::Tensor& variance) {
  const bool from_batch = !mean.defined();
  return at::batch_norm(x, weight, bias, mean, variance, from_batch, kMomentum, kEpsilon, /*cudnn_enabled=*/false);
}

void add_to(at::Tensor& sum, const at::Tensor& term) { sum = sum.defined() ? sum + term : term; }

}  // namespace

at::Tensor BatchNormaliser::apply(std::size_t, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  look_();
  return normalise(x, weight, bias, {}, {});
}

at::Tensor FixedNormaliser::apply(std::size_t layer, const at::Tensor& x, const at::Tensor& weight,
                                  const at::Tensor& bias) {
  return normalise(x, weight, bias, statistics_.mean.at(layer), statistics_.variance.at(layer));
}

at::Tensor StatisticsEstimator::apply(std::size_t layer, const at::Tensor& x, const at::Tensor& weight,
                                      const at::Tensor& bias) {
  // In float64: the square of a mean is taken off again in the end.
  const auto [variance, mean] = at::var_mean(x.to(at::kDouble), {0, 2, 3}, /*unbiased=*/false);
  add_to(mean_.at(layer), mean);
  add_to(square_.at(layer), variance + mean * mean);
  ++batches_.at(layer);
  return normaliser_.apply(layer, x, weight, bias);
}

ChannelStatistics StatisticsEstimator::statistics() const {
  ChannelStatistics result;
  for (std::size_t layer = 0; layer < mean_.size(); ++layer) {
    TG_CHECK(batches_[layer] > 0, "layer ", layer, " was never applied");
    const at::Tensor mean = mean_[layer] / batches_[layer];
    const at::Tensor variance = (square_[layer] / batches_[layer] - mean * mean).clamp_min(0.0);
    result.mean.push_back(mean.to(at::kFloat));
    result.variance.push_back(variance.to(at::kFloat));
  }
  return result;
}

}  // namespace tardigrad::problems::torch
