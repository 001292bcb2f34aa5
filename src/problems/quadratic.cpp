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

// How the workers differ.
struct Heterogeneity {
  double shift = 0.0, curvature = 0.0;
  bool any() const { return shift > 0.0 || curvature > 0.0; }
};

class Quadratic final : public AnalyticProblem {
 public:
  Quadratic(std::vector<double> curvature, Heterogeneity own, GradientNoise noise, const ProblemContext& context)
      : AnalyticProblem(curvature.size(), noise, context.seed), curvature_(std::move(curvature)), own_(own) {
    if (own_.curvature > 0.0) compute_mean_factor(context.workers);
    if (own_.any()) compute_mean_shift(context.workers);
  }

  void initial_point(std::span<float> x) const override { std::ranges::fill(x, 1.0f); }
  bool has_own_losses() const override { return own_.any(); }

  double exact_gradient(WorkerId worker, std::span<const float> x, std::span<float> g,
                        const IsCancelled& cancelled) const override {
    if (own_.any()) return own_gradient(worker, x, g, cancelled);
    double twice_loss = 0.0;
    in_chunks(curvature_.size(), cancelled, [&](std::size_t begin, std::size_t end) {
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
  // One worker's curvatures and minimum, coordinate after coordinate. They are drawn again for every gradient: d draws
  // are cheap, n * d floats are not when n is a million.
  class Own {
   public:
    Own(const Quadratic& problem, std::size_t worker)
        : problem_(problem),
          shifts_(problem.seed(), Purpose::heterogeneity, static_cast<WorkerId>(worker), 0),
          factors_(problem.seed(), Purpose::heterogeneity, static_cast<WorkerId>(worker), 1) {}
    // 1 + curvature * U(-1, 1), before it is divided by its mean over the workers
    double raw_factor() { return 1.0 + problem_.own_.curvature * (2.0 * factors_.uniform() - 1.0); }
    // h_ij
    double curvature(std::size_t j) {
      return problem_.own_.curvature == 0.0 ? problem_.curvature_[j]
                                            : problem_.curvature_[j] * (raw_factor() / problem_.mean_factor_[j]);
    }
    // s_ij, before the minimiser of the mean is taken from it
    double raw_shift() { return problem_.own_.shift * shifts_.normal(); }

   private:
    const Quadratic& problem_;
    Stream shifts_, factors_;
  };

  double own_gradient(WorkerId worker, std::span<const float> x, std::span<float> g,
                      const IsCancelled& cancelled) const {
    Own own(*this, worker);
    double twice_loss = 0.0;
    in_chunks(curvature_.size(), cancelled, [&](std::size_t begin, std::size_t end) {
      for (std::size_t j = begin; j < end; ++j) {
        const double offset = x[j] - (own.raw_shift() - mean_shift_[j]);
        const double slope = own.curvature(j) * offset;
        g[j] = static_cast<float>(slope);
        twice_loss += slope * offset;
      }
    });
    return 0.5 * (twice_loss - mean_square_);
  }

  void compute_mean_factor(std::size_t workers) {
    mean_factor_.assign(curvature_.size(), 0.0);
    for (std::size_t i = 0; i < workers; ++i) {
      Own own(*this, i);
      for (double& mean : mean_factor_) mean += own.raw_factor() / static_cast<double>(workers);
    }
  }

  // The minimiser of the mean of all f_i, sum_i h_ij s_ij / (n a_j), and the constant (1/n) sum_i sum_j h_ij s_ij^2
  // that makes the local losses average to f.
  void compute_mean_shift(std::size_t workers) {
    const double n = static_cast<double>(workers);
    mean_shift_.assign(curvature_.size(), 0.0);
    for (std::size_t i = 0; i < workers; ++i) {
      Own own(*this, i);
      for (std::size_t j = 0; j < curvature_.size(); ++j) {
        const double shift = own.raw_shift(), curvature = own.curvature(j);
        mean_shift_[j] += (own_.curvature == 0.0 ? shift : curvature / curvature_[j] * shift) / n;
        mean_square_ += curvature * shift * shift / n;
      }
    }
    for (std::size_t j = 0; j < curvature_.size(); ++j) mean_square_ -= curvature_[j] * mean_shift_[j] * mean_shift_[j];
  }

  std::vector<double> curvature_;  // a_j
  Heterogeneity own_;
  std::vector<double> mean_factor_;  // [d], where curvatures differ
  std::vector<double> mean_shift_;   // [d], where workers differ
  double mean_square_ = 0.0;
};

}  // namespace

std::unique_ptr<Problem> make_quadratic(Settings& settings, const ProblemContext& context) {
  const std::size_t dimension = read_dimension(settings, kQuadraticDimension);
  const double smoothness = read(settings, kSmoothness);
  const double mu = read(settings, kMu, std::min(0.1, smoothness));
  if (mu > smoothness) settings.fail(kMu.key, "must be at most the smoothness, " + to_toml({smoothness}));
  Settings& heterogeneity = read(settings, kHeterogeneity);
  const Heterogeneity own{.shift = read(heterogeneity, kShift), .curvature = read(heterogeneity, kCurvature)};
  const GradientNoise noise = GradientNoise::read(settings);
  return std::make_unique<Quadratic>(log_spaced(dimension, mu, smoothness), own, noise, context);
}

}  // namespace tardigrad::problems
