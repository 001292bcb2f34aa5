// SPDX-License-Identifier: Apache-2.0
#include "report/axis.hpp"

#include <algorithm>
#include <cmath>

#include "report/numbers.hpp"

namespace tardigrad::report {
namespace {

constexpr double kAutomaticFactor = 50.0;

/// 1, 2 or 5 times a power of ten, not below `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least * (1.0 - 1e-9)) return factor * power;
  return 10.0 * power;
}

std::vector<Tick> linear_ticks(double low, double high, std::size_t count) {
  const double step = round_step((high - low) / static_cast<double>(std::max<std::size_t>(count, 1)));
  std::vector<Tick> ticks;
  const double slack = step * 1e-9;
  const auto first = static_cast<std::int64_t>(std::ceil((low - slack) / step));
  for (std::int64_t k = first; static_cast<double>(k) * step <= high + slack; ++k) {
    const double value = static_cast<double>(k) * step;
    ticks.push_back({value, format_number(value, 6)});
  }
  return ticks;
}

std::vector<Tick> decade_ticks(double low, double high, std::size_t count) {
  const auto first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
  const auto last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  const int every = std::max(1, (last - first + static_cast<int>(count)) / std::max(1, static_cast<int>(count)));
  std::vector<Tick> ticks;
  for (int e = first; e <= last; ++e)
    if (e % every == 0) ticks.push_back({std::pow(10.0, e), format_number(std::pow(10.0, e), 6)});
  return ticks;
}

// Within a decade or two there are too few powers of ten to read by: 1, 2, 5 of each.
std::vector<Tick> dense_ticks(double low, double high) {
  std::vector<Tick> ticks;
  for (int e = static_cast<int>(std::floor(std::log10(low))); e <= static_cast<int>(std::ceil(std::log10(high))); ++e)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10.0, e);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) ticks.push_back({value, format_number(value, 6)});
    }
  return ticks;
}

}  // namespace

bool Axis::can_show(double value) const { return std::isfinite(value) && (!logarithmic || value > 0.0); }

double Axis::position(double value) const {
  if (logarithmic) return (std::log(value) - std::log(low)) / (std::log(high) - std::log(low));
  return (value - low) / (high - low);
}

std::vector<Tick> Axis::ticks(std::size_t count) const {
  if (!logarithmic) return linear_ticks(low, high, count);
  std::vector<Tick> decades = decade_ticks(low, high, count);
  if (decades.size() >= 3) return decades;
  std::vector<Tick> dense = dense_ticks(low, high);
  return dense.size() >= 2 ? dense : linear_ticks(low, high, count);
}

Axis fit_axis(const std::vector<double>& values, Scale scale) {
  double low = INFINITY, high = -INFINITY, low_positive = INFINITY;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
    if (value > 0.0) low_positive = std::min(low_positive, value);
  }
  Axis axis;
  axis.logarithmic =
      scale == Scale::logarithmic || (scale == Scale::automatic && low > 0.0 && high / low > kAutomaticFactor);
  axis.low = axis.logarithmic ? low_positive : low;
  axis.high = high;
  if (!(axis.low <= axis.high))
    return {
        .low = axis.logarithmic ? 1.0 : 0.0, .high = axis.logarithmic ? 10.0 : 1.0, .logarithmic = axis.logarithmic};
  if (axis.low == axis.high) {  // one value: room on both sides
    const double room = axis.low == 0.0 ? 1.0 : std::abs(axis.low) / 2.0;
    axis.low -= room;
    axis.high += room;
  }
  return axis;
}

}  // namespace tardigrad::report
