// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace tardigrad {

/// What pruning knows of one run of a grid.
struct PruningCandidate {
  std::string method;     ///< and world: what settings compete within
  std::size_t point = 0;  ///< of its method; runs of one point differ in their seed only
  bool ended = false;
  std::optional<double> time_to_target;  ///< virtual seconds
  double elapsed = 0.0;                  ///< virtual seconds that it takes at least: so far, or to its first evaluation
};

/// The runs that have not ended and whose point can no longer become the best of its method: some point of the same
/// method has reached the target with all its seeds, and the geometric mean time to target of this one must come out
/// larger, because its product of times (of ended runs: the time to target; of others: the time so far, which can only
/// grow) is larger already, or because one of its runs ended without reaching the target.
/// Such a run cannot change which setting is best, nor that setting's figures. Where a target is met at time 0, which
/// is the same for all settings, nothing is hopeless.
/// Pre  runs end at their target: of one that goes on, the time so far is no lower bound
std::vector<bool> find_hopeless(const std::vector<PruningCandidate>& runs);

}  // namespace tardigrad
