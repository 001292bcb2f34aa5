// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "problems/torch/batch_norm.hpp"
#include "problems/torch/flat_views.hpp"
#include "problems/torch/parameter_table.hpp"

namespace tardigrad::problems::torch {

struct ImageShape {
  std::int64_t channels, height, width;
};

/// A classifier of images, as a function of its parameters. Immutable; any thread.
class ImageModel {
 public:
  virtual ~ImageModel() = default;
  virtual const ParameterTable& parameters() const = 0;
  /// Names of the batch-norm layers, by their numbers.
  virtual const std::vector<std::string>& batch_norms() const = 0;
  /// Shapes  p: as the table says; images: [n, channels, height, width] -> [n, classes]
  virtual at::Tensor logits(const Tensors& p, const at::Tensor& images, Normaliser& normaliser) const = 0;
};

/// conv 5x5 c->32, ReLU, max-pool 2, conv 5x5 32->64, ReLU, max-pool 2, linear 512, ReLU, linear classes; no padding.
/// 878,538 parameters on 3x32x32 images of ten classes.  Pre  height, width >= 16
std::unique_ptr<const ImageModel> make_cnn(const ImageShape& shape, std::int64_t classes);

/// ResNet-18 (He et al. 2016) as it is used on small images: stem 3x3 of stride 1, no max-pool, four stages of two
/// basic blocks with 64, 128, 256, 512 channels, global average, linear. 11,173,962 parameters on 3 channels, ten
/// classes. Tensors are named as in torchvision.
std::unique_ptr<const ImageModel> make_resnet18(const ImageShape& shape, std::int64_t classes);

}  // namespace tardigrad::problems::torch
