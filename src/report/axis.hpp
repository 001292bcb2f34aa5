// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tardigrad::report {

enum class Scale : std::uint8_t {
  automatic,  ///< logarithmic when all values are positive and their range is over a factor of 50
  linear,
  logarithmic,
};

struct Tick {
  double value = 0.0;
  std::string label;
};

/// One axis of a plot: its range, with `low` < `high`, and the place of a value in it.
struct Axis {
  double low = 0.0, high = 1.0;
  bool logarithmic = false;

  /// Whether a value has a place on the axis at all (it may lie outside of the range).
  bool can_show(double value) const;
  /// 0 at `low`, 1 at `high`.  Pre  can_show(value)
  double position(double value) const;
  /// Round values in the range, about `count` of them: 1, 2 or 5 times a power of ten; decades on a logarithmic axis.
  std::vector<Tick> ticks(std::size_t count) const;
};

/// The axis that shows the finite ones of `values` (those > 0 when logarithmic). Without any: 0 to 1, or 1 to 10.
Axis fit_axis(const std::vector<double>& values, Scale scale);

}  // namespace tardigrad::report
