// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "methods/policies/update/update_rule.hpp"
#include "methods/policies/update/update_settings.hpp"

namespace tardigrad::methods {

/// How a direction u (a clipped gradient, the mean of a buffer, a table's mean) and a step gamma become the next x: a
/// rule (update_rule.hpp; the files beside it say the formula of each) with
///   weight_decay = w   u is u + w x (adamw: x is (1 - gamma w) x instead): after clipping, never clipped itself
///   l1, l2             the new x is prox_{gamma R}(x), R(x) = l1 ||x||_1 + l2/2 ||x||^2:
///                      sign(x) max(|x| - gamma l1, 0) / (1 + gamma l2)
class Update {
 public:
  using Defaults = UpdateDefaults;
  /// update = { rule, and its keys, weight_decay, l1, l2 }
  Update(Settings& settings, const Defaults& defaults);

  /// Ends the program with the update and runs it: exactly one new version.
  void finish(VectorProgram& program, Model& model, const Gradient* gradient, Direction u, double step);
  /// Of lmo: what each tensor's unit step, scaled as muon's, is multiplied by: the scale of its kind, and its group's
  /// radius over `radius`. Nothing: all are 1.
  const std::vector<double>& scales(const Layout& layout) { return rule_->scales(layout); }
  void serialize(Archive& archive) { rule_->serialize(archive); }

 private:
  std::unique_ptr<UpdateRule> rule_;
  double weight_decay_ = 0.0, l1_ = 0.0, l2_ = 0.0;
};

}  // namespace tardigrad::methods
