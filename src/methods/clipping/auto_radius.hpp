// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "methods/clipping/percentile_radius.hpp"

namespace tardigrad::methods {

inline const PercentileRadius::Options kAutoRadius = {.percentile = 50.0, .window = 256};

}  // namespace tardigrad::methods
