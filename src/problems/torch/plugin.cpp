// SPDX-License-Identifier: Apache-2.0
#include "tardigrad/plugin.hpp"

#include <torch/version.h>

#include "problems/torch/image_problem.hpp"
#include "problems/torch/text_problem.hpp"

namespace {

namespace models = tardigrad::problems::torch;

}  // namespace

extern "C" const tardigrad::Plugin* tardigrad_plugin() {
  static const tardigrad::ProblemRow problems[] = {
      {.name = "cnn",
       .summary = "two-layer convolutional network on images (878,538 parameters on CIFAR-10)",
       .make = models::make_cnn_problem},
      {.name = "resnet18",
       .summary =
           "ResNet-18 for small images (11,173,962 parameters on CIFAR-10), batch norm re-estimated per evaluation",
       .make = models::make_resnet18_problem},
      {.name = "char-lstm",
       .summary = "language model on characters: embedding, LSTM layers with dropout, linear",
       .make = models::make_char_lstm_problem},
  };
  static const tardigrad::Plugin plugin{.name = "torch", .problems = problems, .library = "LibTorch " TORCH_VERSION};
  return &plugin;
}
