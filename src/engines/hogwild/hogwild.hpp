// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <span>

#include "core/buffer_pool.hpp"
#include "engines/compute_pool.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad::hogwild {

struct Options {
  std::size_t workers = 1;              ///< each a thread; at most kMostWorkers
  std::function<double(Version)> step;  ///< the step size of the t-th update, t = 0, 1, ...; called on any thread
  RunOptions run = {};
  EvaluationThreads evaluation_threads = {};
};
inline constexpr std::size_t kMostWorkers = 4096;

struct Hooks {
  std::span<Observer* const> observers = {};
  const std::atomic<bool>* interrupted = nullptr;
};

/// Hogwild!: one x in shared memory, and every worker, by itself, again and again:
///
///   draws its next minibatch, with support S;   reads x_j for j in S;   x_j <- x_j - step(t) g_j for j in S
///
/// Nobody serves, and nobody waits for a lock: reading and adding are atomic for each coordinate, and no more, so that
/// the x of a gradient may never have existed. No addition is lost. t is the number under which the update was claimed;
/// they are claimed in runs of up to 64. WorkerThread i's k-th gradient has the streams of (i, k), as in every runtime.
/// Where the problem has no sparse gradients, S is all of x, and the run is warned of.
///
/// Time is real. Updates and gradients are the same thing, and a budget of them is met exactly; `stop.time` is noticed
/// by every worker after its gradient. An evaluation sees a copy of x that was made while others wrote: it holds the
/// updates of its record, for sure, and parts of some more. One at a multiple of evaluate_every.updates is copied by
/// the worker that ends the run of updates before it: with one worker it is exact. Evaluations for which there is no
/// time are left out, but for the last. No delay is counted: reads that mix versions have none. With one worker x is
/// that of a plain loop, to the last bit; with more, the digest (of x alone) is another each time. A worker that fails
/// is told of and does not return; so is one that is put aside, since it brought infinity or NaN so many times in a
/// row. Such a gradient is not added, and the update is made with the next one.
///
/// x: the initial point; at the end the parameters. Buffers have its dimension.
/// Errors  Error when the system has no threads for the workers
/// Thread  the caller's looks after the run
/// Cost    of an update: O(support), one compare-and-swap a coordinate, which others repeat where they meet
/// Source  Niu, Recht, Re, Wright, arXiv 1106.5730, Algorithm 1, but for: all coordinates of the support are updated
/// and
///         not one at random; additions, not locks; minibatches
RunResult train(const Problem& problem, BufferPool& buffers, std::span<float> x, const Options& options,
                const Hooks& hooks = {});

}  // namespace tardigrad::hogwild
