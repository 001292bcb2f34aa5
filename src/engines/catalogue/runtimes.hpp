// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engines/runtime_row.hpp"

namespace tardigrad {

/// Every runtime that a scenario can name (run.runtime), the default first.
std::span<const RuntimeRow> runtimes();
std::vector<std::string> runtime_names();
/// Pre  there is one of that name
const RuntimeRow& runtime(const std::string& name);

}  // namespace tardigrad
