// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "methods/policies/arrival.hpp"
#include "methods/policies/privacy/open_release.hpp"
#include "tardigrad/method_row.hpp"
#include "tardigrad/setting.hpp"

namespace tardigrad::methods {

// Beyond these the noise, or rho, would leave the range of the numbers.
inline constexpr Setting<double> kNoiseMultiplier = {
    .key = "noise_multiplier", .range = {.low = 1e-6, .high = 1e9}, .meaning = "z: of the noise in every update"};
inline constexpr Setting<double> kDelta = {.key = "delta",
                                           .fallback = 1e-5,
                                           .range = {.low = 0, .high = 1, .low_open = true, .high_open = true},
                                           .meaning = "of the account (epsilon, delta)"};
inline constexpr Setting<std::int64_t> kMaxParticipations = {
    .key = "max_participations",
    .default_in_words = "none",
    .range = {.low = 1, .high = 4e9},
    .meaning = "so many arrivals of a worker are applied at most"};
inline constexpr Setting<std::int64_t> kContributionsPerRelease = {
    .key = "contributions_per_release",
    .default_in_words = "as half of the workers need",
    .range = {.low = 1, .high = 4e9},
    .meaning = "m: so many of one worker at most are in one release"};
inline constexpr SettingRow kPrivacyRows[] = {kNoiseMultiplier, kDelta, kMaxParticipations, kContributionsPerRelease};
inline constexpr Setting<SubTable> kPrivacy = {
    .key = "privacy",
    .default_in_words = "none",
    .meaning =
        "{ noise_multiplier, delta, max_participations, contributions_per_release }: noise in every update, for "
        "methods that allow it",
    .rows = kPrivacyRows};

/// How one arrival enters a direction, in a method that has a private form: as weight clip_c(g)/of, with a weight of at
/// most largest_weight, in one direction only.
struct Contribution {
  double largest_weight = 1.0;
  std::size_t of = 1;  ///< K of a sum over K arrivals that is divided by K
};

/// What is drawn beside the noise of the settings' z, and for how many contributions of one worker.
struct PrivateNoise {
  double updates = 0.0;           ///< z' of the noise on updates
  double count = 0.0;             ///< standard deviation of the noise on counts of norms; 0: there are none
  std::uint32_t count_bound = 1;  ///< of one worker's norms in a count
};

/// The settings of privacy that a rule of clipping has to know.
struct PrivacyDemand {
  double noise_multiplier = 0.0;                ///< z; 0: no privacy
  std::uint32_t bound = 1;                      ///< m of the updates
  std::optional<std::uint32_t> asked_for = {};  ///< m as the settings have it
  std::size_t workers = 1;
  std::uint64_t seed = 1;
};

/// m of a release of `size` contributions: as asked for, or as many as let half of the workers fill it. At most `size`.
/// Errors  Error of the table `privacy` where all workers together never fill it; `what` names it
std::uint32_t contribution_bound(Settings& table, const PrivacyDemand& demand, std::size_t size, const char* what);

/// Differential privacy for the workers, by a trusted server: a release is a direction (or a count of norms) to which
/// noise is added once, however many contributions of one worker are in it.
///   direction  sum of weight clip_C(g) / K + N(0, (z' C/K)^2 I):  a worker moves it by at most C/K sum of its weights
///   count      of norms within the radius + N(0, s^2):            by at most m/2, counted as +-1/2 each
///   rho of a worker = sum over directions of (sum of its weights)^2/(2 z'^2) + sum over counts of m^2/(8 s^2)
/// Neighbours differ in the contributions of one worker, each of which may be replaced by nothing at all (the vector 0,
/// half a count), while who arrives when stays as it is ("zero-out"). A gradient that is not finite enters as 0: the
/// schedule depends on no data. No amplification by sampling is counted. What comes after the noise costs nothing.
/// Memory  24 bytes a worker.  Source  Abadi et al., arXiv 1607.00133; for buffers Nguyen et al., arXiv 2106.06639;
///         zero-out: Kairouz et al., arXiv 2103.00039
class Privacy {
 public:
  /// privacy = { noise_multiplier, delta, max_participations, contributions_per_release }, or nothing.
  /// Errors  Error where the method has no private form (no contribution), weights above 1, releases that the workers
  ///         can never fill
  Privacy(Settings& settings, const MethodContext& context, const std::optional<Contribution>& contribution);

  bool is_on() const { return demand_.noise_multiplier > 0.0; }
  const PrivacyDemand& demand() const { return demand_; }
  /// Pre  before anything takes part
  void set_noise(Settings& settings, const PrivateNoise& noise);

  /// It has used up its max_participations: it gets no orders any more, as the bound is a bound.
  bool is_retired(WorkerId worker) const {
    return limit_ > 0 && worker < accounts_.size() && accounts_[worker].participations >= limit_;
  }
  /// Nor may it while the open release holds as many contributions of it as one worker may have.
  bool may_take_part(WorkerId worker) const { return !is_on() || (!is_retired(worker) && update_.takes(worker)); }
  /// Why it may not.
  Reason reason(WorkerId worker) const;
  /// Its gradient, clipped to this radius, enters the open direction with this weight.
  void takes_part(WorkerId worker, double weight, double radius);
  /// May its norm be counted? If so, it is in the open count.
  bool counts(WorkerId worker);
  void count_is_released();
  /// u with noise for the largest radius in it: the open direction is released.
  Direction noised(VectorProgram& program, Direction u, Version version);
  std::vector<Metric> figures() const;
  void serialize(Archive& archive) { archive(radius_, update_, count_, accounts_); }

 private:
  // Sums of squares, which are whole numbers where the weights are, so that no limit is passed by rounding.
  struct Account {
    double updates = 0.0;  // of the sum of its weights in each direction
    double counts = 0.0;   // of the number of its norms in each count
    std::uint32_t participations = 0;
    void serialize(Archive& archive) { archive(updates, counts, participations); }
  };
  double rho(double updates, double counts) const;

  PrivacyDemand demand_;
  PrivateNoise noise_;
  double delta_ = 0.0, largest_weight_ = 1.0;
  std::uint32_t limit_ = 0;  // 0: none
  double share_ = 1.0;       // 1/K
  double radius_ = 0.0;      // the largest in the open direction
  OpenRelease update_, count_;
  std::vector<Account> accounts_;  // by worker
};

}  // namespace tardigrad::methods
