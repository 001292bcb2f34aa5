// SPDX-License-Identifier: Apache-2.0
// A user's problem, whole: the Rosenbrock valley in d dimensions, with Gaussian noise on its gradient.
//
//   f(x) = sum_{j=1}^{d-1} 100 (x_{j+1} - x_j^2)^2 + (1 - x_j)^2,   min f = f(1, ..., 1) = 0,   x0 = (-1.2, 1, -1.2,
//   ...)
//
// Settings  dimension (2, at least 2), noise (0): every coordinate gets noise * N(0, 1)
#include "tardigrad/plugin.hpp"
#include "tardigrad/rng.hpp"

namespace {

using namespace tardigrad;

constexpr Setting<std::int64_t> kDimension = {
    .key = "dimension", .fallback = 2, .range = {.low = 2, .high = 1e9}, .meaning = "d"};
constexpr Setting<double> kNoise = {.key = "noise",
                                    .fallback = 0.0,
                                    .range = at_least(0.0),
                                    .meaning = "every coordinate of a gradient gets so much N(0, 1)"};
constexpr SettingRow kSettings[] = {kDimension, kNoise};

class Rosenbrock final : public Problem {
 public:
  Rosenbrock(std::size_t dimension, double noise, std::uint64_t seed)
      : layout_("x", dimension), noise_(noise), seed_(seed) {}

  // f(x); calls each(j, j-th partial derivative of f).
  template <class Each>
  static double visit(std::span<const float> x, const Each& each) {
    double value = 0.0, carried = 0.0;  // what the term before contributes to this derivative
    for (std::size_t j = 0; j + 1 < x.size(); ++j) {
      const double here = x[j], valley = x[j + 1] - here * here, distance = 1.0 - here;
      value += 100.0 * valley * valley + distance * distance;
      each(j, carried - 400.0 * here * valley - 2.0 * distance);
      carried = 200.0 * valley;
    }
    each(x.size() - 1, carried);
    return value;
  }

  class ThisReplica final : public Replica {
   public:
    explicit ThisReplica(const Rosenbrock& problem) : problem_(problem) {}

    double gradient(const Order& order, std::span<const float> x, std::span<float> g) override {
      // The same (seed, purpose, worker, index) always gives the same numbers: this is what makes runs repeatable.
      Stream stream(problem_.seed_, Purpose::gradient_noise, order.worker, order.index);
      return visit(x, [&](std::size_t j, double slope) {
        g[j] = static_cast<float>(slope + (problem_.noise_ > 0.0 ? problem_.noise_ * stream.normal() : 0.0));
      });
    }

    std::vector<double> evaluate(std::span<const float> x, std::size_t, const void*) override {
      return {visit(x, [](std::size_t, double) {})};
    }

   private:
    const Rosenbrock& problem_;
  };

  const Layout& layout() const override { return layout_; }
  void initial_point(std::span<float> x) const override {
    for (std::size_t j = 0; j < x.size(); ++j) x[j] = j % 2 == 0 ? -1.2f : 1.0f;
  }
  std::unique_ptr<Replica> make_replica() const override { return std::make_unique<ThisReplica>(*this); }
  std::vector<std::string> metric_names() const override { return {"loss"}; }
  std::vector<Metric> metrics(std::span<const double> sums) const override { return {{"loss", sums[0]}}; }
  std::optional<double> optimal_value() const override { return 0.0; }

 private:
  Layout layout_;
  double noise_;
  std::uint64_t seed_;
};

std::unique_ptr<Problem> make_rosenbrock(Settings& settings, const ProblemContext& context) {
  const auto dimension = static_cast<std::size_t>(read(settings, kDimension));
  return std::make_unique<Rosenbrock>(dimension, read(settings, kNoise), context.seed);
}

}  // namespace

extern "C" const tardigrad::Plugin* tardigrad_plugin() {
  static const ProblemRow problems[] = {{.name = "rosenbrock",
                                         .summary = "the curved valley of Rosenbrock, from a plugin",
                                         .make = make_rosenbrock,
                                         .settings = kSettings}};
  static const Plugin plugin{.name = "example", .problems = problems};
  return &plugin;
}
