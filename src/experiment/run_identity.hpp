// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "experiment/method_plan.hpp"
#include "experiment/run_plan.hpp"
#include "experiment/world.hpp"

namespace tardigrad {

/// The whole scenario of one run, every default written out, and as TOML.
SettingValue::Table resolved_scenario(const World& world, const MethodPlan& method, const RunPlan& run);
std::string resolved_document(const World& world, const MethodPlan& method, const RunPlan& run);

/// What a run computes, in three forms.
struct RunIdentity {
  std::string document;  ///< scenario.toml: the resolved scenario
  /// Hash of the resolved scenario without the paths of its files: what they hold is told by the provenance.
  std::string hash;
  /// As `hash`, without the keys that may change when a run goes on (`without_what_may_change`).
  std::string hash_to_go_on;
};
RunIdentity identity_of(const World& world, const MethodPlan& method, const RunPlan& run);

/// Without run.stop, run.checkpoint_every and run.keep_checkpoints: a run may go on for longer, and be saved more
/// often.
SettingValue::Table without_what_may_change(SettingValue::Table scenario);
/// Of a table of settings: equal for equal values, be a number written 1 or 1.0.
std::string hash_of(const SettingValue::Table& scenario);

}  // namespace tardigrad
