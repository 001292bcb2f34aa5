// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "problems/torch/cancellation.hpp"
#include "tardigrad/params.hpp"

namespace tardigrad::problems::torch {

using Tensors = std::vector<at::Tensor>;

/// The tensors of a model as views into two flat vectors, parameters and gradients, that are re-pointed for every
/// order. All views of a vector share one storage, so that re-pointing swaps one address, whatever the number of
/// tensors is, and nothing is flattened or copied on either side: autograd accumulates straight into the flat gradient.
///
/// Pre     the memory outlives every computation on the views; no autograd graph survives from one order to the next
/// Thread  one
class FlatViews {
 public:
  /// `type` is float64 only where a test wants derivatives to full accuracy.
  explicit FlatViews(const Layout& layout, at::ScalarType type = at::kFloat);

  /// Leaves that require gradients, in the order of the layout.
  const Tensors& parameters() const { return parameters_; }
  /// x: [d].  For computations without gradients. Nothing is written to x.
  void point_at(const void* x);
  /// x, g: [d].  g <- 0
  void point_at(const void* x, void* g);
  /// From now on backward passes look each time they have come to a parameter's gradient.
  void look_on_the_way_back(const Look& look);

 private:
  c10::Storage x_, g_;
  Tensors parameters_;
};

}  // namespace tardigrad::problems::torch
