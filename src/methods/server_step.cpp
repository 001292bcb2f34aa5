// SPDX-License-Identifier: Apache-2.0
#include "methods/server_step.hpp"

namespace tardigrad::methods {

ServerStep::ServerStep(Settings& settings, const MethodContext& context, const Traits& traits)
    : privacy_(settings, context, traits.contribution),
      clipping_(settings, {.noise_multiplier = privacy_.noise_multiplier(), .seed = context.seed}),
      schedule_(Schedule::read(settings)),
      update_(settings, traits.update) {}

Clipped ServerStep::clip(const Arrival& arrival, double norm, Pass& pass, Vec v) {
  privacy_.takes_part(arrival.order.worker, clipping_.radius());
  return clipping_.clip(arrival, norm, pass, v);
}

void ServerStep::finish(Pass& pass, Model& model, const Gradient* gradient, Direction u, double step) {
  u = privacy_.noised(pass, u, model.version(), clipping_.update_noise_multiplier());
  update_.finish(pass, model, gradient, u, step);
}

std::vector<Metric> ServerStep::figures() const {
  std::vector<Metric> figures = clipping_.figures();
  for (Metric& figure : privacy_.figures()) figures.push_back(std::move(figure));
  return figures;
}

}  // namespace tardigrad::methods
