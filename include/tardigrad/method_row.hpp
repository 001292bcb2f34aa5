// SPDX-License-Identifier: Apache-2.0
// A method as a row of a catalogue: what is known of it before it is made, and what makes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "tardigrad/method.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/setting.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad {

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
struct MethodMemory {
  std::size_t fixed = 0;
  std::size_t per_worker = 0;
};

/// A row of the catalogue of methods: what `tardigrad list`, the documents and the test suites are made from.
struct MethodRow {
  std::string name;
  std::string summary;
  /// Its own, as `make` reads them. Constants: what this points at outlives every catalogue that holds the row.
  std::span<const SettingRow> settings = {};
  Capabilities capabilities = {};  ///< what it may need from its runtime, in some setting
  MethodMemory memory =
      {};  ///< at most how many vectors; with capabilities.points one more for every version in flight
  /// Unbiased when data differ? "yes; unless clipped", "with KEY = VALUE, ...; ...", or "no".
  std::string heterogeneous = {};
  std::string source = {};
  /// Makes it from a [method] table without its name. Who calls it calls settings.finish().
  /// Errors  Error for an impossible setting
  std::function<std::unique_ptr<Method>(Settings& settings, const MethodContext& context)> make = {};
};

}  // namespace tardigrad
