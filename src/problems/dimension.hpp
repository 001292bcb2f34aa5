// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "tardigrad/settings.hpp"

namespace tardigrad::problems {

/// The setting `dimension` of a problem that exists in every dimension.
inline std::size_t read_dimension(Settings& settings, std::int64_t fallback) {
  return static_cast<std::size_t>(settings.integer_or("dimension", fallback, {.low = 1, .high = 1e9}));
}

}  // namespace tardigrad::problems
