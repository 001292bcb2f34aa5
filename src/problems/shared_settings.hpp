// SPDX-License-Identifier: Apache-2.0
// The settings that several problems share, under one name each.
#pragma once

#include <cstddef>
#include <string>

#include "core/memory.hpp"
#include "problems/settings.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::problems {

/// The setting `dimension` of a problem that exists in every dimension.
inline std::size_t read_dimension(Settings& settings, const Setting<std::int64_t>& setting) {
  const auto dimension = static_cast<std::size_t>(read(settings, setting));
  constexpr double kBytes = 8 * sizeof(float);  // x, the next one, gradients, the start, noise: 39 were measured
  if (const std::string lack = lack_of_memory(static_cast<double>(dimension), kBytes); !lack.empty())
    settings.fail(setting.key, std::to_string(dimension) + " parameters " + lack);
  return dimension;
}

/// Of a problem with `data` and `batch_size`.
/// Errors  Error naming the setting that is meant, where it is called as other programs call it
inline void refuse_other_names(Settings& settings) {
  if (settings.has("dataset")) settings.fail("dataset", "this setting is called `data`");
  if (settings.has("batch")) settings.fail("batch", "this setting is called `batch_size`");
}

/// The setting `objective` of a problem whose workers may hold unequally many examples.
inline Objective read_objective(Settings& settings) {
  const bool examples = read(settings, kObjective) == "examples";
  return examples ? Objective::examples : Objective::workers;
}

}  // namespace tardigrad::problems
