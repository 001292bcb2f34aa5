// SPDX-License-Identifier: Apache-2.0
#include "methods/policies/clipping/clipping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <string>

#include "methods/policies/policy_state.hpp"

namespace tardigrad::methods {
namespace {

bool is_auto(Settings& settings) {
  const auto value = settings.raw(kClipRadius.key);
  if (!value || value->is_number()) return false;
  if (!value->is_text() || std::get<std::string>(value->value) != "auto")
    settings.fail("clip_radius", "must be a number > 0, or \"auto\"");
  return true;
}

double read_radius_or(Settings& settings, double fallback) {
  if (is_auto(settings)) settings.fail("clip_radius", "goes with rule = \"norm\" alone; give a number > 0");
  return read(settings, kClipRadius, fallback);
}

// Without a bound a rule would do nothing.
double read_radius(Settings& settings) {
  if (is_auto(settings)) settings.fail("clip_radius", "goes with rule = \"norm\" alone; give a number > 0");
  return read(settings, required_clip_radius(""));
}

[[noreturn]] void refuse(Settings& settings, const std::string& rule) {
  settings.fail("privacy", "needs a bound on the norms that no gradient reveals, and " + rule +
                               " has none; give a clip_radius, or clipping = { rule = \"quantile\" }");
}

PercentileRadius read_percentile(Settings& settings, Settings& table) {
  return PercentileRadius({.percentile = read(table, kPercentile),
                           .window = static_cast<std::size_t>(read(table, kClippingWindow)),
                           .initial = read_radius_or(settings, std::numeric_limits<double>::infinity())});
}

ClipBlocks read_blocks(Settings& settings, Settings& table) {
  const bool by_size = read(table, kShares) == "size";
  return {read_radius(settings), by_size ? ClipBlocks::Shares::size : ClipBlocks::Shares::equal};
}

ClipCoordinates read_coordinates(Settings& settings, Settings& table) {
  ClipCoordinates rule{.high = read_radius(settings)};
  rule.low = read(table, kLow);
  if (rule.low > rule.high) table.fail("low", "must not be above clip_radius");
  return rule;
}

}  // namespace

QuantileRadius Clipping::read_quantile(Settings& settings, Settings& table, const Demand& demand) {
  QuantileRadius::Options options{.initial = read_radius_or(settings, 0.1),
                                  .quantile = read(table, kQuantile),
                                  .rate = read(table, kQuantileRate),
                                  .every = static_cast<std::uint64_t>(read(table, kQuantileEvery)),
                                  .seed = demand.seed};
  if (!std::isfinite(options.initial)) settings.fail("clip_radius", "must be finite: the radius starts there");
  const double z = demand.noise_multiplier;
  if (z > 0) {
    noise_.count_bound = contribution_bound(settings.table("privacy"), demand, options.every, "a count");
    // p arrivals of one worker, m of them in each direction and m' in each count, cost p m/(2 z'^2) + p m'/(8 noise^2),
    // which is to be p m/(2 z^2).
    const double ratio = static_cast<double>(noise_.count_bound) / demand.bound, least = z / 2 * std::sqrt(ratio);
    options.noise = read(table, kQuantileNoise, std::max(static_cast<double>(options.every) / 20, 2 * least));
    if (options.noise <= least)
      table.fail("noise", fmt::format("must be above {:.6g}, so that something is left of privacy.noise_multiplier for "
                                      "the updates",
                                      least));
    noise_.count = options.noise;
    noise_.updates = 1.0 / std::sqrt(1.0 / (z * z) - ratio / (4 * options.noise * options.noise));
  } else if (table.has("noise")) {
    table.fail("noise", "is for the radius of a private run; there is no privacy table");
  }
  return QuantileRadius(options);
}

Clipping::Rule Clipping::read_rule(Settings& settings, const Demand& demand) {
  Settings& table = settings.table_or_empty(kClipping.key);
  const std::string rule = read(table, kClippingRule);
  const bool is_private = demand.noise_multiplier > 0;
  if (rule == "quantile") return read_quantile(settings, table, demand);
  if (is_private && (rule == "autoclip" || rule == "coordinate")) refuse(settings, "rule = \"" + rule + "\"");
  if (rule == "autoclip") return read_percentile(settings, table);
  if (rule == "coordinate") return read_coordinates(settings, table);
  if (rule == "block") return read_blocks(settings, table);
  if (is_auto(settings)) {
    if (is_private) refuse(settings, "clip_radius = \"auto\"");
    return AutoRadius();
  }
  return ClipNorm{read_radius_or(settings, std::numeric_limits<double>::infinity())};
}

Clipping::Clipping(Settings& settings, const Demand& demand)
    : noise_{.updates = demand.noise_multiplier}, rule_(read_rule(settings, demand)) {
  if (demand.noise_multiplier > 0 && !std::isfinite(radius())) refuse(settings, "an infinite radius");
}

Clipped Clipping::clip(const Arrival& arrival, double norm, VectorProgram& program, Vec v) {
  const Clipped clipped = std::visit(
      [&](auto& rule) -> Clipped {
        if constexpr (requires { rule.clip(arrival, norm, program, v); }) {
          return rule.clip(arrival, norm, program, v);
        } else {
          const ClipNorm ball{rule.now()};
          return {.direction = {.vector = v, .factor = ball.factor(norm)}, .clipped = ball.clips(norm)};
        }
      },
      rule_);
  ++arrivals_;
  clipped_ += clipped.clipped;
  return clipped;
}

bool Clipping::observe(double norm) {
  return std::visit(
      [&](auto& rule) {
        if constexpr (requires {
                        { rule.observe(norm) } -> std::same_as<bool>;
                      })
          return rule.observe(norm);
        else if constexpr (requires { rule.observe(norm); })
          rule.observe(norm);
        return false;
      },
      rule_);
}

double Clipping::radius() const {
  return std::visit([](const auto& rule) { return rule.now(); }, rule_);
}

void Clipping::serialize(Archive& archive) {
  std::visit([&](auto& rule) { policy_state(archive, rule); }, rule_);
  archive(arrivals_, clipped_);
}

std::vector<Metric> Clipping::figures() const {
  if (clipped_ == 0 && !std::isfinite(radius())) return {};
  if (noise_.updates > 0) return {{"clip_radius", radius()}};
  const double all = static_cast<double>(std::max<std::uint64_t>(arrivals_, 1));
  return {{"clip_radius", radius()}, {"clip_fraction", static_cast<double>(clipped_) / all}};
}

}  // namespace tardigrad::methods
