// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/layers.hpp"

namespace tardigrad::problems::torch {

Convolution::Convolution(ParameterTable& table, const std::string& name, const Options& o)
    : weight_(
          table.add(name + ".weight", {o.out, o.in, o.kernel, o.kernel}, Initial::uniform(o.in * o.kernel * o.kernel))),
      has_bias_(o.bias == Bias::per_channel),
      stride_(o.stride),
      padding_(o.padding) {
  if (has_bias_) bias_ = table.add(name + ".bias", {o.out}, Initial::uniform(o.in * o.kernel * o.kernel));
}

at::Tensor Convolution::operator()(const Tensors& p, const at::Tensor& x) const {
  const at::Tensor bias = has_bias_ ? p[bias_] : at::Tensor();
  return at::conv2d(x, p[weight_], bias, at::IntArrayRef({stride_, stride_}), at::IntArrayRef({padding_, padding_}));
}

Linear::Linear(ParameterTable& table, const std::string& name, const Options& o)
    : weight_(table.add(name + ".weight", {o.out, o.in}, Initial::uniform(o.in))),
      bias_(table.add(name + ".bias", {o.out}, Initial::uniform(o.in))) {}

at::Tensor Linear::operator()(const Tensors& p, const at::Tensor& x) const {
  return at::linear(x, p[weight_], p[bias_]);
}

BatchNorm::BatchNorm(ParameterTable& table, const std::string& name, std::int64_t channels, std::size_t layer)
    : weight_(table.add(name + ".weight", {channels}, Initial::constant(1.0))),
      bias_(table.add(name + ".bias", {channels}, Initial::constant(0.0))),
      layer_(layer) {}

at::Tensor BatchNorm::operator()(const Tensors& p, const at::Tensor& x, Normaliser& normaliser) const {
  return normaliser.apply(layer_, x, p[weight_], p[bias_]);
}

}  // namespace tardigrad::problems::torch
