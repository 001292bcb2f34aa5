// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "report/numbers.hpp"
#include "report/plot.hpp"
#include "report/plot_frame.hpp"

namespace tardigrad::report {
namespace {

// M. Okabe and K. Ito's colours, the yellow darkened to be seen on white.
constexpr std::array<const char*, 8> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#56b4e9", "#e69f00", "#000000", "#8c7a00"};
constexpr const char* kTargetStroke = R"(stroke="#666" stroke-dasharray="4 4")";
constexpr std::array<const char*, 4> kDashes = {"", "6 3", "2 2", "8 3 2 3"};

// All in pixels of the picture's own coordinates.
constexpr double kLeft = 76, kTop = 34, kPlotWidth = 560, kPlotHeight = 340, kBottom = 56;
constexpr double kLegendGap = 18, kLegendLine = 20, kSample = 26, kCharacter = 6.9;

std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20)
      out += ' ';  // no control character is allowed in XML
    else
      out += c;
  }
  return out;
}

struct Pixel {
  double x, y;
};

// At most four points a pixel column (first, lowest, highest, last): the same picture from a bounded number of points.
std::vector<Pixel> thinned(const std::vector<Pixel>& pixels) {
  if (pixels.size() <= 4 * static_cast<std::size_t>(kPlotWidth)) return pixels;
  std::vector<Pixel> result;
  for (std::size_t begin = 0, end = 0; begin < pixels.size(); begin = end) {
    const double column = std::floor(pixels[begin].x);
    while (end < pixels.size() && std::floor(pixels[end].x) == column) ++end;
    const auto first = pixels.begin() + static_cast<std::ptrdiff_t>(begin),
               last = pixels.begin() + static_cast<std::ptrdiff_t>(end);
    const auto [low, high] = std::minmax_element(first, last, [](Pixel a, Pixel b) { return a.y < b.y; });
    std::array<std::ptrdiff_t, 4> kept = {0, low - first, high - first, last - first - 1};
    std::sort(kept.begin(), kept.end());
    for (auto it = kept.begin(); it != std::unique(kept.begin(), kept.end()); ++it) result.push_back(first[*it]);
  }
  return result;
}

class Svg {
 public:
  Svg(const std::vector<Curve>& curves, const PlotOptions& options)
      : curves_(curves), options_(options), frame_(fit_frame(curves, options)), names_(names_of(curves)) {
    // The curves keep clear of the frame.
    if (!options.y_low && !options.y_high) pad(frame_.y);
  }

