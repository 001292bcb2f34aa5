// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tardigrad/method.hpp"
#include "tardigrad/params.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad::methods {

/// The first of those allowed is the default.
inline Geometry read_geometry(Settings& table, Setting<Choice> setting, const Words& allowed) {
  setting.words = allowed;
  const std::string word = read(table, setting, allowed.front());
  return word == "sign"        ? Geometry::sign
         : word == "euclidean" ? Geometry::euclidean
         : word == "spectral"  ? Geometry::spectral
                               : Geometry::identity;
}

/// A matrix, or a convolution: more than one row, and more than one column.
inline bool is_matrix(const TensorSlot& tensor) {
  return tensor.shape.size() >= 2 && tensor.shape[0] > 1 && tensor.size > static_cast<std::size_t>(tensor.shape[0]);
}

/// The numbers of a layout's matrices, and the geometry of each tensor: hidden matrices "spectral" (convolutions as
/// [outputs, rest]), the first and the last matrix as `ends` says, vectors as `vectors` says.
struct Geometries {
  std::vector<std::size_t> matrices;
  std::vector<Geometry> by_tensor;  ///< empty: not measured yet

  void measure(const Layout& layout, Geometry ends, Geometry vectors) {
    for (std::size_t i = 0; i < layout.tensors().size(); ++i) {
      const bool matrix = is_matrix(layout.tensors()[i]);
      by_tensor.push_back(matrix ? Geometry::spectral : vectors);
      if (matrix) matrices.push_back(i);
    }
    if (!matrices.empty()) by_tensor[matrices.front()] = by_tensor[matrices.back()] = ends;
  }
};

}  // namespace tardigrad::methods
