// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>

#include "methods/policies/arrival.hpp"

namespace tardigrad::methods {

/// Steps that, summed over the life of a gradient, stay below a budget gamma':
///   window   sum of gamma_t over t = k - tau_k ... k - 1
///   first    gamma_k = alpha * max(gamma' - window, 0)
///   second   gamma_k = gamma'/(tau_k + 1) if that is at most gamma' - window, else 0
/// A step of 0 is no error: the version advances, x stays.
/// Cost    O(1) amortised: a difference of two prefix sums. A prefix is forgotten once gamma' has been spent since, as
///         both rules then give 0; sums are rebased before they have lost 2^-40 of gamma'.
/// Source  Wu, Magnusson, Feyzmahdavian, Johansson, arXiv 2202.08550, Adaptive 1 and 2, written for proximal
///         incremental aggregated gradients and block descent; for each arrival of a stochastic gradient it is our
///         transfer
class WindowSumStep {
 public:
  enum class Rule : std::uint8_t { first, second };
  struct Options {
    Rule rule;
    double budget;  ///< gamma'
    double alpha;   ///< of the first rule, in (0, 1)
  };
  explicit WindowSumStep(const Options& options) : options_(options) {}

  double at(const Arrival& arrival) {
    const Version now = arrival.model.version();
    const double step = rule(arrival.order.version, now);
    // Versions that other events made (there are none in a method of this rule) would count as steps of 0.
    while (first_ + prefixes_.size() <= now) prefixes_.push_back(prefixes_.back());
    prefixes_.push_back(prefixes_.back() + step);
    while (prefixes_.size() > 1 && prefixes_.back() - prefixes_.front() >= options_.budget) {
      prefixes_.pop_front();
      ++first_;
    }
    if (prefixes_.front() > 4096.0 * options_.budget) rebase();
    return step;
  }
  void serialize(Archive& archive) { archive(first_, prefixes_); }

 private:
  double rule(Version computed_at, Version now) const {
    if (computed_at < first_) return 0.0;
    const std::size_t last = prefixes_.size() - 1;
    const double window = prefixes_[last] - prefixes_[std::min(last, static_cast<std::size_t>(computed_at - first_))];
    const double left = options_.budget - window;
    if (options_.rule == Rule::first) return options_.alpha * std::max(left, 0.0);
    const double step = options_.budget / static_cast<double>(now - computed_at + 1);
    return step <= left ? step : 0.0;
  }
  void rebase() {
    const double base = prefixes_.front();
    for (double& prefix : prefixes_) prefix -= base;
  }

  Options options_;
  Version first_ = 0;                    // the version that the first prefix belongs to
  std::deque<double> prefixes_ = {0.0};  // prefix of version k: sum of gamma_t over t < k, up to a common base
};

}  // namespace tardigrad::methods
