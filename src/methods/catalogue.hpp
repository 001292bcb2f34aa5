// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tardigrad/method.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/setting.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::methods {

/// What a method is made for.
struct MethodContext {
  std::size_t workers = 1;
  std::uint64_t seed = 1;
  Objective objective = Objective::workers;  ///< of the problem: how its workers are weighed
  std::size_t join_later = 0;                ///< of the workers, those that are not there at time 0
  std::size_t at_start() const { return workers - join_later; }
};

/// Work vectors in R^d that a method keeps on the server beside x, with the update rule "sgd" and without clipping that
/// needs its own: fixed + per_worker * workers at most.
struct Memory {
  std::size_t fixed = 0;
  std::size_t per_worker = 0;
};

/// A row of the catalogue: the one list that feeds `tardigrad list`, the docs and the test suites.
struct MethodRow {
  const char* name;
  const char* summary;
  std::span<const SettingRow> settings;  ///< its own; those that all methods have are kCommonSettings (server_step.hpp)
  Capabilities capabilities = {};        ///< what it may need from its runtime, in some setting
  Memory memory = {};  ///< and at most how many vectors; with capabilities.points one more for every version in flight
  const char*
      heterogeneous;  ///< unbiased when data differ? "yes; unless clipped", "with KEY = VALUE, ...; ...", or "no"
  const char* source;
  std::unique_ptr<Method> (*make)(Settings& settings, const MethodContext& context) = nullptr;
};

std::span<const MethodRow> catalogue();
std::vector<std::string> names();

/// The method of a [method] table: reads `name` and the method's own settings. The caller calls settings.finish().
/// Errors  Error for an unknown name (with the nearest) or an impossible setting
std::unique_ptr<Method> make_method(Settings& settings, const MethodContext& context);

}  // namespace tardigrad::methods
