// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "methods/policies/update/update.hpp"
#include "methods/shared_settings.hpp"
#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {

inline constexpr Setting<std::int64_t> kAveragedLimit = {
    .key = kDelayLimit.key, .default_in_words = "inf", .range = kDelayLimit.range, .meaning = kDelayLimit.meaning};
inline constexpr Setting<Choice> kAveragedParameters = {
    .key = "parameters",
    .fallback = "fixed",
    .meaning =
        "\"fixed\", or \"agnostic\": gamma/(k+1)^(3/4), 1 - beta = 1/sqrt(k+1), R = max(1, floor(sqrt k)) at version k",
    .words = {"fixed", "agnostic"}};
inline constexpr Setting<Choice> kAveragedStepRule = {
    .key = "step_rule",
    .fallback = "constant",
    .meaning = "\"constant\", or \"delay-adaptive\": gamma n/max(n, delta), n workers",
    .words = {"constant", "delay-adaptive"}};

/// Must a method with fixed parameters be told how stale is too stale?
enum class DelayLimit { required, optional };

/// Methods whose step is of a fixed size along an average of gradients that lives on the server and is updated by
/// accepted gradients only: Ringmaster's admission (delay below R; without delay_limit every arrival is accepted, for
/// which no theory is known to us), then the update rule of `defaults` unless the settings name another.
std::unique_ptr<Method> make_averaged(Settings& settings, const MethodContext& context, Update::Defaults defaults,
                                      DelayLimit limit = DelayLimit::optional);

}  // namespace tardigrad::methods
