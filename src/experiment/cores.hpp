// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "engines/compute_pool.hpp"

namespace tardigrad {

/// `count`, or one thread a core. At most 1024.
unsigned thread_count(std::optional<unsigned> count);
/// Where workers are threads: `count`, or the cores that those leave, at least one, and all when they have stopped.
EvaluationThreads evaluation_threads(std::optional<unsigned> count, std::size_t workers);

}  // namespace tardigrad
