// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/server_step.hpp"

#include <limits>

namespace tardigrad::methods {

ServerStep::ServerStep(Settings& settings, const MethodContext& context, const Traits& traits)
    : privacy_(settings, context, traits.contribution),
      clipping_(settings, privacy_.demand()),
      schedule_(Schedule::read(settings)),
      update_(settings, traits.update) {
  privacy_.set_noise(settings, clipping_.noise());
}

Clipped ServerStep::clip(const Arrival& arrival, double norm, VectorProgram& program, Vec v, double weight) {
  privacy_.takes_part(arrival.order.worker, weight, clipping_.radius());
  const Clipped clipped = clipping_.clip(arrival, norm, program, v);
  observe(arrival.order.worker, norm);
  return clipped;
}

Clipped ServerStep::nothing(const Arrival& arrival, VectorProgram& program, double weight) {
  privacy_.takes_part(arrival.order.worker, weight, clipping_.radius());
  observe(arrival.order.worker, std::numeric_limits<double>::infinity());
  program.scale(kClippingTemporary, 0.0, vec::kGradient);
  return {.direction = {.vector = kClippingTemporary, .factor = 0.0}, .clipped = true};
}

void ServerStep::observe(WorkerId worker, double norm) {
  if (privacy_.counts(worker) && clipping_.observe(norm)) privacy_.count_is_released();
}

void ServerStep::finish(VectorProgram& program, Model& model, const Gradient* gradient, Direction u, double step) {
  u = privacy_.noised(program, u, model.version());
  update_.finish(program, model, gradient, u, step);
}

std::vector<Metric> ServerStep::figures() const {
  std::vector<Metric> figures = clipping_.figures();
  for (Metric& figure : privacy_.figures()) figures.push_back(std::move(figure));
  return figures;
}

}  // namespace tardigrad::methods
