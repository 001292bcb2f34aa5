// SPDX-License-Identifier: Apache-2.0
// What both kinds of plot share: the axes, the names, the pieces of a curve that can be drawn.
#pragma once

#include <string>
#include <vector>

#include "report/plot.hpp"

namespace tardigrad::report {

struct Frame {
  Axis x, y;
  bool shows_y(double value) const { return y.can_show(value) && value >= y.low && value <= y.high; }
};

Frame fit_frame(const std::vector<Curve>& curves, const PlotOptions& options);

/// Names in the order of their first curves.
std::vector<std::string> names_of(const std::vector<Curve>& curves);
std::size_t index_of(const std::vector<std::string>& names, const std::string& name);

/// The stretches of a curve without a point that cannot be shown.
std::vector<std::vector<Point>> pieces_of(const Curve& curve, const Frame& frame);

}  // namespace tardigrad::report
