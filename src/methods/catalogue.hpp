// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {

/// The methods that are built in.
std::span<const MethodRow> catalogue();
std::vector<std::string> names();

/// The method of a [method] table: reads `name` and the method's own settings. The caller calls settings.finish().
/// Errors  Error for an unknown name (with the nearest) or an impossible setting
std::unique_ptr<Method> make_method(Settings& settings, const MethodContext& context);

}  // namespace tardigrad::methods
