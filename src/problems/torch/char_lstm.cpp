// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/char_lstm.hpp"

#include <ATen/core/grad_mode.h>

#include <string>
#include <tuple>

namespace tardigrad::problems::torch {
namespace {

std::size_t add_layer(ParameterTable& table, std::int64_t layer, std::int64_t inputs, std::int64_t hidden) {
  const std::string suffix = "_l" + std::to_string(layer);
  const Initial law = Initial::uniform(hidden);
  const std::size_t first = table.add("lstm.weight_ih" + suffix, {4 * hidden, inputs}, law);
  table.add("lstm.weight_hh" + suffix, {4 * hidden, hidden}, law);
  table.add("lstm.bias_ih" + suffix, {4 * hidden}, law);
  table.add("lstm.bias_hh" + suffix, {4 * hidden}, law);
  return first;
}

std::vector<std::size_t> add_layers(ParameterTable& table, const CharLstm::Options& o) {
  std::vector<std::size_t> layers;
  for (std::int64_t layer = 0; layer < o.layers; ++layer)
    layers.push_back(add_layer(table, layer, layer == 0 ? o.embedding : o.hidden, o.hidden));
  return layers;
}

}  // namespace

CharLstm::CharLstm(const Options& o)
    : options_(o),
      embedding_(table_.add("embedding.weight", {o.vocabulary, o.embedding}, Initial::normal())),
      layers_(add_layers(table_, o)),
      decoder_(table_, "decoder", {.in = o.hidden, .out = o.vocabulary}) {}

at::Tensor CharLstm::logits(const Tensors& p, const at::Tensor& characters, const Tensors& masks) const {
  at::Tensor h = at::embedding(p[embedding_], characters);
  const at::Tensor zero = at::zeros({1, characters.size(1), options_.hidden}, h.options());
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    const std::size_t first = layers_[layer];
    // One layer at a time: LibTorch's own dropout between layers draws from its global generator.
    h = std::get<0>(at::lstm(h, {zero, zero}, {p[first], p[first + 1], p[first + 2], p[first + 3]},
                             /*has_biases=*/true, /*num_layers=*/1, /*dropout=*/0.0, at::GradMode::is_enabled(),
                             /*bidirectional=*/false, /*batch_first=*/false));
    if (!masks.empty()) h = h * masks[layer];
  }
  return decoder_(p, h);
}

}  // namespace tardigrad::problems::torch
