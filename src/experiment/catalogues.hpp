// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "methods/catalogue.hpp"
#include "problems/catalogue.hpp"

namespace tardigrad {

/// What a program that embeds the library brings itself.
struct OwnRows {
  std::vector<ProblemRow> problems = {};
  std::vector<MethodRow> methods = {};
};

/// What scenarios can name: problems and methods.
struct Catalogues {
  problems::ProblemCatalogue problems;
  methods::MethodCatalogue methods;

  /// Adds what a user's shared library brings.
  /// Errors  as load_plugin, and Error when a name is taken
  void add_plugin(const std::filesystem::path& path);
  /// Errors  Error when a name is taken
  void add(const OwnRows& rows);
};

}  // namespace tardigrad
