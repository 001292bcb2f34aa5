// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "methods/policies/clipping/clipping.hpp"
#include "methods/policies/privacy/privacy.hpp"
#include "methods/policies/step/schedule.hpp"
#include "methods/policies/update/update.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {

/// The settings of every method, read by ServerStep.
inline constexpr Setting<SubTable> kUpdate = update_setting(
    "{ rule = \"sgd\" }",
    "how a direction becomes a step: sgd, momentum, nesterov, adam, adamw, amsgrad, normalised, muon, lmo");
inline constexpr SettingRow kCommonSettings[] = {kClipRadius, kClipping, kPrivacy, kSchedule, kUpdate};

/// What every method has in common: how gradients are clipped, and how directions become steps. A method says when,
/// and with what weight; this says how.
class ServerStep {
 public:
  /// What a method says of itself.
  struct Traits {
    Update::Defaults update = {};                   ///< of the update, where the settings name none
    std::optional<Contribution> contribution = {};  ///< how an arrival enters; nothing: there is no private form
  };
  /// Reads clip_radius, clipping, privacy, schedule, update.
  ServerStep(Settings& settings, const MethodContext& context) : ServerStep(settings, context, Traits{}) {}
  ServerStep(Settings& settings, const MethodContext& context, const Traits& traits);

  /// To be asked before an arrival is looked at, by methods with a private form: no is Outcome::discarded.
  bool may_take_part(WorkerId worker) const { return privacy_.may_take_part(worker); }
  Reason reason_against_part(WorkerId worker) const { return privacy_.reason(worker); }
  /// May it never take part again?
  bool is_retired(WorkerId worker) const { return privacy_.is_retired(worker); }
  /// In a private run whatever arrives is applied, and what is not finite as 0: an arrival that changed what happens
  /// next by what is in it would reveal it.
  bool applies_all() const { return privacy_.is_on(); }
  /// norm: ||v||, finite, of the gradient or of what a correction made of it. What is clipped will be applied, with
  /// this weight.
  Clipped clip(const Arrival& arrival, double norm, VectorProgram& program, Vec v = vec::kGradient,
               double weight = 1.0);
  /// The vector 0, in the place of one that is not finite.
  Clipped nothing(const Arrival& arrival, VectorProgram& program, double weight);
  /// The step at this version, from the method's own step size.
  double scheduled(double step_size, Version version) const { return step_size * schedule_.at(version); }
  bool has_constant_schedule() const { return schedule_.is_constant(); }
  /// Ends the program with x <- update(x, u, step) and runs it.
  void finish(VectorProgram& program, Model& model, const Gradient* gradient, Direction u, double step);
  std::vector<Metric> figures() const;
  void serialize(Archive& archive) { archive(privacy_, clipping_, update_); }

 private:
  void observe(WorkerId worker, double norm);

  Privacy privacy_;
  Clipping clipping_;
  Schedule schedule_;
  Update update_;
};

}  // namespace tardigrad::methods
