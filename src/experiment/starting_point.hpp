// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "tardigrad/problem.hpp"

namespace tardigrad {

/// A model that a run begins from, and the file that it came from.
struct Start {
  std::vector<float> values;  ///< [d]
  DataSource source;
};

/// Reads problem.start, a safetensors file with the tensors of the problem: each by its name and of its shape. What
/// else a model.safetensors of the problem holds (running statistics) is left alone.
/// Errors  Error naming the setting, the file and the tensor: one that is missing, of another shape, none of the
///         problem's, or not finite; and as record::read_safetensors
Start read_start(Settings& settings, const Problem& problem);

}  // namespace tardigrad
