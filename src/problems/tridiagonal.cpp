// SPDX-License-Identifier: Apache-2.0
#include "problems/tridiagonal.hpp"

#include <algorithm>
#include <cmath>

#include "problems/analytic.hpp"
#include "problems/shared_settings.hpp"

namespace tardigrad::problems {
namespace {

class Tridiagonal final : public AnalyticProblem {
 public:
  Tridiagonal(std::size_t dimension, GradientNoise noise, std::uint64_t seed)
      : AnalyticProblem(dimension, noise, seed), dimension_(dimension) {}

  void initial_point(std::span<float> x) const override {
    std::ranges::fill(x, 0.0f);
    x[0] = static_cast<float>(std::sqrt(static_cast<double>(dimension_)));
  }

  double exact_gradient(WorkerId, std::span<const float> x, std::span<float> g,
                        const IsCancelled& cancelled) const override {
    return visit(x, cancelled, [&](std::size_t j, double slope) { g[j] = static_cast<float>(slope); });
  }

  Evaluation evaluate(std::span<const float> x) const override {
    double squares = 0.0;
    const IsCancelled never = [] { return false; };
    const double loss = visit(x, never, [&](std::size_t, double slope) { squares += slope * slope; });
    return {.loss = loss, .squared_gradient_norm = squares};
  }

 private:
  // Calls each(j, j-th partial derivative) for all j, unless given up; returns f(x) - min f.
  //
  // With e = x - x*, e_0 = e_{d+1} = 0 (numbered from 1) and steps s_j = e_{j+1} - e_j:
  //   f(x) - min f = 1/2 e'Ae = 1/8 sum_{j=0}^{d} s_j^2,   grad_j f = (Ae)_j = 1/4 (s_{j-1} - s_j)
  // which loses no digits near the minimum, as f(x) itself would.
  template <class Each>
  double visit(std::span<const float> x, const IsCancelled& cancelled, const Each& each) const {
    const double slope_of_minimiser = 1.0 / static_cast<double>(dimension_ + 1);
    // x*_0 = -1 and x*_{d+1} = 0 extend the minimiser's straight line to the border, where e = 0.
    double before = -1.0;
    double last_step = 0.0, squares = 0.0;
    in_chunks(dimension_ + 1, cancelled, [&](std::size_t begin, std::size_t end) {
      for (std::size_t j = begin; j < end; ++j) {
        const double here = j < dimension_ ? x[j] : 0.0;
        const double step = here - before - slope_of_minimiser;
        if (j > 0) each(j - 1, 0.25 * (last_step - step));
        squares += step * step;
        before = here;
        last_step = step;
      }
    });
    return squares / 8.0;
  }

  std::size_t dimension_;
};

}  // namespace

std::unique_ptr<Problem> make_tridiagonal(Settings& settings, const ProblemContext& context) {
  const std::size_t dimension = read_dimension(settings, kTridiagonalDimension);
  return std::make_unique<Tridiagonal>(dimension, GradientNoise::read(settings), context.seed);
}

}  // namespace tardigrad::problems
