// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "methods/catalogue.hpp"
#include "methods/clipping/clipping.hpp"
#include "methods/step/schedule.hpp"
#include "methods/update/update.hpp"

namespace tardigrad::methods {

/// What every method has in common: how gradients are clipped, and how directions become steps. A method says when,
/// and with what weight; this says how.
class ServerStep {
 public:
  /// Reads clip_radius, schedule, update. default_rule: of the update, where the settings name none.
  ServerStep(Settings& settings, const MethodContext& context, const std::string& default_rule = "sgd");

  /// norm: ||v||, finite, of the gradient or of what a correction made of it.
  Clipped clip(const Arrival& arrival, double norm, Pass& pass, Vec v = vec::kGradient) {
    return clipping_.clip(arrival, norm, pass, v);
  }
  /// The step at this version, from the method's own step size.
  double scheduled(double step_size, Version version) const { return step_size * schedule_.at(version); }
  bool has_constant_schedule() const { return schedule_.is_constant(); }
  /// Ends the pass with x <- update(x, u, step) and runs it.
  void finish(Pass& pass, Model& model, const Gradient* gradient, Direction u, double step) {
    update_.finish(pass, model, gradient, u, step);
  }
  std::vector<Metric> figures() const { return clipping_.figures(); }

 private:
  Clipping clipping_;
  Schedule schedule_;
  Update update_;
};

}  // namespace tardigrad::methods
