// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compression/settings.hpp"
#include "engines/runtime_row.hpp"
#include "experiment/catalogues.hpp"
#include "experiment/scenario.hpp"
#include "record/provenance.hpp"
#include "tardigrad/availability.hpp"
#include "tardigrad/compute_time.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad {

/// Where a scenario's parts come from.
struct Sources {
  Catalogues& catalogues;
  std::filesystem::path data_root;
  /// Where workers own their training data (workers.own_data).
  TrainingData training = TrainingData::named;
  std::vector<std::filesystem::path> own_data = {};  ///< ProblemContext::own_data
  bool evaluates = true;                             ///< ProblemContext::evaluates
};

/// The part of a scenario that methods are compared on: problem, data, workers and their speeds, for one seed.
struct World {
  std::string problem_name;
  std::uint64_t seed = 1;
  std::size_t workers = 0;
  bool has_own_data = false;  ///< workers.own_data: training data are the workers'
  std::shared_ptr<const Problem> problem;
  std::shared_ptr<const std::vector<float>> start;   ///< problem.start; nothing: the problem's own x0
  std::shared_ptr<const ComputeTime> compute_time;   ///< nothing: none was given
  std::shared_ptr<const Availability> availability;  ///< nothing: everybody is always there
  compression::Plan compression;                     ///< of gradients and parameters
  RuntimeSettings runtime;                           ///< what [workers] says to its runtime alone
  SettingValue::Table resolved;                      ///< [problem] and [workers] with every default
  SettingValue::Table identity;                      ///< as resolved, without the paths of files
  record::Provenance provenance;                     ///< of what is computed in it

  /// Writes x0, where every run in it begins, into x: [d].
  void initial_point(std::span<float> x) const;
};

/// Makes what a scenario's [problem] and [workers] say.
/// Errors  Error "FILE:LINE: key = value: what is allowed"; what the problem throws while it is made
World make_world(const Scenario& scenario, std::uint64_t seed, const Sources& sources);

/// workers.own_data of a scenario, before anything is made of it.
/// Errors  Error where it is neither true nor false
bool has_own_data(const Scenario& scenario);

}  // namespace tardigrad
