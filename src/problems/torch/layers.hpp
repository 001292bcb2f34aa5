// SPDX-License-Identifier: Apache-2.0
// Layers are descriptions: they know the numbers of their tensors, and compute on tensors that are handed to them. So
// one immutable model serves all replicas, in float32 or float64.
#pragma once

#include <cstdint>
#include <string>

#include "problems/torch/batch_norm.hpp"
#include "problems/torch/flat_views.hpp"
#include "problems/torch/parameter_table.hpp"

namespace tardigrad::problems::torch {

/// y = W * x + b (cross-correlation), square kernels.
/// Shapes  x: [n, in, h, w] -> [n, out, h', w'];  W: [out, in, kernel, kernel]; b: [out], if any
class Convolution {
 public:
  enum class Bias : std::uint8_t { none, per_channel };
  struct Options {
    std::int64_t in, out, kernel;
    std::int64_t stride = 1, padding = 0;
    Bias bias = Bias::none;
  };
  Convolution(ParameterTable& table, const std::string& name, const Options& options);
  at::Tensor operator()(const Tensors& p, const at::Tensor& x) const;

 private:
  std::size_t weight_, bias_ = 0;
  bool has_bias_;
  std::int64_t stride_, padding_;
};

/// y = x W^T + b.  Shapes  x: [n, in] -> [n, out];  W: [out, in]; b: [out]
class Linear {
 public:
  struct Options {
    std::int64_t in, out;
  };
  Linear(ParameterTable& table, const std::string& name, const Options& options);
  at::Tensor operator()(const Tensors& p, const at::Tensor& x) const;

 private:
  std::size_t weight_, bias_;
};

/// Batch norm number `layer` of its model; what it normalises with, the pass's Normaliser decides.
class BatchNorm {
 public:
  BatchNorm(ParameterTable& table, const std::string& name, std::int64_t channels, std::size_t layer);
  at::Tensor operator()(const Tensors& p, const at::Tensor& x, Normaliser& normaliser) const;

 private:
  std::size_t weight_, bias_, layer_;
};

}  // namespace tardigrad::problems::torch
