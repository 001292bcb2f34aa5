// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/image_model.hpp"
#include "problems/torch/layers.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::problems::torch {
namespace {

constexpr std::int64_t kKernel = 5, kChannels1 = 32, kChannels2 = 64, kHidden = 512;

/// Extent after an unpadded convolution and a max-pool.
std::int64_t after_stage(std::int64_t extent) { return (extent - kKernel + 1) / 2; }

std::int64_t features(const ImageShape& shape) {
  const std::int64_t height = after_stage(after_stage(shape.height)), width = after_stage(after_stage(shape.width));
  TG_CHECK(height > 0 && width > 0, "images of ", shape.height, " x ", shape.width, " are too small");
  return kChannels2 * height * width;
}

class Cnn final : public ImageModel {
 public:
  Cnn(const ImageShape& shape, std::int64_t classes)
      : conv1_(table_, "conv1", {.in = shape.channels, .out = kChannels1, .kernel = kKernel, .bias = kBias}),
        conv2_(table_, "conv2", {.in = kChannels1, .out = kChannels2, .kernel = kKernel, .bias = kBias}),
        fc1_(table_, "fc1", {.in = features(shape), .out = kHidden}),
        fc2_(table_, "fc2", {.in = kHidden, .out = classes}) {}

  const ParameterTable& parameters() const override { return table_; }
  const std::vector<std::string>& batch_norms() const override { return no_names_; }

  at::Tensor logits(const Tensors& p, const at::Tensor& images, Normaliser&) const override {
    // max(relu(.)) = relu(max(.)), values and gradients alike, on a quarter of the elements.
    at::Tensor h = at::max_pool2d(conv1_(p, images), 2).relu_();
    h = at::max_pool2d(conv2_(p, h), 2).relu_();
    return fc2_(p, fc1_(p, h.flatten(1)).relu_());
  }

 private:
  static constexpr Convolution::Bias kBias = Convolution::Bias::per_channel;
  ParameterTable table_;
  Convolution conv1_, conv2_;
  Linear fc1_, fc2_;
  std::vector<std::string> no_names_;
};

}  // namespace

std::unique_ptr<const ImageModel> make_cnn(const ImageShape& shape, std::int64_t classes) {
  return std::make_unique<Cnn>(shape, classes);
}

}  // namespace tardigrad::problems::torch
