// SPDX-License-Identifier: Apache-2.0
// The models against LibTorch's own modules (the same bits) and against central differences in float64.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>

#include "problems/torch/one_thread.hpp"
#include "torch_fixtures.hpp"

namespace tardigrad::problems::torch {
namespace {

namespace nn = ::torch::nn;

struct CnnModule : nn::Module {
  explicit CnnModule(const ImageShape& shape) {
    const auto extent = [](std::int64_t n) { return ((n - 4) / 2 - 4) / 2; };
    conv1 = register_module("conv1", nn::Conv2d(nn::Conv2dOptions(shape.channels, 32, 5)));
    conv2 = register_module("conv2", nn::Conv2d(nn::Conv2dOptions(32, 64, 5)));
    fc1 = register_module("fc1", nn::Linear(64 * extent(shape.height) * extent(shape.width), 512));
    fc2 = register_module("fc2", nn::Linear(512, 10));
  }
  at::Tensor forward(at::Tensor x) {
    x = at::max_pool2d(at::relu(conv1(x)), 2);
    x = at::max_pool2d(at::relu(conv2(x)), 2);
    return fc2(at::relu(fc1(x.flatten(1))));
  }
  nn::Conv2d conv1{nullptr}, conv2{nullptr};
  nn::Linear fc1{nullptr}, fc2{nullptr};
};

nn::Conv2d conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

struct BlockModule : nn::Module {
  BlockModule(std::int64_t in, std::int64_t out, std::int64_t stride) {
    conv1 = register_module("conv1", conv(in, out, 3, stride));
    bn1 = register_module("bn1", nn::BatchNorm2d(out));
    conv2 = register_module("conv2", conv(out, out, 3, 1));
    bn2 = register_module("bn2", nn::BatchNorm2d(out));
    if (stride != 1 || in != out)
      downsample = register_module("downsample", nn::Sequential(conv(in, out, 1, stride), nn::BatchNorm2d(out)));
  }
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = bn2(conv2(at::relu(bn1(conv1(x)))));
    return at::relu(y + (downsample.is_empty() ? x : downsample->forward(x)));
  }
  nn::Conv2d conv1{nullptr}, conv2{nullptr};
  nn::BatchNorm2d bn1{nullptr}, bn2{nullptr};
  nn::Sequential downsample{nullptr};
};

struct ResNetModule : nn::Module {
  explicit ResNetModule(const ImageShape& shape) {
    conv1 = register_module("conv1", conv(shape.channels, 64, 3, 1));
    bn1 = register_module("bn1", nn::BatchNorm2d(64));
    std::int64_t in = 64;
    for (std::int64_t stage = 0; stage < 4; ++stage) {
      const std::int64_t out = 64 << stage;
      const std::string name = "layer" + std::to_string(stage + 1);
      const nn::Sequential layer(BlockModule(in, out, stage == 0 ? 1 : 2), BlockModule(out, out, 1));
      layers.push_back(register_module(name, layer));
      in = out;
    }
    fc = register_module("fc", nn::Linear(512, 10));
  }
  at::Tensor forward(at::Tensor x) {
    x = at::relu(bn1(conv1(x)));
    for (nn::Sequential& layer : layers) x = layer->forward(x);
    return fc(x.mean({2, 3}));
  }
  nn::Conv2d conv1{nullptr};
  nn::BatchNorm2d bn1{nullptr};
  std::vector<nn::Sequential> layers;
  nn::Linear fc{nullptr};
};

struct LstmModule : nn::Module {
  explicit LstmModule(const CharLstm::Options& o) {
    embedding = register_module("embedding", nn::Embedding(o.vocabulary, o.embedding));
    lstm = register_module("lstm", nn::LSTM(nn::LSTMOptions(o.embedding, o.hidden).num_layers(o.layers)));
    decoder = register_module("decoder", nn::Linear(o.hidden, o.vocabulary));
  }
  at::Tensor forward(const at::Tensor& characters) {
    return decoder(std::get<0>(lstm(embedding(characters)))).flatten(0, 1);
  }
  nn::Embedding embedding{nullptr};
  nn::LSTM lstm{nullptr};
  nn::Linear decoder{nullptr};
};

using Loss = std::function<at::Tensor(const Tensors& p)>;

constexpr ImageShape kCifarShape{.channels = 3, .height = 32, .width = 32};
constexpr ImageShape kGlyphShape{.channels = 1, .height = 28, .width = 28};
constexpr CharLstm::Options kLstm{.vocabulary = 11, .embedding = 6, .hidden = 16, .layers = 2};

at::Tensor random_labels(std::int64_t count, std::int64_t classes) {
  Stream stream(5, Purpose::test);
  at::Tensor labels = at::empty({count}, at::kLong);
  for (std::int64_t i = 0; i < count; ++i)
    labels[i] = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(classes)));
  return labels;
}

