// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "tardigrad/problem.hpp"

namespace tardigrad::problems {

/// Makes the problem of a plugin, and looks at all that it says and gives: whatever is thrown becomes an Error of one
/// bounded line (std::bad_alloc stays), and so do a replica that is null and metrics that were not declared. What is
/// wrong with a problem as such is found here, before a run.
/// `name` is how messages call it: "plugin mine.so: problem `mine`".
std::unique_ptr<Problem> make_guarded(const ProblemRow& row, std::string name, Settings& settings,
                                      const ProblemContext& context);

}  // namespace tardigrad::problems
