// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "tardigrad/archive.hpp"

namespace tardigrad::methods {

/// Workers that wait for an order: who has waited longest is the next. Whoever leaves the line loses its place.
/// Memory  24 bytes for each that waits or ever waited
/// Cost    O(1) each, on average: the place of one that left is passed over later, not looked for
class WaitingLine {
 public:
  bool empty() const { return waiting_ == 0; }
  /// How many ever stood in it.
  std::uint64_t places_given() const { return places_; }
  /// Pre  it does not wait
  void join(WorkerId worker) {
    if (place_.size() <= worker) place_.resize(worker + 1, kNone);
    place_[worker] = places_++;
    line_.push_back({place_[worker], worker});
    ++waiting_;
  }
  /// Nothing where it does not wait.
  void leave(WorkerId worker) {
    if (worker >= place_.size() || place_[worker] == kNone) return;
    place_[worker] = kNone;
    --waiting_;
    if (line_.size() > 64 + 2 * waiting_) forget_who_left();
  }
  /// Pre  !empty()
  WorkerId take_first() {
    while (!waits(line_.front())) line_.pop_front();
    const WorkerId worker = line_.front().worker;
    line_.pop_front();
    place_[worker] = kNone;
    --waiting_;
    return worker;
  }
  void serialize(Archive& archive) {
    forget_who_left();
    archive(places_, line_, place_);
    for (const Place& place : line_)
      if (place.worker >= place_.size()) Archive::fail("a place of a worker that there is not");
    waiting_ = line_.size();
  }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  struct Place {
    std::uint64_t number;
    WorkerId worker;
    friend void serialize(Archive& archive, Place& place) { archive(place.number, place.worker); }
  };
  bool waits(const Place& place) const { return place_[place.worker] == place.number; }
  void forget_who_left() {
    std::erase_if(line_, [this](const Place& place) { return !waits(place); });
  }

  std::uint64_t places_ = 0;
  std::size_t waiting_ = 0;
  std::deque<Place> line_;            // with the places of those who left
  std::vector<std::uint64_t> place_;  // by worker
};

}  // namespace tardigrad::methods
