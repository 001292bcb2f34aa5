// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tardigrad/archive.hpp"
#include "tardigrad/types.hpp"

namespace tardigrad::methods {

/// Who has contributed what to the sum that is being collected, and will be released with one draw of noise.
/// Memory  16 bytes for every worker that has contributed since the last release
/// Cost    a binary search, and a short move of memory a contribution
class OpenRelease {
 public:
  /// Of one worker at most `bound` contributions.
  explicit OpenRelease(std::uint32_t bound = 1) : bound_(bound) {}
  std::uint32_t bound() const { return bound_; }
  bool takes(WorkerId worker) const {
    const auto found = std::ranges::lower_bound(shares_, worker, {}, &Share::worker);
    return found == shares_.end() || found->worker != worker || found->contributions < bound_;
  }
  void add(WorkerId worker, double weight) {
    auto found = std::ranges::lower_bound(shares_, worker, {}, &Share::worker);
    if (found == shares_.end() || found->worker != worker) found = shares_.insert(found, {.worker = worker});
    ++found->contributions;
    found->weight += weight;
  }
  /// Tells every contributor and the sum of its weights, and begins the next release.
  template <class Tell>
  void release(Tell tell) {
    for (const Share& share : shares_) tell(share.worker, share.weight);
    shares_.clear();
  }
  void serialize(Archive& archive) { archive(shares_); }

 private:
  struct Share {
    WorkerId worker = 0;
    std::uint32_t contributions = 0;
    double weight = 0.0;  // of all of them
    void serialize(Archive& archive) { archive(worker, contributions, weight); }
  };
  std::uint32_t bound_;
  std::vector<Share> shares_;  // by worker
};

}  // namespace tardigrad::methods
