// SPDX-License-Identifier: Apache-2.0
// The settings that several problems share, under one name each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "core/memory.hpp"
#include "data/partition.hpp"
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

/// The setting `partition` where training data are not named, but owned: what is in them is not the scenario's to say.
/// `sizes`: of ProblemContext::own_data; the examples follow each other. One alone is everybody's.
/// Errors  Error where the scenario says it nevertheless
inline data::Partition read_no_partition(Settings& settings, const ProblemContext& context,
                                         const std::vector<std::size_t>& sizes) {
  if (read_variant(read(settings, data::kPartition), data::kPartition) != "shared")
    settings.fail(data::kPartition.key,
                  "the workers of the run have data of their own (workers.own_data): leave it out");
  const std::size_t all = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
  if (sizes.size() <= 1) return data::Partition::shared(all);
  std::vector<std::vector<std::uint32_t>> parts(context.workers);
  std::uint32_t first = 0;
  for (std::size_t i = 0; i < sizes.size(); first += static_cast<std::uint32_t>(sizes[i++])) {
    parts.at(i).resize(sizes[i]);
    std::iota(parts[i].begin(), parts[i].end(), first);
  }
  return data::Partition::split(std::move(parts));
}

/// Errors  Error: a worker that came has no data here
inline void check_has_data(const data::Partition& partition, WorkerId worker) {
  if (partition.size(worker) == 0)
    throw Error("worker " + std::to_string(worker) + ": its training data are elsewhere");
}

}  // namespace tardigrad::problems
