// SPDX-License-Identifier: Apache-2.0
// Sums over a vector of every worker.
#pragma once

#include <cstdint>
#include <span>

#include "methods/policies/arrival.hpp"

namespace tardigrad::methods {

/// A sum that is kept up to date by differences is summed up afresh after so many arrivals a worker: what it has lost
/// by then is at most as many half-ulps of it, and summing costs the arrivals in between a thousandth of a vector each.
inline constexpr std::uint64_t kRefreshEvery = 1024;

/// Appends out = sum of the terms. A program without room for more, and for the update that may follow, is run and
/// begun anew.  Pre  out is a work vector, and no term but the first
inline void append_sum(VectorProgram& program, Model& model, const Gradient* gradient, Vec out,
                       std::span<const Direction> terms) {
  constexpr std::size_t kRoom = 12;  // for the update
  bool first = true;
  for (const Direction& term : terms) {
    if (program.statements().size() + kRoom >= VectorProgram::kMostStatements) {
      model.run(program, gradient);
      program.clear();
    }
    if (first)
      program.scale(out, term.factor, term.vector);
    else
      program.add(out, out, term.factor, term.vector);
    first = false;
  }
}

}  // namespace tardigrad::methods