at::Tensor random_pixels(const ImageShape& shape, std::int64_t count) {
  Stream stream(6, Purpose::test);
  at::Tensor images = at::empty({count, shape.channels, shape.height, shape.width}, at::kFloat);
  for (std::int64_t i = 0; i < images.numel(); ++i) images.data_ptr<float>()[i] = static_cast<float>(stream.normal());
  return images.contiguous(at::MemoryFormat::ChannelsLast);
}

Loss image_loss(const ImageModel& model, const at::Tensor& images, const at::Tensor& labels) {
  return [&model, images, labels](const Tensors& p) {
    BatchNormaliser normaliser;
    return at::cross_entropy_loss(model.logits(p, images.to(p.front().scalar_type()), normaliser), labels);
  };
}

Loss text_loss(const CharLstm& model, const at::Tensor& characters, const at::Tensor& next, const Tensors& masks) {
  return [&model, characters, next, masks](const Tensors& p) {
    Tensors typed;
    for (const at::Tensor& mask : masks) typed.push_back(mask.to(p.front().scalar_type()));
    return at::cross_entropy_loss(model.logits(p, characters, typed).flatten(0, 1), next);
  };
}

template <class Real>
std::vector<Real> initial_point(const ParameterTable& table) {
  std::vector<float> x(table.layout().dimension());
  table.write_initial_point(/*seed=*/4, x);
  return {x.begin(), x.end()};
}

template <class Real>
std::vector<Real> gradient(const Layout& layout, const Loss& loss, const std::vector<Real>& x) {
  std::vector<Real> g(x.size());
  FlatViews views(layout, std::is_same_v<Real, double> ? at::kDouble : at::kFloat);
  views.point_at(x.data(), g.data());
  loss(views.parameters()).backward();
  return g;
}

double value(const Layout& layout, const Loss& loss, const std::vector<double>& x) {
  const at::NoGradGuard no_gradients;
  FlatViews views(layout, at::kDouble);
  views.point_at(x.data());
  return loss(views.parameters()).item<double>();
}

/// The module holds the same tensors in the same order, and after backward the same gradient in every bit.
void expect_same_gradient(nn::Module& module, const ParameterTable& table, const Loss& loss,
                          const std::function<at::Tensor()>& module_loss) {
  const std::vector<float> x = initial_point<float>(table);
  const auto named = module.named_parameters();
  ASSERT_EQ(named.size(), table.layout().tensors().size());
  for (std::size_t k = 0; k < named.size(); ++k) {
    const TensorSlot& slot = table.layout().tensors()[k];
    EXPECT_EQ(named[k].key(), slot.name);
    EXPECT_EQ(named[k].value().sizes().vec(), slot.shape) << slot.name;
    const at::NoGradGuard no_gradients;
    named[k].value().copy_(at::from_blob(const_cast<float*>(x.data()) + slot.offset, slot.shape));
  }
  const std::vector<float> g = gradient(table.layout(), loss, x);
  module_loss().backward();
  for (std::size_t k = 0; k < named.size(); ++k) {
    const TensorSlot& slot = table.layout().tensors()[k];
    const at::Tensor expected = named[k].value().grad().contiguous();
    for (std::size_t i = 0; i < slot.size; ++i)
      ASSERT_EQ(g[slot.offset + i], expected.data_ptr<float>()[i]) << slot.name << "[" << i << "]";
  }
}

