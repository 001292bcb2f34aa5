// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "problems/torch/flat_views.hpp"
#include "problems/torch/layers.hpp"
#include "problems/torch/parameter_table.hpp"

namespace tardigrad::problems::torch {

/// A language model on characters: embedding, stacked LSTM layers, dropout after each layer, linear to the vocabulary.
/// Each sequence starts from the zero state. Tensors are named and ordered as in a module of torch.nn's Embedding
/// ("embedding"), LSTM ("lstm") and Linear ("decoder"). Immutable; any thread.
class CharLstm {
 public:
  struct Options {
    std::int64_t vocabulary, embedding, hidden, layers;
  };
  explicit CharLstm(const Options& options);
  const ParameterTable& parameters() const { return table_; }
  const Options& options() const { return options_; }

  /// Logits of the character after each.
  /// Shapes  p: as the table says; characters: [time, n] int64 -> [time, n, vocabulary];
  ///         masks: one [time, n, hidden] for each layer, the layer's output is multiplied by it; or none at all
  at::Tensor logits(const Tensors& p, const at::Tensor& characters, const Tensors& masks) const;

 private:
  Options options_;
  ParameterTable table_;
  std::size_t embedding_;
  std::vector<std::size_t> layers_;  ///< number of each layer's first tensor; four follow one another
  Linear decoder_;
};

}  // namespace tardigrad::problems::torch
