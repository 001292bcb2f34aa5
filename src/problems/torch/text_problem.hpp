// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "data/partition.hpp"
#include "data/text.hpp"
#include "problems/torch/char_lstm.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::problems::torch {

struct TextProblemOptions {
  std::shared_ptr<const data::TextCorpus> corpus;
  data::TextShards shards;
  Objective objective = Objective::workers;
  std::uint64_t seed = 1;
  std::size_t batch = 32;
  std::size_t sequence_length = 64;
  double dropout = 0.2;                 ///< probability that an output of a layer is set to 0; the rest is scaled up
  std::size_t evaluation_examples = 0;  ///< the first so many windows of the test text
};

/// f(x) = mean cross-entropy of the next character, over windows of `sequence_length` that start anywhere in a worker's
/// text; in epochs, over its text cut into windows one after another, of which its score is too. Metrics: loss and
/// perplexity e^loss over the test text, cut into windows one after another. Randomness  window starts: (seed,
/// minibatch, worker, index); masks: (seed, dropout, worker, index)
std::unique_ptr<Problem> make_text_problem(std::unique_ptr<const CharLstm> model, TextProblemOptions options);

/// Windows in a text: the last character of a window must have a successor.
std::size_t count_windows(std::size_t text_length, std::size_t sequence_length);

/// A dropout mask for each of `layers`: 0 with probability `dropout`, else 1 / (1 - dropout).
/// Shapes  [layers] x [time, n, hidden] float32
Tensors draw_masks(Stream& stream, double dropout, std::size_t layers, at::IntArrayRef shape);

/// The row of the catalogue: the same, from a scenario's table.
std::unique_ptr<Problem> make_char_lstm_problem(Settings& settings, const ProblemContext& context);

}  // namespace tardigrad::problems::torch
