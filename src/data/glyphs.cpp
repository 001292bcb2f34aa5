// SPDX-License-Identifier: Apache-2.0
#include "data/glyphs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <thread>

#include "tardigrad/rng.hpp"

namespace tardigrad::data {
namespace {

constexpr std::uint64_t kSeed = 28;  // part of what "glyphs" is: never change it
constexpr double kSide = static_cast<double>(kGlyphSide);

struct Point {
  double x = 0, y = 0;
};
struct Segment {
  Point from, to;
};
using Drawing = std::vector<Segment>;

/// The points given, joined one after another.
void join_points(Drawing& drawing, const std::vector<Point>& points) {
  for (std::size_t i = 1; i < points.size(); ++i) drawing.push_back({points[i - 1], points[i]});
}

/// 16 points around the unit circle, the first one again at the end. By repeated rotation and square roots, not by
/// sin and cos, whose last bit differs between libraries.
std::vector<Point> circle() {
  const double half = std::sqrt(0.5);
  const double c = std::sqrt((1 + half) / 2), s = std::sqrt((1 - half) / 2);  // of 22.5 degrees
  std::vector<Point> points{{1, 0}};
  for (int i = 0; i < 15; ++i) {
    const Point p = points.back();
    points.push_back({p.x * c - p.y * s, p.x * s + p.y * c});
  }
  points.push_back(points.front());
  return points;
}

/// The ten drawings, inside the unit circle; y grows downwards.
std::array<Drawing, kGlyphClasses> make_drawings() {
  std::array<Drawing, kGlyphClasses> d;
  const std::vector<Point> round = circle();
  join_points(d[0], round);                                                                         // ring
  join_points(d[1], {{0, -1}, {0.87, 0.6}, {-0.87, 0.6}, {0, -1}});                                 // triangle
  join_points(d[2], {{-0.75, -0.75}, {0.75, -0.75}, {0.75, 0.75}, {-0.75, 0.75}, {-0.75, -0.75}});  // square
  d[3] = {{{-1, 0}, {1, 0}}, {{0, -1}, {0, 1}}};                                                    // plus
  join_points(d[4], {{-0.75, -0.8}, {0.75, -0.8}, {-0.75, 0.8}, {0.75, 0.8}});                      // Z
  d[5] = {{{0, -1}, {0, 1}}, {{0, -1}, {-0.65, -0.25}}, {{0, -1}, {0.65, -0.25}}};                  // arrow
  d[6] = {{{-0.7, -0.85}, {-0.7, 0.85}}, {{0.7, -0.85}, {0.7, 0.85}}, {{-0.7, 0}, {0.7, 0}}};       // H
  join_points(d[7], {round.begin(), round.begin() + 9});  // U: the lower half circle,
  d[7].push_back({{1, 0}, {1, -0.8}});                    // and its two posts
  d[7].push_back({{-1, 0}, {-1, -0.8}});
  join_points(d[8], round);  // theta
  d[8].push_back({{-1, 0}, {1, 0}});
  d[9] = {{{0, -1}, {0, 1}}, {{-0.87, -0.5}, {0.87, 0.5}}, {{-0.87, 0.5}, {0.87, -0.5}}};  // star
  return d;
}

double between(Stream& stream, double low, double high) { return low + (high - low) * stream.uniform(); }

/// x -> centre + A x, with A = size * turn * shear * stretch.
struct AffineMap {
  double xx, xy, yx, yy;
  Point centre;
  Point operator()(Point p) const { return {centre.x + xx * p.x + xy * p.y, centre.y + yx * p.x + yy * p.y}; }
};

AffineMap draw_map(Stream& stream) {
  const double t = between(stream, -0.18, 0.18);  // tan(angle / 2): turns by up to 20 degrees, without sin and cos
  const double c = (1 - t * t) / (1 + t * t), s = 2 * t / (1 + t * t);
  const double size = between(stream, 6.0, 9.5), shear = between(stream, -0.25, 0.25);
  const double stretch = between(stream, 0.8, 1.25);
  const double room = 3.0;  // pixels: at most the end of a stroke leaves the image
  return {.xx = size * c * stretch,
          .xy = size * (c * shear - s) / stretch,
          .yx = size * s * stretch,
          .yy = size * (s * shear + c) / stretch,
          .centre = {kSide / 2 + between(stream, -room, room), kSide / 2 + between(stream, -room, room)}};
}

double distance(const Segment& segment, Point p) {
  const double dx = segment.to.x - segment.from.x, dy = segment.to.y - segment.from.y;
  const double px = p.x - segment.from.x, py = p.y - segment.from.y;
  const double along = std::clamp((px * dx + py * dy) / (dx * dx + dy * dy), 0.0, 1.0);
  const double ex = px - along * dx, ey = py - along * dy;
  return std::sqrt(ex * ex + ey * ey);
}

using Ink = std::array<double, kGlyphSide * kGlyphSide>;

/// Draws a stroke with soft edges: the darker of what was there and what comes.
void draw_stroke(Ink& ink, const Segment& segment, double width, double strength) {
  const double reach = width / 2 + 1;
  const auto pixel = [](double v) { return static_cast<std::size_t>(std::clamp(v, 0.0, kSide)); };
  const auto [x0, x1] = std::minmax(segment.from.x, segment.to.x);
  const auto [y0, y1] = std::minmax(segment.from.y, segment.to.y);
  for (std::size_t y = pixel(y0 - reach); y < pixel(y1 + reach + 1); ++y)
    for (std::size_t x = pixel(x0 - reach); x < pixel(x1 + reach + 1); ++x) {
      const Point centre{static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5};
      const double covered = std::clamp(width / 2 + 0.5 - distance(segment, centre), 0.0, 1.0);
      double& there = ink[y * kGlyphSide + x];
      there = std::max(there, strength * covered);
    }
}

void draw_distractors(Ink& ink, Stream& stream) {
  const std::uint64_t count = 2 + stream.below(3);
  for (std::uint64_t i = 0; i < count; ++i) {
    const Point from{between(stream, 1, kSide - 1), between(stream, 1, kSide - 1)};
    Point by{between(stream, -5, 5), between(stream, -5, 5)};
    if (by.x * by.x + by.y * by.y < 1) by.x = 1;  // a dot would have no direction
    // Named, because compilers differ in the order in which they evaluate arguments.
    const double strength = between(stream, 0.4, 0.9), width = between(stream, 1.0, 2.0);
    draw_stroke(ink, {from, {from.x + by.x, from.y + by.y}}, width, strength);
  }
}

/// Mean 0, standard deviation near 1: the sum of four uniform bytes, which needs no logarithm.
double rough_normal(Stream& stream) {
  const std::uint32_t bits = stream.bits32();
  const std::uint32_t sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);
  return (static_cast<double>(sum) - 510.0) / 147.8;
}

void draw_image(const Drawing& drawing, Stream stream, std::uint8_t* pixels) {
  const AffineMap map = draw_map(stream);
  const double width = between(stream, 1.2, 2.8), strength = between(stream, 0.6, 1.0);
  Ink ink{};
  for (const Segment& segment : drawing) draw_stroke(ink, {map(segment.from), map(segment.to)}, width, strength);
  draw_distractors(ink, stream);
  const double paper = between(stream, 10, 50), noise = between(stream, 8, 22);
  for (std::size_t i = 0; i < ink.size(); ++i) {
    const double value = paper + (250 - paper) * ink[i] + noise * rough_normal(stream);
    pixels[i] = static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0));
  }
}

