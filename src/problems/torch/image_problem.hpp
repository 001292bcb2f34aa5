// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "data/images.hpp"
#include "data/partition.hpp"
#include "problems/torch/image_encoder.hpp"
#include "problems/torch/image_model.hpp"
#include "problems/torch/precision.hpp"
#include "tardigrad/problem.hpp"

namespace tardigrad::problems::torch {

enum class Augmentation : std::uint8_t { none, crop_flip };

struct ImageProblemOptions {
  std::shared_ptr<const data::ImageDataset> dataset;
  data::Partition partition;
  Objective objective = Objective::workers;
  std::size_t workers = 1;
  std::uint64_t seed = 1;
  std::size_t batch = 64;
  Scaling scaling = Scaling::standard;
  Augmentation augmentation = Augmentation::none;
  Precision precision = Precision::float32;
  MemoryFormat memory_format = MemoryFormat::channels_last;
  std::size_t batch_norm_examples = 1000;  ///< in whole batches of `batch`; see Note [Batch norm among many workers]
  std::size_t evaluation_examples = 0;     ///< the first so many of the test set
};

/// f(x) = mean cross-entropy of the model's class probabilities over a worker's training images.
/// Metrics: loss and accuracy over the test images, in parts of 500. A worker's score is over its training images.
/// Randomness  minibatch: (seed, minibatch, worker, index); crops: (seed, augmentation, worker, index)
std::unique_ptr<Problem> make_image_problem(std::unique_ptr<const ImageModel> model, ImageProblemOptions options);

/// The rows of the catalogue: the same, from a scenario's table.
std::unique_ptr<Problem> make_cnn_problem(Settings& settings, const ProblemContext& context);
std::unique_ptr<Problem> make_resnet18_problem(Settings& settings, const ProblemContext& context);

}  // namespace tardigrad::problems::torch
