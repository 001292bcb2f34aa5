// SPDX-License-Identifier: Apache-2.0
#include "methods/update/update.hpp"

#include <algorithm>
#include <cmath>

#include "core/matrix.hpp"

namespace tardigrad::methods {

namespace {

// The first of those allowed is the default.
Geometry read_geometry(Settings& table, const std::string& key, const std::vector<std::string>& allowed) {
  const std::string word = table.choice_or(key, allowed.front(), allowed);
  return word == "sign"        ? Geometry::sign
         : word == "euclidean" ? Geometry::euclidean
         : word == "spectral"  ? Geometry::spectral
                               : Geometry::identity;
}

// A matrix, or a convolution: more than one row, and more than one column.
bool is_matrix(const TensorSlot& tensor) {
  return tensor.shape.size() >= 2 && tensor.shape[0] > 1 && tensor.size > static_cast<std::size_t>(tensor.shape[0]);
}

}  // namespace

Update::Update(Settings& settings, const Defaults& defaults) {
  Settings& table = settings.table_or_empty("update");
  const std::string rule = table.choice_or(
      "rule", defaults.rule, {"sgd", "momentum", "nesterov", "adam", "adamw", "amsgrad", "normalised", "muon", "lmo"});
  const Range fraction = {.low = 0.0, .high = 1.0, .high_open = true};
  if (rule == "momentum" || rule == "nesterov") {
    rule_ = rule == "momentum" ? Rule::momentum : Rule::nesterov;
    momentum_ = table.number_or("momentum", 0.9, fraction);
  } else if (rule == "normalised" || rule == "muon" || rule == "lmo") {
    rule_ = rule == "normalised" ? Rule::normalised : rule == "muon" ? Rule::muon : Rule::lmo;
    read_averaged(table, defaults);
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

void Update::read_averaged(Settings& table, const Defaults& defaults) {
  inverse_sqrt_averaging_ =
      table.choice_or("averaging", defaults.averaging, {"constant", "inverse-sqrt"}) == "inverse-sqrt";
  if (!inverse_sqrt_averaging_)
    momentum_ =
        table.number_or("momentum", rule_ == Rule::muon ? 0.95 : 0.9, {.low = 0.0, .high = 1.0, .high_open = true});
  if (rule_ == Rule::normalised) return;
  matrix::require();
  if (rule_ == Rule::muon) {
    ends_ = read_geometry(table, "ends", {"identity", "spectral", "sign", "euclidean"});
    vectors_ = read_geometry(table, "vectors", {"identity", "sign", "euclidean"});
    return;
  }
  ends_ = read_geometry(table, "ends", {"sign", "spectral", "euclidean"});
  vectors_ = read_geometry(table, "vectors", {"euclidean", "sign"});
  scion_scales_ = table.choice_or("scales", defaults.scales, {"muon", "scion"}) == "scion";
  radius_ = table.number_or("radius", 1.0, Range::positive());
  input_radius_ = table.number_or("input_radius", radius_, Range::positive());
  output_radius_ = table.number_or("output_radius", radius_, Range::positive());
  vector_radius_ = table.number_or("vector_radius", radius_, Range::positive());
  const std::string form = table.choice_or("form", "unconstrained", {"unconstrained", "constrained", "clipped"});
  constrained_ = form == "constrained";
  clipped_ = form == "clipped";
}

// What makes of a unit step of O, scaled as Muon's, one of the layer's kind: how large an entry of its output it moves
// does not depend on its shape.
double Update::scale_of(const TensorSlot& tensor, Geometry geometry, Group group) const {
  if (!scion_scales_) return 1.0;
  const auto size = static_cast<double>(tensor.size);
  if (group == Group::vector) return geometry == Geometry::euclidean ? std::sqrt(size) : 1.0;
  const auto rows = static_cast<double>(tensor.shape[0]), columns = static_cast<double>(tensor.shape[1]);
  if (geometry == Geometry::sign) return group == Group::output ? rows / size : 1.0;
  if (geometry == Geometry::euclidean) return 1.0;
  const double kernel = size / (rows * columns), ratio = std::sqrt(rows / columns);
  const double scale = group == Group::input ? std::max(1.0, ratio) : ratio;
  return scale / kernel / std::sqrt(std::max(1.0, rows * rows / size));
}

void Update::measure(const Layout& layout) {
  if (!geometries_.empty()) return;
  std::vector<std::size_t> matrices;
  for (std::size_t i = 0; i < layout.tensors().size(); ++i) {
    const bool matrix = is_matrix(layout.tensors()[i]);
    geometries_.push_back(matrix ? Geometry::spectral : vectors_);
    if (matrix) matrices.push_back(i);
  }
  if (!matrices.empty()) geometries_[matrices.front()] = geometries_[matrices.back()] = ends_;
  if (rule_ == Rule::muon) return;
  for (std::size_t i = 0; i < layout.tensors().size(); ++i) {
    const TensorSlot& tensor = layout.tensors()[i];
    const Group group = !is_matrix(tensor)      ? Group::vector
                        : i == matrices.back()  ? Group::output
                        : i == matrices.front() ? Group::input
                                                : Group::hidden;
    const double radius = group == Group::vector   ? vector_radius_
                          : group == Group::output ? output_radius_
                          : group == Group::input  ? input_radius_
                                                   : radius_;
    scales_.push_back(scale_of(tensor, geometries_[i], group) * (radius / radius_));
  }
  if (std::ranges::all_of(scales_, [](double scale) { return scale == 1.0; })) scales_.clear();
}

void Update::make_vectors(Model& model) {
  if (rule_ == Rule::sgd || first_.kind != Vec::Kind::none) return;
  first_ = model.make_vector();
  if (rule_ == Rule::momentum || rule_ == Rule::nesterov || rule_ == Rule::normalised) return;
  second_ = model.make_vector();
  if (rule_ == Rule::amsgrad) largest_ = model.make_vector();
}

// m <- beta m + (1 - beta) u in a pass of its own, then what the step is along.
Direction Update::average(Pass& pass, Model& model, const Gradient* gradient, Direction u) {
  const double rest =
      inverse_sqrt_averaging_ ? 1.0 / std::sqrt(static_cast<double>(model.version()) + 1.0) : 1.0 - momentum_;
  const double beta = 1.0 - rest;
  pass.mix(first_, beta, first_, rest * u.factor, u.vector);
  if (rule_ == Rule::muon) pass.mix(second_, beta, first_, rest * u.factor, u.vector);
  model.run(pass, gradient);
  pass.clear();
  if (rule_ == Rule::normalised) {
    const double norm = std::sqrt(model.squared_distance(first_));
    return {.vector = first_, .factor = norm > 1e-12 ? 1.0 / norm : 0.0};
  }
  measure(model.layout());
  if (scales_.empty()) {
    const double dual = model.minimise_linear(second_, geometries_, rule_ == Rule::muon ? second_ : first_);
    return {.vector = second_, .factor = clipped_ ? std::min(radius_, dual) : radius_};
  }
  // O does not see the scale of a tensor, the dual norm does.
  model.scale_tensors(second_, scales_, first_);
  const double dual = model.minimise_linear(second_, geometries_, second_);
  model.scale_tensors(second_, scales_, second_);
  return {.vector = second_, .factor = clipped_ ? std::min(radius_, dual) : radius_};
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
    case Rule::normalised:
    case Rule::muon:
    case Rule::lmo:
      u = average(pass, model, gradient, u);
      if (constrained_) pass.scale(vec::kModel, 1.0 - step, vec::kModel);
      pass.add(vec::kModel, vec::kModel, -(step * u.factor), u.vector);
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