TEST(TorchModels, CountsOfParameters) {
  EXPECT_EQ(make_cnn(kCifarShape, 10)->parameters().layout().dimension(), 878'538u);
  EXPECT_EQ(make_resnet18(kCifarShape, 10)->parameters().layout().dimension(), 11'173'962u);
  // 11*6 + (4*16*(6+16) + 8*16) + (4*16*(16+16) + 8*16) + 16*11 + 11
  EXPECT_EQ(CharLstm(kLstm).parameters().layout().dimension(), 3'965u);
}

TEST(TorchModels, CnnHasTheGradientOfTheModule) {
  compute_on_one_thread();
  for (const ImageShape& shape : {kCifarShape, kGlyphShape}) {
    const auto model = make_cnn(shape, 10);
    CnnModule module(shape);
    const at::Tensor images = random_pixels(shape, 8), labels = random_labels(8, 10);
    expect_same_gradient(module, model->parameters(), image_loss(*model, images, labels),
                         [&] { return at::cross_entropy_loss(module.forward(images), labels); });
  }
}

TEST(TorchModels, ResNetHasTheGradientOfTheModule) {
  compute_on_one_thread();
  const auto model = make_resnet18(kCifarShape, 10);
  ResNetModule module(kCifarShape);
  const at::Tensor images = random_pixels(kCifarShape, 4), labels = random_labels(4, 10);
  expect_same_gradient(module, model->parameters(), image_loss(*model, images, labels),
                       [&] { return at::cross_entropy_loss(module.forward(images), labels); });
}

TEST(TorchModels, LstmHasTheGradientOfTheModule) {
  compute_on_one_thread();
  const CharLstm model(kLstm);
  LstmModule module(kLstm);
  const at::Tensor characters = random_labels(7 * 5, kLstm.vocabulary).view({7, 5});
  const at::Tensor next = random_labels(7 * 5, kLstm.vocabulary);
  expect_same_gradient(module, model.parameters(), text_loss(model, characters, next, {}),
                       [&] { return at::cross_entropy_loss(module.forward(characters), next); });
}

/// Central differences (f(x + hd) - f(x - hd)) / 2h in float64 along random unit directions d, against <g, d>.
/// Their error is O(h^2) plus rounding 2^-52 |f| / h, about 1e-9 of ||g|| here; a kink of a ReLU or a maximum between
/// the two points adds O(h). A float32 gradient of a sum over n terms in L layers is good to about L sqrt(n) 2^-24.
void expect_derivative(const ParameterTable& table, const Loss& loss, double layers, double terms) {
  compute_on_one_thread();
  constexpr double kStep = 1e-6, kExact = 1e-5;
  const std::vector<double> x = initial_point<double>(table), g = gradient(table.layout(), loss, x);
  const std::vector<float> single = gradient(table.layout(), loss, initial_point<float>(table));
  std::vector<double> error(g.size());
  for (std::size_t i = 0; i < g.size(); ++i) error[i] = static_cast<double>(single[i]) - g[i];
  const double tolerance = layers * std::sqrt(terms) * 0x1p-24;
  EXPECT_LE(norm(error), tolerance * norm(g));
  for (std::uint64_t trial = 0; trial < 3; ++trial) {
    Stream stream(8, Purpose::test, 0, trial);
    std::vector<double> d(x.size());
    for (double& value : d) value = stream.normal();
    const double length = norm(d);
    std::vector<double> ahead = x, behind = x;
    double exact = 0.0, exact_single = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      d[i] /= length;
      ahead[i] += kStep * d[i];
      behind[i] -= kStep * d[i];
      exact += g[i] * d[i];
      exact_single += static_cast<double>(single[i]) * d[i];
    }
    const double difference = (value(table.layout(), loss, ahead) - value(table.layout(), loss, behind)) / (2 * kStep);
    EXPECT_NEAR(difference, exact, kExact * norm(g));
    EXPECT_NEAR(difference, exact_single, (kExact + tolerance) * norm(g));
  }
  // Single coordinates: the largest of each tensor, so that no tensor goes unchecked.
  std::vector<double> moved = x;
  const auto value_at = [&](std::size_t j, double xj) {
    moved[j] = xj;
    const double result = value(table.layout(), loss, moved);
    moved[j] = x[j];
    return result;
  };
  for (const TensorSlot& slot : table.layout().tensors()) {
    std::size_t j = slot.offset;
    for (std::size_t i = slot.offset; i < slot.offset + slot.size; ++i)
      if (std::abs(g[i]) > std::abs(g[j])) j = i;
    const double difference = (value_at(j, x[j] + kStep) - value_at(j, x[j] - kStep)) / (2 * kStep);
    EXPECT_NEAR(difference, single[j], (kExact + tolerance) * norm(g)) << slot.name;
  }
}

TEST(TorchModels, CnnMatchesCentralDifferences) {
  const auto model = make_cnn(kGlyphShape, 10);
  expect_derivative(model->parameters(), image_loss(*model, random_pixels(kGlyphShape, 4), random_labels(4, 10)), 4,
                    4 * 28 * 28);
}

TEST(TorchModels, ResNetMatchesCentralDifferences) {
  constexpr ImageShape kSmall{.channels = 3, .height = 8, .width = 8};
  const auto model = make_resnet18(kSmall, 10);
  expect_derivative(model->parameters(), image_loss(*model, random_pixels(kSmall, 4), random_labels(4, 10)), 40,
                    512 * 3 * 3);  // the longest sums: over the weights of a channel
}

TEST(TorchModels, LstmMatchesCentralDifferencesWithAndWithoutDropout) {
  const CharLstm model(kLstm);
  const at::Tensor characters = random_labels(7 * 5, kLstm.vocabulary).view({7, 5});
  const at::Tensor next = random_labels(7 * 5, kLstm.vocabulary).roll(1);
  expect_derivative(model.parameters(), text_loss(model, characters, next, {}), 2 * 7, 7 * 5);
  Stream stream(9, Purpose::test);
  const Tensors masks = draw_masks(stream, 0.2, 2, {7, 5, kLstm.hidden});
  ASSERT_EQ(masks.size(), 2u);
  expect_derivative(model.parameters(), text_loss(model, characters, next, masks), 2 * 7, 7 * 5);
}

TEST(TorchModels, InitialPointFollowsTheLawsOfLibTorch) {
  const auto model = make_cnn(kCifarShape, 10);
  const std::vector<double> x = initial_point<double>(model->parameters());
  for (const TensorSlot& slot : model->parameters().layout().tensors()) {
    const bool is_fc2 = slot.name.starts_with("fc2"), is_fc1 = slot.name.starts_with("fc1");
    const double fan_in = is_fc2 ? 512 : is_fc1 ? 1600 : slot.name.starts_with("conv1") ? 75 : 800;
    const double bound = 1.0 / std::sqrt(fan_in), n = static_cast<double>(slot.size);
    double sum = 0, squares = 0;
    for (std::size_t i = slot.offset; i < slot.offset + slot.size; ++i) {
      ASSERT_LE(std::abs(x[i]), bound) << slot.name;
      sum += x[i] / bound;
      squares += x[i] * x[i] / (bound * bound);
    }
    // Five standard deviations of the means of U(-1, 1) and of its square (variances 1/3 and 4/45).
    EXPECT_NEAR(sum / n, 0.0, 5 * std::sqrt(1.0 / 3 / n)) << slot.name;
    EXPECT_NEAR(squares / n, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n)) << slot.name;
  }
}

