// SPDX-License-Identifier: Apache-2.0
#include "methods/policies/update/update.hpp"

#include <algorithm>
#include <string>

#include "methods/policies/update/adam.hpp"
#include "methods/policies/update/adamw.hpp"
#include "methods/policies/update/amsgrad.hpp"
#include "methods/policies/update/lmo.hpp"
#include "methods/policies/update/momentum.hpp"
#include "methods/policies/update/muon.hpp"
#include "methods/policies/update/nesterov.hpp"
#include "methods/policies/update/normalised.hpp"
#include "methods/policies/update/sgd.hpp"

namespace tardigrad::methods {
namespace {

struct RuleRow {
  const char* name;
  std::unique_ptr<UpdateRule> (*make)(Settings& table, const UpdateDefaults& defaults);
};

template <class Rule>
std::unique_ptr<UpdateRule> make(Settings& table, const UpdateDefaults& defaults) {
  return std::make_unique<Rule>(table, defaults);
}

constexpr RuleRow kRules[] = {{"sgd", make<SgdUpdate>},
                              {"momentum", make<MomentumUpdate>},
                              {"nesterov", make<NesterovUpdate>},
                              {"adam", make<AdamUpdate>},
                              {"adamw", make<AdamWUpdate>},
                              {"amsgrad", make<AmsgradUpdate>},
                              {"normalised", make<NormalisedUpdate>},
                              {"muon", make<MuonUpdate>},
                              {"lmo", make<LmoUpdate>}};

constexpr bool are_those_of_the_setting() {
  for (std::size_t i = 0; i < std::size(kRules); ++i)
    if (std::string_view(kRules[i].name) != kUpdateRule.words[i]) return false;
  return true;
}
static_assert(are_those_of_the_setting(), "update_settings.hpp names other rules");

}  // namespace

Update::Update(Settings& settings, const Defaults& defaults) {
  Settings& table = settings.table_or_empty("update");
  const std::string name = read(table, kUpdateRule, defaults.rule);
  rule_ = std::ranges::find(kRules, name, &RuleRow::name)->make(table, defaults);
  weight_decay_ = read(table, kWeightDecay);
  l1_ = read(table, kL1);
  l2_ = read(table, kL2);
}

void Update::finish(VectorProgram& program, Model& model, const Gradient* gradient, Direction u, double step) {
  if (weight_decay_ > 0.0 && rule_->decouples_weight_decay()) {
    program.scale(vec::kModel, 1.0 - step * weight_decay_, vec::kModel);
  } else if (weight_decay_ > 0.0) {
    program.mix(kUpdateTemporary, u.factor, u.vector, weight_decay_, vec::kModel);
    u = {.vector = kUpdateTemporary};
  }
  rule_->append(program, model, gradient, u, step);
  if (l1_ > 0.0) program.soft_threshold(vec::kModel, vec::kModel, step * l1_);
  if (l2_ > 0.0) program.scale(vec::kModel, 1.0 / (1.0 + step * l2_), vec::kModel);
  model.run(program, gradient);
}

}  // namespace tardigrad::methods
