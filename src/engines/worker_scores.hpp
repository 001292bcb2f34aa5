// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "tardigrad/problem.hpp"

namespace tardigrad {

/// Replica::score of every worker at x, by worker. The number of threads changes no bit.
/// Returns  nothing when `interrupted` says so on the way
/// Pre      problem.has_own_losses()
/// Errors   what a score throws
std::vector<WorkerScore> score_workers(const Problem& problem, std::span<const float> x, std::size_t workers,
                                       unsigned threads, const std::atomic<bool>* interrupted = nullptr);

}  // namespace tardigrad
