// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "problems/chunks.hpp"
#include "problems/noise.hpp"
#include "tardigrad/problem.hpp"

namespace tardigrad::problems {

/// A problem whose gradients and minimum are closed forms; what makes it stochastic is added noise,
/// drawn from (seed, gradient_noise, worker, index).
///
/// Metrics  loss = f(x) - min f, gradient_norm = ||grad f(x)||. `optimal_value` belongs to this loss: 0.
/// Cost     no allocation per gradient. One that nobody waits for ends within kCoordinatesBetweenLooks coordinates.
class AnalyticProblem : public Problem {
 public:
  AnalyticProblem(std::size_t dimension, GradientNoise noise, std::uint64_t seed)
      : layout_("x", dimension), noise_(noise), seed_(seed) {}

  struct Evaluation {
    double loss;                   ///< f(x) - min f
    double squared_gradient_norm;  ///< ||grad f(x)||^2
  };

  /// Writes grad f_worker(x) into g; returns f_worker(x) - min f. It may return early, with anything, once given up.
  virtual double exact_gradient(WorkerId worker, std::span<const float> x, std::span<float> g,
                                const IsCancelled& cancelled) const = 0;
  virtual Evaluation evaluate(std::span<const float> x) const = 0;

  const GradientNoise& noise() const { return noise_; }
  std::uint64_t seed() const { return seed_; }

  const Layout& layout() const final { return layout_; }
  std::unique_ptr<Replica> make_replica() const final;
  std::vector<std::string> metric_names() const final { return {"loss", "gradient_norm"}; }
  std::vector<Metric> metrics(std::span<const double> sums) const final;
  std::optional<double> optimal_value() const final { return 0.0; }

 private:
  Layout layout_;
  GradientNoise noise_;
  std::uint64_t seed_;
};

}  // namespace tardigrad::problems
