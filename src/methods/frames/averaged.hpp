// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "methods/catalogue.hpp"
#include "methods/policies/update/update.hpp"

namespace tardigrad::methods {

inline constexpr Knob kAveragedLimitKnob = {"delay_limit", "inf", "R >= 1: delays of 0 ... R-1 are used"};
inline constexpr Knob kAveragedParametersKnob = {
    "parameters", "fixed",
    "\"fixed\", or \"agnostic\": gamma/(k+1)^(3/4), 1 - beta = 1/sqrt(k+1), R = max(1, floor(sqrt k)) at version k"};
inline constexpr Knob kAveragedStepRuleKnob = {"step_rule", "constant",
                                               "\"constant\", or \"delay-adaptive\": gamma n/max(n, delta), n workers"};

/// Must a method with fixed parameters be told how stale is too stale?
enum class DelayLimit { required, optional };

/// Methods whose step is of a fixed size along an average of gradients that lives on the server and is updated by
/// accepted gradients only: Ringmaster's admission (delay below R; without delay_limit every arrival is accepted, for
/// which no theory is known to us), then the update rule of `defaults` unless the settings name another.
std::unique_ptr<Method> make_averaged(Settings& settings, const MethodContext& context, Update::Defaults defaults,
                                      DelayLimit limit = DelayLimit::optional);

}  // namespace tardigrad::methods
