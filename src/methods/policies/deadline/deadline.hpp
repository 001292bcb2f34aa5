// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "tardigrad/order.hpp"

namespace tardigrad::methods {

/// How long a round waits for those who are not done: `factor` times what the orders of late took at most, as a
/// retransmission timer reckons it,
///   deadline = factor (M + 4 V)
///   at first   M = mean_i R_i,   V = max(M/2, mean_i |M - R_i|)
///   then       V <- 3/4 V + 1/4 mean_i |M - R_i|,   M <- 7/8 M + 1/8 mean_i R_i
/// over the round trips R_i that came back in one round, late ones too: the gains are those of one sample a round trip,
/// so that M and V hardly depend on how many workers there are, nor on who comes first. One that took more than twice
/// the deadline (of factor 1, if that is larger) counts as that: who slept for a night and comes back must not make the
/// next rounds as long.
/// In the first round there is a deadline once half of it has come, 8 times as long as those say: the other half may be
/// of another kind.
/// Memory  8 bytes for each order of a round
/// Source  Jacobson 1988; RFC 6298, section 2 (the gains, and V = M/2); RFC 7323, appendix G (several samples a round
///         trip). The bound on R_i and the first round are ours.
class Deadline {
 public:
  struct Options {
    double factor = std::numeric_limits<double>::infinity();  ///< > 0; infinity: rounds wait for ever
    std::size_t min_results = 1;                              ///< no round ends with fewer, whatever it lasts
  };
  Deadline() = default;
  explicit Deadline(const Options& options) : options_(options) {}

  bool is_on() const { return std::isfinite(options_.factor); }
  std::size_t min_results() const { return options_.min_results; }

  /// An order came back.
  void came(Time round_trip) {
    if (!is_on()) return;
    const auto time = static_cast<double>(std::max(round_trip, Time{1}).count());
    trips_.push_back(known_ ? std::min(time, 2.0 * std::max(1.0, options_.factor) * known_->longest()) : time);
  }
  /// A round is over.
  void learn() {
    if (trips_.empty()) return;
    if (!known_) {
      known_ = first(trips_);
    } else {
      known_->deviation = 0.75 * known_->deviation + 0.25 * deviation(trips_, known_->mean);
      known_->mean = 0.875 * known_->mean + 0.125 * mean(trips_);
    }
    trips_.clear();
  }
  /// Of a round that begins; nothing in the first.
  std::optional<Time> of_round() const { return known_ ? time(known_->longest()) : std::nullopt; }
  /// Of the first round, by what has come so far; nothing in others.
  std::optional<Time> of_first_round() const {
    return known_ || trips_.empty() ? std::nullopt : time(kFirst * first(trips_).longest());
  }
  void serialize(Archive& archive) { archive(known_, trips_); }

 private:
  static constexpr double kFirst = 8.0;
  static constexpr double kLongest = 1e18;  // 31 years: longer is no deadline
  struct Typical {
    double mean = 0.0, deviation = 0.0;  // ns
    double longest() const { return mean + 4.0 * deviation; }
    void serialize(Archive& archive) { archive(mean, deviation); }
  };
  static double mean(const std::vector<double>& times) {
    double sum = 0.0;
    for (const double time : times) sum += time;
    return sum / static_cast<double>(times.size());
  }
  static double deviation(const std::vector<double>& times, double from) {
    double sum = 0.0;
    for (const double time : times) sum += std::abs(from - time);
    return sum / static_cast<double>(times.size());
  }
  static Typical first(const std::vector<double>& times) {
    const double middle = mean(times);
    return {.mean = middle, .deviation = std::max(0.5 * middle, deviation(times, middle))};
  }
  std::optional<Time> time(double longest) const {
    const double after = options_.factor * longest;
    return after < kLongest ? std::optional(Time{std::llround(std::max(after, 1.0))}) : std::nullopt;
  }

  Options options_;
  std::optional<Typical> known_;
  std::vector<double> trips_;  // of this round, ns
};

}  // namespace tardigrad::methods
