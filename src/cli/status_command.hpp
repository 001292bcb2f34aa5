// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engines/network/status.hpp"

namespace tardigrad::cli {

/// For people: the run in some lines, and a table of its workers.
std::string status_text(const network::Status& status);

}  // namespace tardigrad::cli
