// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <ostream>

#include "engines/records_state.hpp"
#include "tardigrad/observer.hpp"

namespace tardigrad {

/// The last arrivals, for who reads why a run was aborted.
class RecentArrivals {
 public:
  void add(const ArrivalRecord& record) { records_[count_++ % records_.size()] = record; }
  void describe(std::ostream& out) const {
    const std::size_t shown = std::min(records_.size(), count_);
    for (std::size_t i = count_ - shown; i < count_; ++i) {
      const ArrivalRecord& r = records_[i % records_.size()];
      out << "\n    " << to_seconds(r.time) << ' ' << r.order.worker << ' ' << r.order.id << ' ' << r.order.version
          << ' ' << name_of(r.outcome);
    }
  }
  void serialize(Archive& archive) {
    archive(count_);
    for (ArrivalRecord& record : records_) archive(record);
  }

 private:
  std::array<ArrivalRecord, 16> records_;
  std::size_t count_ = 0;
};

}  // namespace tardigrad
