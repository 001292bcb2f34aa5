// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/matrix.hpp"
#include "methods/policies/update/averaging.hpp"
#include "methods/policies/update/geometry.hpp"

namespace tardigrad::methods {

/// m <- beta m + (1 - beta) u;  z = beta m + (1 - beta) u;  x <- x - gamma O(z)
/// O maps each tensor by its geometry (Geometries): "spectral" to about U V^T times sqrt(max(1, rows/columns)), "sign",
/// "euclidean" (v/||v||), "identity".  Memory  2 vectors
/// Cost    a second program, after the orthogonalisation
/// Errors  Error where OpenBLAS is not installed
/// Source  Jordan et al. 2024
class MuonUpdate final : public UpdateRule {
 public:
  MuonUpdate(Settings& table, const UpdateDefaults& defaults) : averaging_(table, defaults, 0.95) {
    matrix::require();
    ends_ = read_geometry(table, kEnds, kEnds.words);
    vectors_ = read_geometry(table, kVectors, kVectors.words);
  }
  void append(VectorProgram& program, Model& model, const Gradient* gradient, Direction u, double step) override {
    if (averaging_.average.kind == Vec::Kind::none) {
      averaging_.average = model.make_vector();
      step_ = model.make_vector();
    }
    averaging_.append(program, model, averaging_.average, u);
    averaging_.append(program, model, step_, u);
    model.run(program, gradient);
    program.clear();
    if (geometries_.by_tensor.empty()) geometries_.measure(model.layout(), ends_, vectors_);
    model.steepest_ascent(step_, geometries_.by_tensor, step_);
    program.add(vec::kModel, vec::kModel, -step, step_);
  }
  void serialize(Archive& archive) override { archive(averaging_.average, step_); }

 private:
  Averaging averaging_;
  Geometry ends_ = Geometry::identity, vectors_ = Geometry::identity;
  Geometries geometries_;
  Vec step_{};
};

}  // namespace tardigrad::methods
