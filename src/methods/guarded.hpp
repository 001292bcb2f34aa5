// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "tardigrad/method_row.hpp"

namespace tardigrad::methods {

/// Makes the method of a plugin, and looks at all that it says and does: whatever is thrown becomes an Error of one
/// bounded line (std::bad_alloc stays), and so does a promise of `Method` that it breaks, before anybody acts on it.
/// `name` is how messages call it: "plugin mine.so: method `mine`".
std::unique_ptr<Method> make_guarded(const MethodRow& row, std::string name, Settings& settings,
                                     const MethodContext& context);

}  // namespace tardigrad::methods
