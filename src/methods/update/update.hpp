// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "methods/arrival.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::methods {

/// How a direction u (a clipped gradient, the mean of a buffer, a table's mean) and a step gamma become the next x:
///   sgd        x <- x - gamma u
///   momentum   m <- beta m + u;                     x <- x - gamma m
///   nesterov   m <- beta m + u;                     x <- x - gamma (u + beta m)
///   adam       m <- b1 m + (1 - b1) u;  v <- b2 v + (1 - b2) u^2;  x <- x - gamma m^ / (sqrt(v^) + eps),
///              m^ = m/(1 - b1^k), v^ = v/(1 - b2^k) at the k-th update
///   adamw      as adam
///   amsgrad    m and v as in adam;  V <- max(V, v);  x <- x - gamma m / (sqrt(V) + eps), without bias correction
/// With weight_decay = w, u is u + w x (adamw: x is (1 - gamma w) x instead): after clipping, never clipped itself.
/// With l1 and l2 the new x is prox_{gamma R}(x), R(x) = l1 ||x||_1 + l2/2 ||x||^2:
///   sign(x) max(|x| - gamma l1, 0) / (1 + gamma l2)
/// Memory  sgd 0, momentum and nesterov 1, adam and adamw 2, amsgrad 3 vectors
class Update {
 public:
  /// update = { rule = "sgd", momentum, beta1, beta2, epsilon, weight_decay, l1, l2 }
  /// default_rule: where the table says none
  Update(Settings& settings, const std::string& default_rule);

  /// Ends the pass with the update and runs it: exactly one new version.
  void finish(Pass& pass, Model& model, const Gradient* gradient, Direction u, double step);

 private:
  enum class Rule : std::uint8_t { sgd, momentum, nesterov, adam, adamw, amsgrad };
  void step_along_momentum(Pass& pass, Direction u, double step);
  void step_by_adam(Pass& pass, Direction u, double step);
  void step_by_amsgrad(Pass& pass, Direction u, double step);
  Direction decayed(Pass& pass, Direction u) const;
  void apply_proximal(Pass& pass, double step) const;
  void make_vectors(Model& model);

  Rule rule_ = Rule::sgd;
  double momentum_ = 0.0, beta1_ = 0.0, beta2_ = 0.0, epsilon_ = 0.0;
  double weight_decay_ = 0.0, l1_ = 0.0, l2_ = 0.0;
  Vec first_{}, second_{}, largest_{};
  double beta1_power_ = 1.0, beta2_power_ = 1.0;  // to the number of updates
};

}  // namespace tardigrad::methods
