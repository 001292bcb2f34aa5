// SPDX-License-Identifier: Apache-2.0
// Text that others have said, as terminals, logs and formats can bear it.
#pragma once

#include <string>
#include <string_view>

namespace tardigrad::network {

/// Without what harms: bytes that are no UTF-8, controls, and marks that turn the direction of text become \xHH.
std::string harmless(std::string_view bytes);

/// The same, and different for different bytes: a backslash becomes two.
std::string visible(std::string_view bytes);

}  // namespace tardigrad::network
