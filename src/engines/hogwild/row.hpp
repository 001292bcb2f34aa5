// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engines/runtime_row.hpp"

namespace tardigrad::hogwild {

RuntimeRow row();

}  // namespace tardigrad::hogwild
