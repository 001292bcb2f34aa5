// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "methods/arrival.hpp"
#include "methods/catalogue.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::methods {

/// How one arrival enters a direction, in a method that has a private form: as weight clip_c(g)/of, with a weight of at
/// most largest_weight, in one direction only.
struct Contribution {
  double largest_weight = 1.0;
  std::size_t of = 1;  ///< K of a mean over K arrivals
};

/// Differential privacy for the workers, by a trusted server: an arrival moves its direction by at most C/K, and every
/// direction gets noise N(0, (z C/K)^2) in each coordinate before the update rule sees it.
///   a worker with p arrivals applied:  rho = p/(2 z^2),  epsilon = rho + 2 sqrt(rho ln(1/delta))
/// Two data sets are neighbours when they differ in the presence of one worker's contributions. No amplification by
/// sampling is counted: who arrives when is not a secret coin. Steps, schedules and update rules come after the noise,
/// and cost nothing. Memory  4 bytes a worker.  Source  Abadi et al., arXiv 1607.00133; for buffers Nguyen et al.,
/// arXiv 2106.06639
class Privacy {
 public:
  /// privacy = { noise_multiplier, delta, max_participations }, or nothing.
  /// Errors  Error where the method has no private form (no contribution), or weights above 1
  Privacy(Settings& settings, const MethodContext& context, const std::optional<Contribution>& contribution);

  /// z; 0 without privacy.
  double noise_multiplier() const { return noise_multiplier_; }
  /// A worker that has taken part max_participations times may not, and gets no orders any more: the bound is a bound.
  bool may_take_part(WorkerId worker) const {
    return limit_ == 0 || worker >= participations_.size() || participations_[worker] < limit_;
  }
  /// Why it may not.
  Reason reason() const {
    return {.rule = "the arrivals of its worker that were applied before must be fewer than",
            .limit = static_cast<double>(limit_),
            .value = static_cast<double>(limit_)};
  }
  /// Its gradient, clipped to this radius, enters the present direction.
  void takes_part(WorkerId worker, double radius);
  /// u with noise for the largest radius in it; z' pays for what else was given away.
  Direction noised(Pass& pass, Direction u, Version version, double update_noise_multiplier);
  std::vector<Metric> figures() const;
  void state(Archive& archive) { archive(radius_, participations_); }

 private:
  double noise_multiplier_ = 0.0, delta_ = 0.0;
  std::uint32_t limit_ = 0;  // 0: none
  std::uint64_t seed_;
  double share_ = 1.0;                         // 1/K
  double radius_ = 0.0;                        // the largest in the direction that is being collected
  std::vector<std::uint32_t> participations_;  // by worker
};

}  // namespace tardigrad::methods
