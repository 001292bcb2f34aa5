// SPDX-License-Identifier: Apache-2.0
#include "methods/update/update.hpp"

namespace tardigrad::methods {

Update::Update(Settings& settings, const std::string& default_rule) {
  Settings& table = settings.table_or_empty("update");
  const std::string rule =
      table.choice_or("rule", default_rule, {"sgd", "momentum", "nesterov", "adam", "adamw", "amsgrad"});
  const Range fraction = {.low = 0.0, .high = 1.0, .high_open = true};
  if (rule == "momentum" || rule == "nesterov") {
    rule_ = rule == "momentum" ? Rule::momentum : Rule::nesterov;
    momentum_ = table.number_or("momentum", 0.9, fraction);
  } else if (rule != "sgd") {
    rule_ = rule == "adam" ? Rule::adam : rule == "adamw" ? Rule::adamw : Rule::amsgrad;
    beta1_ = table.number_or("beta1", 0.9, fraction);
    beta2_ = table.number_or("beta2", 0.999, fraction);
    epsilon_ = table.number_or("epsilon", 1e-8, Range::positive());
  }
  weight_decay_ = table.number_or("weight_decay", 0.0, Range::at_least(0));
  l1_ = table.number_or("l1", 0.0, Range::at_least(0));
  l2_ = table.number_or("l2", 0.0, Range::at_least(0));
}

void Update::make_vectors(Model& model) {
  if (rule_ == Rule::sgd || first_.kind != Vec::Kind::none) return;
  first_ = model.make_vector();
  if (rule_ == Rule::momentum || rule_ == Rule::nesterov) return;
  second_ = model.make_vector();
  if (rule_ == Rule::amsgrad) largest_ = model.make_vector();
}

void Update::finish(Pass& pass, Model& model, const Gradient* gradient, Direction u, double step) {
  make_vectors(model);
  if (rule_ == Rule::adamw) {
    if (weight_decay_ > 0.0) pass.scale(vec::kModel, 1.0 - step * weight_decay_, vec::kModel);
  } else if (weight_decay_ > 0.0) {
    u = decayed(pass, u);
  }
  switch (rule_) {
    case Rule::sgd:
      pass.add(vec::kModel, vec::kModel, -(step * u.factor), u.vector);
      break;
    case Rule::momentum:
    case Rule::nesterov:
      step_along_momentum(pass, u, step);
      break;
    case Rule::adam:
    case Rule::adamw:
      step_by_adam(pass, u, step);
      break;
    case Rule::amsgrad:
      step_by_amsgrad(pass, u, step);
      break;
  }
  apply_proximal(pass, step);
  model.run(pass, gradient);
}

Direction Update::decayed(Pass& pass, Direction u) const {
  pass.mix(kUpdateTemporary, u.factor, u.vector, weight_decay_, vec::kModel);
  return {.vector = kUpdateTemporary};
}

void Update::step_along_momentum(Pass& pass, Direction u, double step) {
  pass.mix(first_, momentum_, first_, u.factor, u.vector);
  if (rule_ == Rule::nesterov) {
    pass.add(vec::kModel, vec::kModel, -(step * u.factor), u.vector);
    pass.add(vec::kModel, vec::kModel, -(step * momentum_), first_);
  } else {
    pass.add(vec::kModel, vec::kModel, -step, first_);
  }
}

void Update::step_by_adam(Pass& pass, Direction u, double step) {
  beta1_power_ *= beta1_;
  beta2_power_ *= beta2_;
  pass.mix(first_, beta1_, first_, (1.0 - beta1_) * u.factor, u.vector);
  pass.square(second_, beta2_, second_, (1.0 - beta2_) * u.factor * u.factor, u.vector);
  pass.divide_root(vec::kModel, vec::kModel, -step / (1.0 - beta1_power_), first_, second_,
                   {.b = 1.0 / (1.0 - beta2_power_), .d = epsilon_});
}

void Update::step_by_amsgrad(Pass& pass, Direction u, double step) {
  pass.mix(first_, beta1_, first_, (1.0 - beta1_) * u.factor, u.vector);
  pass.square(second_, beta2_, second_, (1.0 - beta2_) * u.factor * u.factor, u.vector);
  pass.maximum(largest_, largest_, second_);
  pass.divide_root(vec::kModel, vec::kModel, -step, first_, largest_, {.d = epsilon_});
}

void Update::apply_proximal(Pass& pass, double step) const {
  if (l1_ > 0.0) pass.soft_threshold(vec::kModel, vec::kModel, step * l1_);
  if (l2_ > 0.0) pass.scale(vec::kModel, 1.0 / (1.0 + step * l2_), vec::kModel);
}

}  // namespace tardigrad::methods
