// SPDX-License-Identifier: Apache-2.0
#include "report/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "tardigrad/error.hpp"

namespace tardigrad::report {

Estimate estimate(std::span<const double> sample, Averaging averaging) {
  TG_CHECK(!sample.empty(), "an estimate needs a value");
  const bool geometric = averaging == Averaging::geometric;
  Estimate result{.averaging = averaging, .values = {sample.begin(), sample.end()}};
  std::vector<double> y;
  for (const double x : sample) {
    TG_CHECK(!geometric || !(x < 0.0), "a time of ", x);
    y.push_back(geometric ? std::log(x) : x);
  }
  const auto back = [&](double value) { return geometric ? std::exp(value) : value; };
  const double n = static_cast<double>(y.size());
  const double mean = std::accumulate(y.begin(), y.end(), 0.0) / n;
  // Equal values have themselves as their centre, to the last bit.
  const bool equal = std::ranges::all_of(sample, [&](double x) { return x == sample.front(); });
  result.centre = equal ? sample.front() : back(mean);
  if (y.size() < 2 || !std::isfinite(mean)) return result;
  double squares = 0.0;
  for (const double value : y) squares += equal ? 0.0 : (value - mean) * (value - mean);
  result.deviation = std::sqrt(squares / (n - 1));
  if (y.size() < 3) return result;
  const double half = student_t_bound(0.95, y.size() - 1) * *result.deviation / std::sqrt(n);
  result.interval = {.low = back(mean - half), .high = back(mean + half)};
  if (equal) result.interval = {.low = result.centre, .high = result.centre};
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
