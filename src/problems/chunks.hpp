// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>

namespace tardigrad::problems {

/// Does nobody wait for the result any more?
using IsCancelled = std::function<bool()>;

/// A millisecond or two, where every coordinate draws a normal.
constexpr std::size_t kCoordinatesBetweenLooks = 65'536;

/// Calls each(begin, end) for chunks of 0 ... size - 1, in their order, and looks `cancelled` in between.
/// Returns whether all were gone through.  Cost  none for a single chunk
template <class Each>
bool in_chunks(std::size_t size, const IsCancelled& cancelled, const Each& each) {
  for (std::size_t begin = 0; begin < size; begin += kCoordinatesBetweenLooks) {
    if (begin > 0 && cancelled()) return false;
    each(begin, std::min(size, begin + kCoordinatesBetweenLooks));
  }
  return true;
}

}  // namespace tardigrad::problems