TEST(TorchModels, InitialPointOfNormsAndEmbeddings) {
  const auto resnet = make_resnet18(kGlyphShape, 10);
  const std::vector<double> x = initial_point<double>(resnet->parameters());
  for (const TensorSlot& slot : resnet->parameters().layout().tensors()) {
    const bool is_norm =
        slot.name.find("bn") != std::string::npos || slot.name.find("downsample.1") != std::string::npos;
    if (!is_norm) continue;
    const double expected = slot.name.ends_with(".weight") ? 1.0 : 0.0;
    for (std::size_t i = slot.offset; i < slot.offset + slot.size; ++i) ASSERT_EQ(x[i], expected) << slot.name;
  }
  const CharLstm lstm({.vocabulary = 65, .embedding = 64, .hidden = 256, .layers = 2});
  const std::vector<double> y = initial_point<double>(lstm.parameters());
  double sum = 0, squares = 0;
  constexpr std::size_t kEmbedding = 65 * 64;
  for (std::size_t i = 0; i < kEmbedding; ++i) {
    sum += y[i];
    squares += y[i] * y[i];
  }
  EXPECT_NEAR(sum / kEmbedding, 0.0, 5 / std::sqrt(kEmbedding));
  EXPECT_NEAR(squares / kEmbedding, 1.0, 5 * std::sqrt(2.0 / kEmbedding));
  for (std::size_t i = kEmbedding; i < y.size(); ++i) ASSERT_LE(std::abs(y[i]), 1.0 / 16);
}

}  // namespace
}  // namespace tardigrad::problems::torch
