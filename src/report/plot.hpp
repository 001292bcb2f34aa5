// SPDX-License-Identifier: Apache-2.0
// Line charts of a metric against time: a small one in text, a large one in SVG. Time is logarithmic where one curve
// ends more than 20 times later than another; the point at time 0 then has no place.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "report/axis.hpp"

namespace tardigrad::report {

struct Point {
  double x = 0.0, y = 0.0;
};

/// Curves of one name share a colour, a dash pattern and a line of the legend: the seeds of one method.
/// A point that is not finite, or not positive on a logarithmic axis, interrupts its curve.
struct Curve {
  std::string name;
  std::vector<Point> points;  ///< x never decreases
};

struct PlotOptions {
  std::string title = {}, x_label = {}, y_label = {};
  Scale y_scale = Scale::automatic;
  std::optional<double> y_low = {}, y_high = {};  ///< nothing: the range of the data; what lies outside is cut off
  std::optional<double> target = {};              ///< a dashed horizontal line
};

/// A plot of `width` x `height` characters and a legend below it; each name has a letter of its own; where
/// curves meet, the first is seen.
/// Pre  width >= 20, height >= 4     checked
std::string text_plot(const std::vector<Curve>& curves, const PlotOptions& options, std::size_t width,
                      std::size_t height);

/// A self-contained SVG picture for papers: axes, ticks, grid, legend; up to 8 colours that colour-blind readers
/// tell apart, then again with other dashes. What is drawn does not depend on how many points a curve has.
std::string svg_plot(const std::vector<Curve>& curves, const PlotOptions& options);

}  // namespace tardigrad::report
