// SPDX-License-Identifier: Apache-2.0
// What editors check and complete a scenario by.
#pragma once

#include <string>

#include "experiment/catalogues.hpp"

namespace tardigrad {

/// A JSON Schema (draft-07) of a scenario, from the lists of settings that reading it uses. What the program accepts is
/// valid; what depends on several settings, on data or on a plugin that names no settings, only the program sees.
std::string scenario_schema(const Catalogues& catalogues);

}  // namespace tardigrad
