// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tardigrad {

/// Numbers 0, 1, 2, ... with integer weights, all 0 at first: what a draw needs that must not look at everybody. With
/// weights of 0 and 1 it is a set whose k-th smallest member is found. Sums are of integers, so that they never drift.
/// Memory  8 bytes for each number up to the largest, rounded up to a power of two
/// Cost    O(log n) each
/// Source  Fenwick 1994
class PrefixSums {
 public:
  std::uint64_t total() const { return nodes_.empty() ? 0 : nodes_.back(); }
  /// Pre  no weight becomes negative
  void add(std::size_t number, std::int64_t amount) {
    while (capacity() <= number) grow();
    for (std::size_t node = number + 1; node <= capacity(); node += node & (~node + 1))
      nodes_[node] += static_cast<std::uint64_t>(amount);
  }
  /// The number that has the unit of weight number `unit`, counted from 0 in the order of the numbers.
  /// Pre  unit < total()
  std::size_t holder_of(std::uint64_t unit) const {
    std::size_t before = 0;
    for (std::size_t step = capacity(); step > 0; step /= 2) {
      if (before + step > capacity() || nodes_[before + step] > unit) continue;
      before += step;
      unit -= nodes_[before];
    }
    return before;
  }
  void clear() { nodes_.clear(); }

 private:
  std::size_t capacity() const { return nodes_.empty() ? 0 : nodes_.size() - 1; }
  // Node k, from 1, has the sum of the numbers k - lowest bit of k ... k - 1; so the last one has that of all.
  void grow() {
    const std::uint64_t all = total();
    nodes_.resize(nodes_.empty() ? 2 : 2 * capacity() + 1, 0);
    nodes_.back() = all;
  }

  std::vector<std::uint64_t> nodes_;
};

}  // namespace tardigrad
