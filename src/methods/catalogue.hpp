// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tardigrad/method.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::methods {

/// What a method is made for.
struct MethodContext {
  std::size_t workers = 1;
  std::uint64_t seed = 1;
};

/// One setting of a method, for `tardigrad list methods`.
struct Knob {
  const char* key;
  const char* fallback;  ///< "" when it must be given
  const char* meaning;
};

/// A row of the catalogue: the one list that feeds `tardigrad list`, the docs and the test suites.
struct MethodRow {
  const char* name;
  const char* summary;
  std::span<const Knob> knobs;
  const char* heterogeneous;  ///< is it unbiased when the workers' data differ?
  const char* source;
  std::unique_ptr<Method> (*make)(Settings& settings, const MethodContext& context);
};

std::span<const MethodRow> catalogue();
std::vector<std::string> names();

/// The method of a [method] table: reads `name` and the method's own settings. The caller calls settings.finish().
/// Errors  Error for an unknown name (with the nearest) or an impossible setting
std::unique_ptr<Method> make_method(Settings& settings, const MethodContext& context);

}  // namespace tardigrad::methods