ImageSet generate(std::size_t count, std::uint32_t part) {
  ImageSet set{.channels = 1, .height = kGlyphSide, .width = kGlyphSide, .pixels = {}, .labels = {}};
  set.pixels.resize(count * set.image_bytes());
  set.labels.resize(count);
  const std::array<Drawing, kGlyphClasses> drawings = make_drawings();
  const std::size_t threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 16);
  std::vector<std::jthread> pool;
  for (std::size_t t = 0; t < threads; ++t)
    pool.emplace_back([&, t] {
      for (std::size_t i = t * count / threads; i < (t + 1) * count / threads; ++i) {
        set.labels[i] = static_cast<std::uint8_t>(i % kGlyphClasses);
        draw_image(drawings[set.labels[i]], Stream(kSeed, Purpose::dataset, part, i),
                   set.pixels.data() + i * set.image_bytes());
      }
    });
  pool.clear();  // joins
  return set;
}

}  // namespace

ImageDataset generate_glyphs() {
  return {.name = "glyphs",
          .classes = kGlyphClasses,
          .train = generate(kGlyphsTrain, 0),
          .test = generate(kGlyphsTest, 1),
          .sources = {{.name = "glyphs", .hash = "version " + std::to_string(kGlyphsVersion)}}};
}

}  // namespace tardigrad::data
