// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "methods/policies/arrival.hpp"

namespace tardigrad::methods {

/// Clips every tensor of the layout to a ball of its own, so that one wild layer does not shrink all others:
///   g_i <- min(1, c_i/||g_i||) g_i,   c_i = c sqrt(d_i/d) (size) or c/sqrt(tensors) (equal)
/// The squares of the shares add up to c^2: the whole is no longer than c, and what is true for the norm rule's ball is
/// true for this one.
/// Memory  one vector.  Cost  while ||g|| is within the smallest share none; else the norms read g, and where a tensor
/// is
///         clipped it is read again and written
/// Source  McMahan, Ramage, Talwar, Zhang, arXiv 1710.06963 (per-layer clipping, both ways to share)
class ClipBlocks {
 public:
  enum class Shares : std::uint8_t { size, equal };
  ClipBlocks(double radius, Shares shares) : radius_(radius), shares_(shares) {}
  double now() const { return radius_; }

  Clipped clip(const Arrival& arrival, double norm, VectorProgram&, Vec v) {
    if (radii_.empty()) share_out(arrival.model.layout());
    if (norm <= smallest_) return {.direction = {.vector = v}};
    arrival.model.tensor_squared_norms(factors_, v, &arrival.gradient);
    bool clipped = false;
    for (std::size_t i = 0; i < factors_.size(); ++i) {
      const double tensor_norm = std::sqrt(factors_[i]);
      factors_[i] = tensor_norm > radii_[i] ? radii_[i] / tensor_norm : 1.0;
      clipped |= factors_[i] < 1.0;
    }
    if (!clipped) return {.direction = {.vector = v}};
    if (scaled_.kind == Vec::Kind::none) scaled_ = arrival.model.make_vector();
    arrival.model.scale_tensors(scaled_, factors_, v, &arrival.gradient);
    return {.direction = {.vector = scaled_}, .clipped = true};
  }
  void serialize(Archive& archive) { archive(scaled_); }

 private:
  void share_out(const Layout& layout) {
    const auto tensors = static_cast<double>(layout.tensors().size()), all = static_cast<double>(layout.dimension());
    for (const TensorSlot& tensor : layout.tensors()) {
      const double part = shares_ == Shares::size ? static_cast<double>(tensor.size) / all : 1.0 / tensors;
      radii_.push_back(radius_ * std::sqrt(part));
    }
    smallest_ = *std::ranges::min_element(radii_);
    factors_.resize(radii_.size());
  }

  double radius_;
  Shares shares_;
  std::vector<double> radii_, factors_;  // by tensor
  double smallest_ = 0.0;
  Vec scaled_{};
};

}  // namespace tardigrad::methods
