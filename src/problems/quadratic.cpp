// SPDX-License-Identifier: Apache-2.0
#include "problems/quadratic.hpp"

#include <algorithm>
#include <cmath>

#include "problems/analytic.hpp"
#include "problems/shared_settings.hpp"

namespace tardigrad::problems {
namespace {

std::vector<double> log_spaced(std::size_t count, double low, double high) {
  if (count == 1) return {high};
  std::vector<double> values(count);
  for (std::size_t j = 0; j < count; ++j)
    values[j] = low * std::pow(high / low, static_cast<double>(j) / static_cast<double>(count - 1));
  values.back() = high;  // pow may miss it by a rounding
  return values;
}

class Quadratic final : public AnalyticProblem {
 public:
  Quadratic(std::vector<double> curvature, double shift, GradientNoise noise, const ProblemContext& context)
      : AnalyticProblem(curvature.size(), noise, context.seed), curvature_(std::move(curvature)), shift_(shift) {
    if (shift_ > 0.0) compute_mean_shift(context.workers);
  }

  void initial_point(std::span<float> x) const override { std::ranges::fill(x, 1.0f); }

  double exact_gradient(WorkerId worker, std::span<const float> x, std::span<float> g,
                        const GivenUp& given_up) const override {
    if (shift_ > 0.0) return shifted_gradient(worker, x, g, given_up);
    double twice_loss = 0.0;
    in_chunks(curvature_.size(), given_up, [&](std::size_t begin, std::size_t end) {
      for (std::size_t j = begin; j < end; ++j) {
        const double slope = curvature_[j] * x[j];
        g[j] = static_cast<float>(slope);
        twice_loss += slope * x[j];
      }
    });
    return 0.5 * twice_loss;
  }

  Evaluation evaluate(std::span<const float> x) const override {
    double twice_loss = 0.0, squares = 0.0;
    for (std::size_t j = 0; j < curvature_.size(); ++j) {
      const double slope = curvature_[j] * x[j];
      twice_loss += slope * x[j];
      squares += slope * slope;
    }
    return {.loss = 0.5 * twice_loss, .squared_gradient_norm = squares};
  }

 private:
  Stream shift_stream(std::size_t worker) const {
    return Stream(seed(), Purpose::heterogeneity, static_cast<WorkerId>(worker), 0);
  }

  // The shifts are drawn again for every gradient: d draws are cheap, n * d floats are not when n is a million.
  double shifted_gradient(WorkerId worker, std::span<const float> x, std::span<float> g,
                          const GivenUp& given_up) const {
    Stream stream = shift_stream(worker);
    double twice_loss = 0.0;
    in_chunks(curvature_.size(), given_up, [&](std::size_t begin, std::size_t end) {
      for (std::size_t j = begin; j < end; ++j) {
        const double offset = x[j] - (shift_ * stream.normal() - mean_shift_[j]);
        const double slope = curvature_[j] * offset;
        g[j] = static_cast<float>(slope);
        twice_loss += slope * offset;
      }
    });
    return 0.5 * (twice_loss - mean_square_);
  }

  // Also the constant (1/n) sum_i sum_j a_j s_ij^2 that makes the local losses average to f.
  void compute_mean_shift(std::size_t workers) {
    const double n = static_cast<double>(workers);
    mean_shift_.assign(curvature_.size(), 0.0);
    for (std::size_t i = 0; i < workers; ++i) {
      Stream stream = shift_stream(i);
      for (std::size_t j = 0; j < curvature_.size(); ++j) {
        const double shift = shift_ * stream.normal();
        mean_shift_[j] += shift / n;
        mean_square_ += curvature_[j] * shift * shift / n;
      }
    }
    for (std::size_t j = 0; j < curvature_.size(); ++j) mean_square_ -= curvature_[j] * mean_shift_[j] * mean_shift_[j];
  }

  std::vector<double> curvature_;  // a_j
  double shift_;
  std::vector<double> mean_shift_;  // [d], empty without a shift
  double mean_square_ = 0.0;
};

}  // namespace

std::unique_ptr<Problem> make_quadratic(Settings& settings, const ProblemContext& context) {
  const std::size_t dimension = read_dimension(settings, 10);
  const double smoothness = settings.number_or("smoothness", 1.0, {.low = 0.0, .high = 1e30, .low_open = true});
  const double mu = settings.number_or("mu", std::min(0.1, smoothness), {.low = 0.0, .high = 1e30, .low_open = true});
  if (mu > smoothness) settings.fail("mu", "must be at most the smoothness, " + to_toml({smoothness}));
  const double shift = settings.table_or_empty("heterogeneity").number_or("shift", 0.0, {.low = 0.0, .high = 1e15});
  const GradientNoise noise = GradientNoise::read(settings);
  return std::make_unique<Quadratic>(log_spaced(dimension, mu, smoothness), shift, noise, context);
}

}  // namespace tardigrad::problems
