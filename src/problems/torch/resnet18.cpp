// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "problems/torch/image_model.hpp"
#include "problems/torch/layers.hpp"

namespace tardigrad::problems::torch {
namespace {

/// The tensors and the batch norms of a model, numbered as they are added.
struct Builder {
  ParameterTable table;
  std::vector<std::string> batch_norms;

  Convolution convolution(const std::string& name, const Convolution::Options& options) {
    return {table, name, options};
  }
  BatchNorm batch_norm(const std::string& name, std::int64_t channels) {
    batch_norms.push_back(name);
    return {table, name, channels, batch_norms.size() - 1};
  }
};

/// relu(norm(conv(relu(norm(conv(x))))) + shortcut(x)); the shortcut is x itself where shapes allow.
class BasicBlock {
 public:
  struct Options {
    std::int64_t in, out, stride;
  };
  BasicBlock(Builder& build, const std::string& name, const Options& o)
      : conv1_(build.convolution(name + ".conv1",
                                 {.in = o.in, .out = o.out, .kernel = 3, .stride = o.stride, .padding = 1})),
        norm1_(build.batch_norm(name + ".bn1", o.out)),
        conv2_(build.convolution(name + ".conv2", {.in = o.out, .out = o.out, .kernel = 3, .padding = 1})),
        norm2_(build.batch_norm(name + ".bn2", o.out)) {
    if (o.stride == 1 && o.in == o.out) return;
    shortcut_conv_ =
        build.convolution(name + ".downsample.0", {.in = o.in, .out = o.out, .kernel = 1, .stride = o.stride});
    shortcut_norm_ = build.batch_norm(name + ".downsample.1", o.out);
  }

  at::Tensor operator()(const Tensors& p, const at::Tensor& x, Normaliser& normaliser) const {
    at::Tensor h = norm1_(p, conv1_(p, x), normaliser).relu_();
    h = norm2_(p, conv2_(p, h), normaliser);
    h += shortcut_conv_ ? (*shortcut_norm_)(p, (*shortcut_conv_)(p, x), normaliser) : x;
    return h.relu_();
  }

 private:
  Convolution conv1_;
  BatchNorm norm1_;
  Convolution conv2_;
  BatchNorm norm2_;
  std::optional<Convolution> shortcut_conv_;
  std::optional<BatchNorm> shortcut_norm_;
};

class ResNet18 final : public ImageModel {
 public:
  ResNet18(const ImageShape& shape, std::int64_t classes)
      : stem_(build_.convolution("conv1", {.in = shape.channels, .out = 64, .kernel = 3, .padding = 1})),
        stem_norm_(build_.batch_norm("bn1", 64)),
        blocks_(make_blocks()),
        classifier_(build_.table, "fc", {.in = kFeatures, .out = classes}) {}

  const ParameterTable& parameters() const override { return build_.table; }
  const std::vector<std::string>& batch_norms() const override { return build_.batch_norms; }

  at::Tensor logits(const Tensors& p, const at::Tensor& images, Normaliser& normaliser) const override {
    at::Tensor h = stem_norm_(p, stem_(p, images), normaliser).relu_();
    for (const BasicBlock& block : blocks_) h = block(p, h, normaliser);
    return classifier_(p, h.mean(at::IntArrayRef({2, 3})));
  }

 private:
  static constexpr std::int64_t kFeatures = 512;

  std::vector<BasicBlock> make_blocks() {
    std::vector<BasicBlock> blocks;
    std::int64_t in = 64;
    for (const int stage : {1, 2, 3, 4}) {
      const std::int64_t out = std::int64_t{32} << stage;
      for (const int block : {0, 1}) {
        const std::string name = "layer" + std::to_string(stage) + "." + std::to_string(block);
        const std::int64_t stride = stage > 1 && block == 0 ? 2 : 1;
        blocks.emplace_back(build_, name, BasicBlock::Options{.in = in, .out = out, .stride = stride});
        in = out;
      }
    }
    return blocks;
  }

  Builder build_;  // first: the others add themselves to it, in the order of the tensors
  Convolution stem_;
  BatchNorm stem_norm_;
  std::vector<BasicBlock> blocks_;
  Linear classifier_;
};

}  // namespace

std::unique_ptr<const ImageModel> make_resnet18(const ImageShape& shape, std::int64_t classes) {
  return std::make_unique<ResNet18>(shape, classes);
}

}  // namespace tardigrad::problems::torch
