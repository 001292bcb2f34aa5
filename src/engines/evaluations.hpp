// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "engines/compute_pool.hpp"
#include "tardigrad/problem.hpp"
#include "tardigrad/runtime.hpp"

namespace tardigrad {

/// The evaluations of a run that are under way, in every runtime: begun on the run's own thread where it has `begin`
/// and no session of a pool yet, and computed by the session otherwise.
/// Thread  that of the run
class Evaluations final : public Evaluator {
 public:
  /// Works off parts of a new evaluation, or all. What it leaves is for the session, which then must be there.
  using Begin = std::function<void(EvaluationJob&)>;
  /// The problem outlives it.
  explicit Evaluations(const Problem& problem, Begin begin = {}) : problem_(problem), begin_(std::move(begin)) {}

  /// From now on they are computed by this session, which ends before this object does.
  void set_session(ComputePool::Session& session) { session_ = &session; }

  EvaluationId start(const Snapshot& snapshot) override;
  bool ready(EvaluationId id) override;
  std::vector<Metric> take(EvaluationId id) override;

 private:
  const Problem& problem_;
  const Begin begin_;
  ComputePool::Session* session_ = nullptr;
  std::map<EvaluationId, std::unique_ptr<EvaluationJob>> jobs_;
  std::uint64_t started_ = 0;
};

}  // namespace tardigrad
