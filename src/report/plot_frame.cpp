// SPDX-License-Identifier: Apache-2.0
#include "report/plot_frame.hpp"

#include <algorithm>
#include <limits>

namespace tardigrad::report {
namespace {

// Curves that end as far apart as this have little to see of the short ones on a linear axis.
constexpr double kFarApart = 20.0;

Scale x_scale_of(const std::vector<Curve>& curves) {
  double first_end = std::numeric_limits<double>::infinity(), last_end = 0.0;
  for (const Curve& curve : curves) {
    if (curve.points.empty() || curve.points.back().x <= 0.0) continue;
    first_end = std::min(first_end, curve.points.back().x);
    last_end = std::max(last_end, curve.points.back().x);
  }
  return last_end > kFarApart * first_end ? Scale::logarithmic : Scale::linear;
}

}  // namespace

Frame fit_frame(const std::vector<Curve>& curves, const PlotOptions& options) {
  std::vector<double> xs, ys;
  for (const Curve& curve : curves)
    for (const Point& point : curve.points) {
      xs.push_back(point.x);
      ys.push_back(point.y);
    }
  if (options.target && !ys.empty()) ys.push_back(*options.target);
  Frame frame{.x = fit_axis(xs, x_scale_of(curves)), .y = fit_axis(ys, options.y_scale)};
  const double low = options.y_low.value_or(frame.y.low), high = options.y_high.value_or(frame.y.high);
  if (frame.y.can_show(low) && low < high) {
    frame.y.low = low;
    frame.y.high = high;
  }
  return frame;
}

std::vector<std::string> names_of(const std::vector<Curve>& curves) {
  std::vector<std::string> names;
  for (const Curve& curve : curves)
    if (std::find(names.begin(), names.end(), curve.name) == names.end()) names.push_back(curve.name);
  return names;
}

std::size_t index_of(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

std::vector<std::vector<Point>> pieces_of(const Curve& curve, const Frame& frame) {
  std::vector<std::vector<Point>> pieces(1);
  for (const Point& point : curve.points) {
    if (frame.x.can_show(point.x) && frame.y.can_show(point.y))
      pieces.back().push_back(point);
    else if (!pieces.back().empty())
      pieces.emplace_back();
  }
  if (pieces.back().empty()) pieces.pop_back();
  return pieces;
}

}  // namespace tardigrad::report
