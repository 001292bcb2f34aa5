// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <optional>
#include <utility>

#include "methods/frames/server_step.hpp"
#include "methods/policies/arrival.hpp"
#include "methods/policies/policy_state.hpp"

namespace tardigrad::methods {

/// Hands the clipped gradient on as it is.
struct NoCorrection {
  Direction apply(const Arrival&, Direction direction, VectorProgram&) const { return direction; }
};

/// What comes first. Clipping costs no sweep; clipping what was corrected needs its norm, so that the corrected vector
/// is written to a work vector and read again.
enum class ClipWhen : std::uint8_t { before_correction, after_correction };

/// From an arrived gradient to the direction that is applied: clipping and correction.
template <class Correction>
class Preparation {
 public:
  Preparation(Correction correction, ClipWhen when) : correction_(std::move(correction)), when_(when) {}

  /// May run the program and begin it anew. Nothing where g, or what a correction made of it, is not finite: two
  /// numbers of float32 can have a product that is not. (In a private run it is the vector 0 then.)
  std::optional<Clipped> prepare(const Arrival& arrival, ServerStep& server, VectorProgram& program,
                                 double weight = 1.0) {
    double norm = arrival.gradient.norm();
    program.clear();
    if (!std::isfinite(norm)) return not_finite(arrival, server, program, weight);
    if (when_ == ClipWhen::before_correction) {
      Clipped clipped = server.clip(arrival, norm, program, vec::kGradient, weight);
      clipped.direction = correction_.apply(arrival, clipped.direction, program);
      return clipped;
    }
    if (corrected_.kind == Vec::Kind::none) corrected_ = arrival.model.make_vector();
    const Direction u = correction_.apply(arrival, {}, program);
    program.scale(corrected_, u.factor, u.vector);
    arrival.model.run(program, &arrival.gradient);
    program.clear();
    norm = std::sqrt(arrival.model.squared_distance(corrected_));
    if (!std::isfinite(norm)) return not_finite(arrival, server, program, weight);
    return server.clip(arrival, norm, program, corrected_, weight);
  }
  void serialize(Archive& archive) {
    policy_state(archive, correction_);
    archive(corrected_);
  }

 private:
  static std::optional<Clipped> not_finite(const Arrival& arrival, ServerStep& server, VectorProgram& program,
                                           double weight) {
    if (!server.applies_all()) return std::nullopt;
    return server.nothing(arrival, program, weight);
  }

  Correction correction_;
  ClipWhen when_;
  Vec corrected_{};
};

}  // namespace tardigrad::methods
