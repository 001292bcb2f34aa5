// SPDX-License-Identifier: Apache-2.0
#include "problems/noise.hpp"

#include <cmath>

namespace tardigrad::problems {

GradientNoise GradientNoise::read(Settings& settings) {
  Settings& table = settings.table_or_empty("noise");
  const std::string kind = table.choice_or("kind", "none", {"none", "gaussian", "sub-weibull"});
  GradientNoise noise;
  if (kind == "none") return noise;
  noise.kind_ = kind == "gaussian" ? Kind::gaussian : Kind::sub_weibull;
  noise.scale_ = table.number("scale", {.low = 0.0, .high = 1e30, .low_open = true});
  // Beyond 20 the mean square passes scale^2 * 10^35, past the range of float: a slip, not a law to study.
  if (kind == "sub-weibull") noise.tail_ = table.number("tail", {.low = 0.0, .high = 20.0, .low_open = true});
  return noise;
}

double GradientNoise::mean_square() const {
  switch (kind_) {
    case Kind::none:
      return 0.0;
    case Kind::gaussian:
      return scale_ * scale_;
    case Kind::sub_weibull:
      return scale_ * scale_ * std::pow(4.0, -tail_) * std::tgamma(2.0 * tail_ + 1.0);
  }
  return 0.0;
}

void GradientNoise::add_to(std::span<float> g, Stream stream, std::span<float> scratch, const GivenUp& given_up) const {
  if (kind_ == Kind::none) return;
  if (kind_ == Kind::gaussian) {
    const double deviation = scale_ / std::sqrt(static_cast<double>(g.size()));
    in_chunks(g.size(), given_up, [&](std::size_t begin, std::size_t end) {
      for (std::size_t j = begin; j < end; ++j) g[j] = static_cast<float>(g[j] + deviation * stream.normal());
    });
    return;
  }
  // A normalised Gaussian vector is uniform on the sphere.
  const double radius = scale_ * std::pow(stream.exponential() / 2.0, tail_);
  double squares = 0.0;
  const bool drawn = in_chunks(g.size(), given_up, [&](std::size_t begin, std::size_t end) {
    for (std::size_t j = begin; j < end; ++j) {
      scratch[j] = static_cast<float>(stream.normal());
      squares += static_cast<double>(scratch[j]) * scratch[j];
    }
  });
  if (!drawn) return;
  const double factor = radius / std::sqrt(squares);
  for (std::size_t j = 0; j < g.size(); ++j) g[j] = static_cast<float>(g[j] + factor * scratch[j]);
}

}  // namespace tardigrad::problems
