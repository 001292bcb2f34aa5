// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "data/images.hpp"
#include "problems/torch/image_model.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::bench {

/// Two thousand images of uniform bytes: the cost of a gradient does not depend on what is in the images.
inline std::shared_ptr<const data::ImageDataset> random_images(const problems::torch::ImageShape& shape) {
  constexpr std::size_t kImages = 2000;
  auto dataset = std::make_shared<data::ImageDataset>();
  dataset->name = "random";
  Stream stream(1, Purpose::dataset);
  dataset->train.channels = static_cast<std::size_t>(shape.channels);
  dataset->train.height = static_cast<std::size_t>(shape.height);
  dataset->train.width = static_cast<std::size_t>(shape.width);
  for (std::size_t i = 0; i < kImages; ++i)
    dataset->train.labels.push_back(static_cast<std::uint8_t>(stream.below(10)));
  dataset->train.pixels.resize(kImages * dataset->train.image_bytes());
  for (std::uint8_t& byte : dataset->train.pixels) byte = static_cast<std::uint8_t>(stream.bits32());
  dataset->test = dataset->train;
  return dataset;
}

}  // namespace tardigrad::bench
