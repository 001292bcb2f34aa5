// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>

#include "core/matrix.hpp"
#include "methods/policies/update/averaging.hpp"
#include "methods/policies/update/geometry.hpp"

namespace tardigrad::methods {

/// m <- beta m + (1 - beta) u;  x <- x - gamma radius O(m); where form = "constrained"
/// x <- (1 - gamma) x - gamma radius O(m), "clipped" x <- x - gamma min(radius, <m, O(m)>) O(m)
/// with radii of their own (input_radius, output_radius, vector_radius) a group's O is multiplied by its radius over
/// `radius`. O as of muon. Scales: "muon" as there; "scion" those of the paper, after which all norms are as if entries
/// had size 1: spectral sqrt(rows/columns) U V^T, for a convolution of k x k from its channels and over k^2; the first
/// matrix spectral max(1, .) instead, or sign(v); the last one sign(v)/columns; vectors sqrt(d) v/||v||_2.
/// Memory  2 vectors
/// Cost    a second program, after the orthogonalisation
/// Errors  Error where OpenBLAS is not installed
/// Source  Pethick et al. 2025 ("Scion")
class LmoUpdate final : public UpdateRule {
 public:
  LmoUpdate(Settings& table, const UpdateDefaults& defaults) : averaging_(table, defaults, 0.9) {
    matrix::require();
    ends_ = read_geometry(table, kEnds, {"sign", "spectral", "euclidean"});
    vectors_ = read_geometry(table, kVectors, {"euclidean", "sign"});
    scion_scales_ = read(table, kScales, defaults.scales) == "scion";
    radius_ = read(table, kRadius);
    input_radius_ = read(table, kInputRadius, radius_);
    output_radius_ = read(table, kOutputRadius, radius_);
    vector_radius_ = read(table, kVectorRadius, radius_);
    const std::string form = read(table, kForm);
    constrained_ = form == "constrained";
    clipped_ = form == "clipped";
  }
  void append(VectorProgram& program, Model& model, const Gradient* gradient, Direction u, double step) override {
    const Vec average = make_vectors(model);
    averaging_.append(program, model, average, u);
    model.run(program, gradient);
    program.clear();
    measure(model.layout());
    // O does not see the scale of a tensor, the dual norm does.
    if (!scales_.empty()) model.scale_tensors(step_, scales_, average);
    const double dual = model.steepest_ascent(step_, geometries_.by_tensor, scales_.empty() ? average : step_);
    if (!scales_.empty()) model.scale_tensors(step_, scales_, step_);
    const double factor = clipped_ ? std::min(radius_, dual) : radius_;
    if (constrained_) program.scale(vec::kModel, 1.0 - step, vec::kModel);
    program.add(vec::kModel, vec::kModel, -(step * factor), step_);
  }
  const std::vector<double>& scales(const Layout& layout) override {
    measure(layout);
    return scales_;
  }
  void serialize(Archive& archive) override { archive(averaging_.average, step_); }

 private:
  enum class Group : std::uint8_t { hidden, input, output, vector };

  Vec make_vectors(Model& model) {
    if (averaging_.average.kind == Vec::Kind::none) {
      averaging_.average = model.make_vector();
      step_ = model.make_vector();
    }
    return averaging_.average;
  }

  Group group_of(const Layout& layout, std::size_t tensor) const {
    return !is_matrix(layout.tensors()[tensor])     ? Group::vector
           : tensor == geometries_.matrices.back()  ? Group::output
           : tensor == geometries_.matrices.front() ? Group::input
                                                    : Group::hidden;
  }

  double radius_of(Group group) const {
    return group == Group::vector   ? vector_radius_
           : group == Group::output ? output_radius_
           : group == Group::input  ? input_radius_
                                    : radius_;
  }

  void measure(const Layout& layout) {
    if (!geometries_.by_tensor.empty()) return;
    geometries_.measure(layout, ends_, vectors_);
    for (std::size_t i = 0; i < layout.tensors().size(); ++i) {
      const Group group = group_of(layout, i);
      scales_.push_back(scale_of(layout.tensors()[i], geometries_.by_tensor[i], group) * (radius_of(group) / radius_));
    }
    if (std::ranges::all_of(scales_, [](double scale) { return scale == 1.0; })) scales_.clear();
  }

  // What makes of a unit step of O, scaled as Muon's, one of the layer's kind: how large an entry of its output it
  // moves does not depend on its shape.
  double scale_of(const TensorSlot& tensor, Geometry geometry, Group group) const {
    if (!scion_scales_) return 1.0;
    const auto size = static_cast<double>(tensor.size);
    if (group == Group::vector) return geometry == Geometry::euclidean ? std::sqrt(size) : 1.0;
    const auto rows = static_cast<double>(tensor.shape[0]), columns = static_cast<double>(tensor.shape[1]);
    if (geometry == Geometry::sign) return group == Group::output ? rows / size : 1.0;
    if (geometry == Geometry::euclidean) return 1.0;
    const double kernel = size / (rows * columns), ratio = std::sqrt(rows / columns);
    const double scale = group == Group::input ? std::max(1.0, ratio) : ratio;
    return scale / kernel / std::sqrt(std::max(1.0, rows * rows / size));
  }

  Averaging averaging_;
  Geometry ends_ = Geometry::identity, vectors_ = Geometry::identity;
  bool scion_scales_ = false, constrained_ = false, clipped_ = false;
  double radius_ = 1.0, input_radius_ = 1.0, output_radius_ = 1.0, vector_radius_ = 1.0;
  Geometries geometries_;
  std::vector<double> scales_;  // by tensor; empty: all are 1
  Vec step_{};
};

}  // namespace tardigrad::methods
