// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "tardigrad/order.hpp"

namespace tardigrad::methods {

/// How long the live workers take, from the last few compute times of each. A worker of which nothing is known yet, or
/// that is away, takes infinitely long. Nothing here is a fit: a few very long times shift the estimates by a few
/// ranks. Memory  `window` times a worker
class RecentTimes {
 public:
  explicit RecentTimes(std::size_t window) : window_(window) {}

  void joined(WorkerId worker) {
    if (workers_.size() <= worker) workers_.resize(worker + 1);
    workers_[worker].alive = true;
    ++alive_;
  }
  void lost(WorkerId worker) {
    workers_[worker].alive = false;
    --alive_;
  }

  void delivered(WorkerId worker, Time compute_time) {
    push(workers_[worker].times, static_cast<double>(std::max(compute_time, Time{1}).count()));
  }
  /// Its order was withdrawn after that time, and would have taken longer: as long as the one of its times above it
  /// that is remembered for longest (what is censored counts as what is known to lie above it).
  void stopped(WorkerId worker, Time after) {
    std::vector<double>& times = workers_[worker].times;
    if (times.empty()) return;
    const auto least = static_cast<double>(after.count());
    const auto longer = std::ranges::find_if(times, [&](double time) { return time > least; });
    push(times, longer != times.end() ? *longer : least);
  }

  std::size_t alive() const { return alive_; }
  /// Of each live worker the time whose inverse is its rate, ascending: the mean mu of its c times, times
  /// 1 + variance/(c mu^2), as the inverse of a mean of few is too large by that share.  Pre  alive() > 0
  std::vector<double> means() const {
    std::vector<double> means;
    for (const auto& [alive, times] : workers_)
      if (alive) means.push_back(mean(times));
    std::ranges::sort(means);
    return means;
  }
  /// [m - 1]: how long a round of the first m takes in the mean, over as many rounds as the window has places, the j-th
  /// of which takes the j-th latest time of each.  Cost  O(window n log n).  Pre  alive() > 0
  std::vector<double> rounds() const {
    std::vector<double> sums(alive_, 0.0), round;
    for (std::size_t j = 0; j < window_; ++j) {
      round.clear();
      for (const auto& [alive, times] : workers_)
        if (alive) round.push_back(times.empty() ? kUnknown : times[times.size() - 1 - j % times.size()]);
      std::ranges::sort(round);
      for (std::size_t i = 0; i < round.size(); ++i) sums[i] += round[i] / static_cast<double>(window_);
    }
    return sums;
  }
  void serialize(Archive& archive) { archive(alive_, workers_); }

 private:
  static constexpr double kUnknown = std::numeric_limits<double>::infinity();
  struct Times {
    bool alive = false;
    std::vector<double> times = {};  // the oldest first
    void serialize(Archive& archive) { archive(alive, times); }
  };
  static double mean(const std::vector<double>& times) {
    if (times.empty()) return kUnknown;
    const auto count = static_cast<double>(times.size());
    double sum = 0.0, squares = 0.0;
    for (const double time : times) sum += time;
    const double mean = sum / count;
    for (const double time : times) squares += (time - mean) * (time - mean);
    return mean + squares / (std::max(count - 1.0, 1.0) * count * mean);
  }
  void push(std::vector<double>& times, double time) {
    if (times.size() == window_) times.erase(times.begin());
    times.push_back(time);
  }

  std::size_t window_;
  std::size_t alive_ = 0;
  std::vector<Times> workers_;
};

}  // namespace tardigrad::methods
