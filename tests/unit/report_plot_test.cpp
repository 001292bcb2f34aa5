// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "report/plot.hpp"

namespace tardigrad::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> labels(const Axis& axis, std::size_t count) {
  std::vector<std::string> result;
  for (const Tick& tick : axis.ticks(count)) result.push_back(tick.label);
  return result;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

TEST(Axis, LinearTicksAreRound) {
  EXPECT_THAT(labels({.low = 0, .high = 300}, 7), ElementsAre("0", "50", "100", "150", "200", "250", "300"));
  EXPECT_THAT(labels({.low = 0.1, .high = 0.9}, 4), ElementsAre("0.2", "0.4", "0.6", "0.8"));
  EXPECT_THAT(labels({.low = -1.5, .high = 1.5}, 3), ElementsAre("-1", "0", "1"));
}

TEST(Axis, LogarithmicTicksAreDecadesOrDenser) {
  EXPECT_THAT(labels({.low = 0.0005, .high = 2, .logarithmic = true}, 6), ElementsAre("0.001", "0.01", "0.1", "1"));
  EXPECT_THAT(labels({.low = 0.9, .high = 11, .logarithmic = true}, 6), ElementsAre("1", "2", "5", "10"));
  EXPECT_THAT(labels({.low = 1e-20, .high = 1, .logarithmic = true}, 6).size(),
              testing::AllOf(testing::Ge(3u), testing::Le(7u)));
  EXPECT_THAT(labels({.low = 3.1, .high = 3.9, .logarithmic = true}, 4), ElementsAre("3.2", "3.4", "3.6", "3.8"));
}

TEST(Axis, FitsWhatIsFinite) {
  const Axis linear = fit_axis({1, NAN, 3, INFINITY}, Scale::automatic);
  EXPECT_EQ(linear.low, 1);
  EXPECT_EQ(linear.high, 3);
  EXPECT_FALSE(linear.logarithmic);
  EXPECT_TRUE(fit_axis({0.001, 1}, Scale::automatic).logarithmic);
  EXPECT_FALSE(fit_axis({0.0, 1}, Scale::automatic).logarithmic);
  EXPECT_EQ(fit_axis({-1, 0, 2, 8}, Scale::logarithmic).low, 2);
  EXPECT_EQ(fit_axis({}, Scale::automatic).high, 1);
  EXPECT_EQ(fit_axis({-1}, Scale::logarithmic).high, 10);
  EXPECT_EQ(fit_axis({4, 4}, Scale::linear).low, 2);
  EXPECT_EQ(fit_axis({0}, Scale::linear).high, 1);
}

TEST(Axis, Positions) {
  const Axis axis{.low = 0.01, .high = 1, .logarithmic = true};
  EXPECT_NEAR(axis.position(0.1), 0.5, 1e-15);
  EXPECT_FALSE(axis.can_show(0.0));
  EXPECT_FALSE(axis.can_show(NAN));
  EXPECT_EQ((Axis{.low = 2, .high = 4}.position(3)), 0.5);
}

TEST(TextPlot, HasThisPicture) {
  const std::vector<Curve> curves = {{"falls", {{0, 4}, {10, 0}}}, {"stays", {{0, 2}, {10, 2}}}};
  EXPECT_EQ(text_plot(curves, {.title = "Two", .x_label = "time [s]", .y_label = "loss"}, 24, 5),
            "Two\n"
            "loss\n"
            "4 |aaa\n"
            "  |   aaaaa\n"
            "  |bbbbbbbbaaaaabbbbbbbb\n"
            "  |             aaaaa\n"
            "0 |                  aaa\n"
            "  +---------------------\n"
            "   0     time [s]     10\n"
            "   a falls\n"
            "   b stays\n");
}

TEST(TextPlot, BreaksAtWhatCannotBeShown) {
  const std::vector<Curve> curves = {{"m", {{0, 1}, {5, NAN}, {10, 1}}}};
  EXPECT_THAT(text_plot(curves, {.y_label = "loss"}, 24, 4), HasSubstr("    |a                 a\n"));
}

TEST(TextPlot, TimeIsLogarithmicWhereCurvesEndFarApart) {
  const std::vector<Point> quick = {{0, 3}, {1, 2}, {10, 1}};
  const PlotOptions options = {.x_label = "time"};
  const std::string near = text_plot({{"quick", quick}, {"slow", {{0, 3}, {200, 1}}}}, options, 40, 5);
  EXPECT_EQ(near.find("time (logarithmic)"), std::string::npos);
  const std::string far = text_plot({{"quick", quick}, {"slow", {{0, 3}, {1, 3}, {201, 1}}}}, options, 40, 5);
  EXPECT_NE(far.find("time (logarithmic)"), std::string::npos);
  // The quick curve ends at 36 log 10/log 201 = 15.6 of 36 columns.
  const std::size_t bottom = far.find("1 |") + 3;
  EXPECT_EQ(far.substr(bottom, far.find('\n', bottom) - bottom).rfind('a'), 16u);
}

TEST(TextPlot, NothingToShowIsAnEmptyFrame) {
  EXPECT_THAT(text_plot({}, {.y_label = "loss", .target = 1.0}, 20, 4), HasSubstr("loss\n"));
  EXPECT_THAT(text_plot({{"m", {{0, NAN}}}}, {.y_label = "loss"}, 20, 4), HasSubstr("m\n"));
  EXPECT_DEATH(text_plot({}, {}, 5, 4), "5 x 4");
}

TEST(SvgPlot, HasCurvesLegendAndTarget) {
  const std::vector<Curve> curves = {
      {"a<b", {{0, 1}, {1, 0.5}}}, {"a<b", {{0, 1}, {1, 0.4}}}, {"c & d", {{0, 1}, {1, 2}}}};
  const std::string svg = svg_plot(curves, {.title = "\"T\"", .x_label = "time [s]", .y_label = "loss", .target = 0.7});
  EXPECT_THAT(svg, testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_EQ(occurrences(svg, "<polyline"), 3u);
  EXPECT_EQ(occurrences(svg, "a&lt;b"), 1u);  // one line of the legend for both seeds
  EXPECT_THAT(svg, HasSubstr("c &amp; d"));
  EXPECT_THAT(svg, HasSubstr("<title>&quot;T&quot;</title>"));
  EXPECT_THAT(svg, HasSubstr(">target 0.7</text>"));
  EXPECT_THAT(svg, HasSubstr(">time [s]</text>"));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
}

TEST(SvgPlot, PlacesPointsInTheFrame) {
  const std::string svg = svg_plot({{"m", {{0, 0}, {10, 1}}}}, {.y_low = 0.0, .y_high = 1.0});
  EXPECT_THAT(svg, HasSubstr("points=\"76.0,374.0 636.0,34.0\""));
}

TEST(SvgPlot, ManyPointsMakeNoLargerPicture) {
  Curve curve{"m", {}};
  for (int i = 0; i < 200'000; ++i) curve.points.push_back({i * 1.0, i % 2 == 0 ? 1.0 : 1.0 + (i == 77'777)});
  const std::string svg = svg_plot({curve}, {.y_low = 0.0, .y_high = 4.0});
  EXPECT_LT(svg.size(), 60'000u);
  EXPECT_THAT(svg, HasSubstr(",204.0 "));  // the one peak is still there: 34 + 340 / 2
}

TEST(SvgPlot, NothingToShowIsAnEmptyFrame) {
  EXPECT_THAT(svg_plot({}, {}), Not(HasSubstr("nan")));
  EXPECT_THAT(svg_plot({{"m", {{NAN, 1}, {0, INFINITY}}}}, {}), Not(HasSubstr("<polyline")));
  EXPECT_THAT(svg_plot({{"m", {{0, 1}}}}, {}), HasSubstr("<circle"));
}

}  // namespace
}  // namespace tardigrad::report
