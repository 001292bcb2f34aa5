// SPDX-License-Identifier: Apache-2.0
#include "problems/noise.hpp"

#include <cmath>

#include "core/kernels.hpp"
#include "problems/settings.hpp"

namespace tardigrad::problems {

GradientNoise GradientNoise::read(Settings& settings) {
  Settings& table = tardigrad::read(settings, kNoise);
  const std::string kind = read_variant(table, kNoise);
  GradientNoise noise;
  if (kind == "none") return noise;
  noise.kind_ = kind == "gaussian" ? Kind::gaussian : kind == "skewed" ? Kind::skewed : Kind::sub_weibull;
  noise.scale_ = tardigrad::read(table, kNoiseScale);
  noise.growth_ = tardigrad::read(table, kNoiseGrowth);
  if (noise.kind_ == Kind::gaussian) return noise;
  noise.tail_ = tardigrad::read(table, kNoiseTail);
  noise.power_mean_ = std::tgamma(noise.tail_ + 1.0);
  noise.power_deviation_ = std::sqrt(std::tgamma(2.0 * noise.tail_ + 1.0) - noise.power_mean_ * noise.power_mean_);
  // Of a power of nearly 0 all draws are 1, and the difference has no digit left.
  if (noise.kind_ == Kind::skewed && noise.tail_ < 1e-3)
    table.fail(kNoiseTail.key, "must be at least 0.001 for skewed noise");
  return noise;
}

double GradientNoise::mean_square() const {
  switch (kind_) {
    case Kind::none:
      return 0.0;
    case Kind::gaussian:
    case Kind::skewed:
      return scale_ * scale_;
    case Kind::sub_weibull:
      return scale_ * scale_ * std::pow(4.0, -tail_) * std::tgamma(2.0 * tail_ + 1.0);
  }
  return 0.0;
}

void GradientNoise::add_to(std::span<float> g, Stream stream, std::span<float> scratch,
                           const IsCancelled& cancelled) const {
  if (kind_ == Kind::none) return;
  const double scale = growth_ == 0.0 ? scale_ : scale_ * std::sqrt(1.0 + growth_ * growth_ * kernels::squared_norm(g));
  const double root = std::sqrt(static_cast<double>(g.size()));
  if (kind_ == Kind::gaussian) {
    const double deviation = scale / root;
    in_chunks(g.size(), cancelled, [&](std::size_t begin, std::size_t end) {
      for (std::size_t j = begin; j < end; ++j) g[j] = static_cast<float>(g[j] + deviation * stream.normal());
    });
    return;
  }
  if (kind_ == Kind::skewed) {
    const double z = (std::pow(stream.exponential(), tail_) - power_mean_) / power_deviation_;
    in_chunks(g.size(), cancelled, [&](std::size_t begin, std::size_t end) {
      for (std::size_t j = begin; j < end; ++j) g[j] = static_cast<float>(g[j] + scale * z / root);
    });
    return;
  }
  // A normalised Gaussian vector is uniform on the sphere.
  const double radius = scale * std::pow(stream.exponential() / 2.0, tail_);
  double squares = 0.0;
  const bool drawn = in_chunks(g.size(), cancelled, [&](std::size_t begin, std::size_t end) {
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
