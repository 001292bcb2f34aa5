// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>

#include "core/kernels.hpp"
#include "tardigrad/vectors.hpp"

namespace tardigrad::kernels {

/// The memory of a vector of a pass. For x the two differ: the old version is read until the new one is written.
struct Operand {
  std::span<const float> read;
  std::span<float> write;  ///< empty: must not be written
};

/// Executes the statements of a pass on vectors of `size` floats, as if for every coordinate in turn: block by block,
/// so that what one statement leaves in the nearest cache the next one finds there.
/// `memory` says where a named vector is; it is asked once for each, and never for temporaries.
/// Every result is bit-identical on every instruction set and for every number of threads.
void execute(const Pass& pass, std::size_t size, const std::function<Operand(Vec)>& memory,
             Threads threads = Threads::one);

}  // namespace tardigrad::kernels
