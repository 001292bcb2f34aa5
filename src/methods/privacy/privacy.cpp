// SPDX-License-Identifier: Apache-2.0
#include "methods/privacy/privacy.hpp"

#include <fmt/format.h>

#include "core/zcdp.hpp"

namespace tardigrad::methods {

Privacy::Privacy(Settings& settings, const MethodContext& context, const std::optional<Contribution>& contribution)
    : seed_(context.seed) {
  settings.allow("privacy");
  if (!settings.has("privacy")) return;
  if (!contribution)
    settings.fail("privacy",
                  "this method has no private form: an arrival enters more than one of its updates, or "
                  "enters them unclipped (docs/methods/privacy.md)");
  if (contribution->largest_weight > 1.0)
    settings.fail("privacy", fmt::format("needs weights of at most 1, and this method's go up to {:.4g}: a clipped "
                                         "gradient would move x by more than its noise covers",
                                         contribution->largest_weight));
  Settings& table = settings.table("privacy");
  noise_multiplier_ = table.number("noise_multiplier", Range::positive());
  delta_ = table.number_or("delta", 1e-5, {.low = 0, .high = 1, .low_open = true, .high_open = true});
  table.allow("max_participations");
  if (table.has("max_participations"))
    limit_ = static_cast<std::uint32_t>(table.integer("max_participations", {.low = 1, .high = 4e9}));
  share_ = 1.0 / static_cast<double>(contribution->of);
}

void Privacy::takes_part(WorkerId worker, double radius) {
  if (noise_multiplier_ == 0.0) return;
  if (participations_.size() <= worker) participations_.resize(worker + 1, 0);
  ++participations_[worker];
  radius_ = std::max(radius_, radius);
}

Direction Privacy::noised(Pass& pass, Direction u, Version version, double update_noise_multiplier) {
  if (noise_multiplier_ == 0.0) return u;
  // What clipping left there has been used by now, or is u itself.
  const Vec t = kClippingTemporary;
  pass.scale(t, u.factor, u.vector);
  pass.noise(t, t, update_noise_multiplier * radius_ * share_, seed_, version);
  radius_ = 0.0;
  return {.vector = t};
}

std::vector<Metric> Privacy::figures() const {
  if (noise_multiplier_ == 0.0) return {};
  const double most = participations_.empty() ? 0.0 : *std::ranges::max_element(participations_);
  const auto epsilon = [&](double times) { return zcdp_epsilon(zcdp_rho(noise_multiplier_, times), delta_); };
  std::vector<Metric> figures = {{"epsilon", epsilon(most)}, {"delta", delta_}, {"largest_participations", most}};
  if (limit_ > 0) figures.push_back({"epsilon_limit", epsilon(limit_)});
  return figures;
}

}  // namespace tardigrad::methods
