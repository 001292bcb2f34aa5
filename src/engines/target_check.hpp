// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "tardigrad/archive.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad {

/// Checks the evaluations of a run against its target, and for divergence, in their order; the first is that of the
/// start.
class TargetCheck {
 public:
  /// What an evaluation says about its run.
  struct Result {
    std::string diverged;         ///< why the run has diverged; "": it has not
    bool reaches_target = false;  ///< with it the target is reached, and it was not before
  };
  /// The options outlive it.
  explicit TargetCheck(const RunOptions& options) : options_(options) {}
  /// Notes in `result` how the evaluation stands to the target.  Shapes  x: [d], what was evaluated.  Cost  O(d)
  Result check(const EvaluationRecord& record, std::span<const float> x, RunResult& result);
  void serialize(Archive& archive) { archive(begun_, loss_scale_, distance_scale_); }

 private:
  std::string divergence(const EvaluationRecord& record, double norm) const;

  const RunOptions& options_;
  bool begun_ = false;
  double loss_scale_ = 1.0, distance_scale_ = 1.0;
};

}  // namespace tardigrad
