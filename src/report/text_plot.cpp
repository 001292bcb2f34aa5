// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/numbers.hpp"
#include "report/plot.hpp"
#include "report/plot_frame.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::report {
namespace {

/// Characters with (0, 0) at the lower left.
class Canvas {
 public:
  Canvas(std::size_t width, std::size_t height) : width_(width), rows_(height, std::string(width, ' ')) {}
  std::size_t column(double position) const { return place(position, width_); }
  std::size_t row(double position) const { return place(position, rows_.size()); }
  void draw(std::size_t column, std::size_t row, char letter) {
    char& cell = rows_[row][column];
    if (cell == ' ' || cell == '-') cell = letter;
  }
  const std::string& line(std::size_t row) const { return rows_[row]; }

 private:
  static std::size_t place(double position, std::size_t size) {
    return static_cast<std::size_t>(std::lround(std::clamp(position, 0.0, 1.0) * static_cast<double>(size - 1)));
  }
  std::size_t width_;
  std::vector<std::string> rows_;
};

char letter_of(std::size_t name) { return static_cast<char>(name < 26 ? 'a' + name : 'A' + name % 26); }

// The height of the segment a-b at every column that it crosses.
void draw_segment(Canvas& canvas, const Frame& frame, Point a, Point b, char letter) {
  const double xa = frame.x.position(a.x), xb = frame.x.position(b.x);
  const double ya = frame.y.position(a.y), yb = frame.y.position(b.y);
  const std::size_t first = canvas.column(xa), last = canvas.column(xb);
  for (std::size_t column = first; column <= last; ++column) {
    const double along = last == first ? 1.0 : static_cast<double>(column - first) / static_cast<double>(last - first);
    const double y = ya + (yb - ya) * along;
    if (y >= -1e-9 && y <= 1.0 + 1e-9) canvas.draw(column, canvas.row(y), letter);
  }
}

}  // namespace

std::string text_plot(const std::vector<Curve>& curves, const PlotOptions& options, std::size_t width,
                      std::size_t height) {
  TG_CHECK(width >= 20 && height >= 4, width, " x ", height);
  const Frame frame = fit_frame(curves, options);
  const std::vector<std::string> names = names_of(curves);
  const std::string top = format_number(frame.y.high, 3), bottom = format_number(frame.y.low, 3);
  const std::size_t margin = std::max(top.size(), bottom.size());
  Canvas canvas(width - std::min(width - 10, margin + 2), height);

  if (options.target && frame.shows_y(*options.target))
    draw_segment(canvas, frame, {frame.x.low, *options.target}, {frame.x.high, *options.target}, '-');
  for (const Curve& curve : curves) {
    const char letter = letter_of(index_of(names, curve.name));
    for (const auto& piece : pieces_of(curve, frame))
      for (std::size_t i = 0; i < piece.size(); ++i)
        draw_segment(canvas, frame, piece[i == 0 ? 0 : i - 1], piece[i], letter);
  }

  std::string text = options.title.empty() ? "" : options.title + "\n";
  text += fmt::format("{}{}\n", options.y_label, frame.y.logarithmic ? " (logarithmic)" : "");
  for (std::size_t row = height; row-- > 0;) {
    const std::string& label = row + 1 == height ? top : row == 0 ? bottom : "";
    std::string line = fmt::format("{:>{}} |{}", label, margin, canvas.line(row));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  const std::string left = format_number(frame.x.low, 3), right = format_number(frame.x.high, 3);
  const std::size_t inner = width - std::min(width - 10, margin + 2);
  text += fmt::format("{:>{}} +{}\n", "", margin, std::string(inner, '-'));
  const std::size_t gap = inner > left.size() + right.size() ? inner - left.size() - right.size() : 1;
  const std::string x_label = options.x_label + (frame.x.logarithmic ? " (logarithmic)" : "");
  text += fmt::format("{:>{}}{}{:^{}}{}\n", "", margin + 2, left, cut(x_label, gap > 2 ? gap - 2 : 0), gap, right);
  for (std::size_t i = 0; i < names.size(); ++i)
    text += fmt::format("{:>{}}{} {}\n", "", margin + 2, letter_of(i), names[i]);
  return text;
}

}  // namespace tardigrad::report
