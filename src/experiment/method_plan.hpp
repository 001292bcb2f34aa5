// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "experiment/scenario.hpp"
#include "experiment/world.hpp"
#include "tardigrad/method.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad {

/// A [method] table made into a method, or, where there is no server, into the step size of its t-th update.
struct MethodPlan {
  std::string name;
  std::unique_ptr<Method> method = {};
  std::function<double(Version)> step_size = {};
  SettingValue::Table resolved = {};
  record::Provenance provenance = {};  ///< of what it computes in its world
  std::string whose = {};              ///< RowOrigin::whose
};

/// Makes the scenario's [method], or another table, found at `path`, into one.
/// Errors  Error "FILE:LINE: key = value: what is allowed"
MethodPlan make_method(const Scenario& scenario, const World& world, const methods::MethodCatalogue& methods);
MethodPlan make_method(const Scenario& scenario, const SettingValue::Table& table, const std::string& path,
                       const World& world, const methods::MethodCatalogue& methods);

/// What is computed by a method in a world comes from both.
record::Provenance provenance_of(const World& world, const RowOrigin& method);

}  // namespace tardigrad
