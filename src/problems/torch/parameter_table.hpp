// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tardigrad/params.hpp"

namespace tardigrad::problems::torch {

/// The law that a tensor of the initial point is drawn from.
struct Initial {
  enum class Law : std::uint8_t { constant, uniform, normal };
  Law law;
  double scale;  ///< constant: the value; uniform: U(-scale, scale); normal: N(0, scale^2)

  static Initial constant(double value) { return {Law::constant, value}; }
  static Initial normal() { return {Law::normal, 1.0}; }
  /// U(-1/sqrt(n), 1/sqrt(n)): what LibTorch calls kaiming-uniform with a = sqrt(5), for n = fan in.
  static Initial uniform(std::int64_t n);
};

/// The tensors of a model, in the order and with the names of the equivalent LibTorch module. The initial point follows
/// LibTorch's default laws, but is drawn from our own streams: it depends on the seed and never on the LibTorch
/// version.
class ParameterTable {
 public:
  /// Returns the tensor's number.
  std::size_t add(std::string name, std::vector<std::int64_t> shape, Initial initial);
  const Layout& layout() const { return layout_; }
  /// x: [d].  Tensor k is drawn from the stream (seed, initial_point, 0, k).
  void write_initial_point(std::uint64_t seed, std::span<float> x) const;

 private:
  Layout layout_;
  std::vector<Initial> initial_;
};

}  // namespace tardigrad::problems::torch