  std::string draw() {
    open();
    x_axis();
    y_axis();
    target();
    curves();
    frame_and_labels();
    legend();
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  static void pad(Axis& axis) {
    constexpr double kRoom = 0.04;
    if (axis.logarithmic) {
      const double factor = std::pow(axis.high / axis.low, kRoom);
      axis = {.low = axis.low / factor, .high = axis.high * factor, .logarithmic = true};
    } else {
      const double room = kRoom * (axis.high - axis.low);
      // A range that begins at 0 (an accuracy, a loss) keeps its 0.
      axis = {.low = axis.low == 0.0 ? 0.0 : axis.low - room, .high = axis.high + room, .logarithmic = false};
    }
  }

  double x_of(double value) const { return kLeft + kPlotWidth * frame_.x.position(value); }
  double y_of(double value) const { return kTop + kPlotHeight * (1.0 - frame_.y.position(value)); }

  void open() {
    std::size_t longest = options_.target ? target_name().size() : 0;
    for (const std::string& name : names_) longest = std::max(longest, width_of(name));
    const double width = kLeft + kPlotWidth + kLegendGap + kSample + 8 + kCharacter * static_cast<double>(longest) + 12;
    const double height =
        std::max(kTop + kPlotHeight + kBottom, kTop + kLegendLine * static_cast<double>(names_.size() + 1) + 20);
    add(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" height="{1:.0f}" )"
        R"(font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="12" fill="#222">)"
        "\n",
        width, height);
    add("<title>{}</title>\n", escape(options_.title.empty() ? options_.y_label : options_.title));
    add("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
    add(R"(<clipPath id="plot"><rect x="{}" y="{}" width="{}" height="{}"/></clipPath>)"
        "\n",
        kLeft, kTop, kPlotWidth, kPlotHeight);
  }

  void x_axis() {
    for (const Tick& tick : frame_.x.ticks(7)) {
      const double x = x_of(tick.value);
      add(R"(<path d="M{0:.1f} {1}V{2}" stroke="#e6e6e6"/>)"
          "\n",
          x, kTop, kTop + kPlotHeight);
      add(R"(<path d="M{0:.1f} {1}v5" stroke="#222"/><text x="{0:.1f}" y="{2}" text-anchor="middle">{3}</text>)"
          "\n",
          x, kTop + kPlotHeight, kTop + kPlotHeight + 19, escape(tick.label));
    }
  }

  void y_axis() {
    for (const Tick& tick : frame_.y.ticks(6)) {
      const double y = y_of(tick.value);
      add(R"(<path d="M{0} {1:.1f}H{2}" stroke="#e6e6e6"/>)"
          "\n",
          kLeft, y, kLeft + kPlotWidth);
      add(R"(<path d="M{0} {1:.1f}h-5" stroke="#222"/><text x="{2}" y="{3:.1f}" text-anchor="end">{4}</text>)"
          "\n",
          kLeft, y, kLeft - 9, y + 4, escape(tick.label));
    }
  }

  void target() {
    if (!options_.target || !frame_.shows_y(*options_.target)) return;
    const double y = y_of(*options_.target);
    add(R"(<path d="M{} {:.1f}H{}" {}/>)"
        "\n",
        kLeft, y, kLeft + kPlotWidth, kTargetStroke);
  }

  std::string target_name() const { return "target " + format_number(*options_.target); }

  void stroke(std::size_t name) {
    const char* dash = kDashes[name / kColours.size() % kDashes.size()];
    add(R"( stroke="{}" stroke-width="1.8" stroke-linejoin="round")", kColours[name % kColours.size()]);
    if (*dash) add(R"( stroke-dasharray="{}")", dash);
  }

  void curves() {
    add("<g clip-path=\"url(#plot)\" fill=\"none\">\n");
    // Backwards, so that the first (the best) lies on top.
    for (std::size_t i = curves_.size(); i-- > 0;)
      for (const auto& piece : pieces_of(curves_[i], frame_)) curve(piece, index_of(names_, curves_[i].name));
    add("</g>\n");
  }

  void curve(const std::vector<Point>& piece, std::size_t name) {
    std::vector<Pixel> pixels;
    for (const Point& point : piece) pixels.push_back({x_of(point.x), y_of(point.y)});
    if (pixels.size() == 1) {
      add(R"(<circle cx="{:.1f}" cy="{:.1f}" r="2.5" fill="{}"/>)"
          "\n",
          pixels[0].x, pixels[0].y, kColours[name % kColours.size()]);
      return;
    }
    add("<polyline");
    stroke(name);
    add(" stroke-opacity=\"{}\" points=\"", sharing(name) > 1 ? 0.75 : 1.0);
    // Far outside of the picture a renderer may lose its precision.
    for (const Pixel& pixel : thinned(pixels)) add("{:.1f},{:.1f} ", pixel.x, std::clamp(pixel.y, -1e4, 1e4));
    out_.back() = '"';
    add("/>\n");
  }

  std::size_t sharing(std::size_t name) const {
    return static_cast<std::size_t>(
        std::count_if(curves_.begin(), curves_.end(), [&](const Curve& curve) { return curve.name == names_[name]; }));
  }

  void frame_and_labels() {
    add(R"(<rect x="{}" y="{}" width="{}" height="{}" fill="none" stroke="#222"/>)"
        "\n",
        kLeft, kTop, kPlotWidth, kPlotHeight);
    const double middle = kLeft + kPlotWidth / 2;
    if (!options_.title.empty())
      add(R"(<text x="{}" y="{}" text-anchor="middle" font-size="14">{}</text>)"
          "\n",
          middle, kTop - 13, escape(options_.title));
    add(R"(<text x="{}" y="{}" text-anchor="middle" font-size="13">{}</text>)"
        "\n",
        middle, kTop + kPlotHeight + 42, escape(options_.x_label));
    add(R"svg(<text transform="translate(18 {}) rotate(-90)" text-anchor="middle" font-size="13">{}</text>)svg"
        "\n",
        kTop + kPlotHeight / 2, escape(options_.y_label));
  }

  void legend() {
    const double x = kLeft + kPlotWidth + kLegendGap;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const double y = kTop + 10 + kLegendLine * static_cast<double>(i);
      add(R"(<path d="M{} {}h{}" fill="none")", x, y, kSample);
      stroke(i);
      add(R"(/><text x="{}" y="{}">{}</text>)"
          "\n",
          x + kSample + 8, y + 4, escape(names_[i]));
    }
    if (!options_.target) return;
    const double y = kTop + 10 + kLegendLine * static_cast<double>(names_.size());
    add(R"(<path d="M{} {}h{}" fill="none" {}/><text x="{}" y="{}">{}</text>)"
        "\n",
        x, y, kSample, kTargetStroke, x + kSample + 8, y + 4, target_name());
  }

  const std::vector<Curve>& curves_;
  const PlotOptions& options_;
  Frame frame_;
  std::vector<std::string> names_;
  std::string out_;
};

}  // namespace

std::string svg_plot(const std::vector<Curve>& curves, const PlotOptions& options) {
  return Svg(curves, options).draw();
}

}  // namespace tardigrad::report
