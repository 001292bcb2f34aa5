// SPDX-License-Identifier: Apache-2.0
#include "report/statistics.hpp"

#include <cmath>
#include <numbers>
#include <numeric>

#include "tardigrad/error.hpp"

namespace tardigrad::report {

Estimate estimate(std::span<const double> sample) {
  TG_CHECK(!sample.empty(), "an estimate needs a value");
  const double n = static_cast<double>(sample.size());
  Estimate result{.n = sample.size(), .mean = std::accumulate(sample.begin(), sample.end(), 0.0) / n};
  if (sample.size() == 1) return result;
  double squares = 0.0;
  for (const double x : sample) squares += (x - result.mean) * (x - result.mean);
  result.deviation = std::sqrt(squares / (n - 1));
  const double half = student_t_bound(0.95, sample.size() - 1) * *result.deviation / std::sqrt(n);
  result.interval = {.low = result.mean - half, .high = result.mean + half};
  return result;
}

double student_t_within(double t, std::size_t degrees) {
  const double angle = std::atan(t / std::sqrt(static_cast<double>(degrees)));
  const double square = std::cos(angle) * std::cos(angle);
  const bool odd = degrees % 2 == 1;
  if (degrees == 1) return 2.0 * angle / std::numbers::pi;
  // odd:   cos a (1 + 2/3 cos^2 a + (2*4)/(3*5) cos^4 a + ...);  even:  1 + 1/2 cos^2 a + (1*3)/(2*4) cos^4 a + ...
  double term = odd ? std::cos(angle) : 1.0;
  double sum = term;
  for (std::size_t k = odd ? 3 : 2; k + 2 <= degrees; k += 2) {
    term *= square * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  return odd ? 2.0 / std::numbers::pi * (angle + std::sin(angle) * sum) : std::sin(angle) * sum;
}

double student_t_bound(double probability, std::size_t degrees) {
  TG_CHECK(probability >= 0.0 && probability < 1.0 && degrees >= 1, probability, " ", degrees);
  double low = 0.0, high = 1.0;
  while (student_t_within(high, degrees) < probability && high < 1e300) high *= 2.0;
  for (int i = 0; i < 200; ++i) {
    const double middle = low + (high - low) / 2.0;
    if (middle == low || middle == high) break;
    (student_t_within(middle, degrees) < probability ? low : high) = middle;
  }
  return high;
}

}  // namespace tardigrad::report
