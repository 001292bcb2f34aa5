// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <optional>
#include <utility>

#include "methods/arrival.hpp"
#include "methods/policy_state.hpp"
#include "methods/server_step.hpp"

namespace tardigrad::methods {

/// Hands the clipped gradient on as it is.
struct NoCorrection {
  Direction apply(const Arrival&, Direction direction, Pass&) const { return direction; }
};

/// What comes first. Clipping costs no sweep; clipping what was corrected needs its norm, so that the corrected vector
/// is written to a work vector and read again.
enum class ClipWhen : std::uint8_t { before_correction, after_correction };

/// From an arrived gradient to the direction that is applied: clipping and correction.
template <class Correction>
class Preparation {
 public:
  Preparation(Correction correction, ClipWhen when) : correction_(std::move(correction)), when_(when) {}

  /// May run the pass and begin it anew. Nothing where g, or what a correction made of it, is not finite: two numbers
  /// of float32 can have a product that is not.
  std::optional<Clipped> prepare(const Arrival& arrival, ServerStep& server, Pass& pass) {
    double norm = arrival.gradient.norm();
    if (!std::isfinite(norm)) return std::nullopt;
    pass.clear();
    if (when_ == ClipWhen::before_correction) {
      Clipped clipped = server.clip(arrival, norm, pass);
      clipped.direction = correction_.apply(arrival, clipped.direction, pass);
      return clipped;
    }
    if (corrected_.kind == Vec::Kind::none) corrected_ = arrival.model.make_vector();
    const Direction u = correction_.apply(arrival, {}, pass);
    pass.scale(corrected_, u.factor, u.vector);
    arrival.model.run(pass, &arrival.gradient);
    pass.clear();
    norm = std::sqrt(arrival.model.squared_distance(corrected_));
    if (!std::isfinite(norm)) return std::nullopt;
    return server.clip(arrival, norm, pass, corrected_);
  }
  void state(Archive& archive) {
    policy_state(archive, correction_);
    archive(corrected_);
  }

 private:
  Correction correction_;
  ClipWhen when_;
  Vec corrected_{};
};

}  // namespace tardigrad::methods
