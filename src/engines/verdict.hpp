// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "tardigrad/archive.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad {

/// What an evaluation says about its run.
struct Verdict {
  std::string diverged;         ///< why the run has diverged; "": it has not
  bool reaches_target = false;  ///< with it the target is reached, and it was not before
};

/// Judges the evaluations of a run, in their order; the first is that of the start.
class Judge {
 public:
  /// The options outlive it.
  explicit Judge(const RunOptions& options) : options_(options) {}
  /// Notes in `result` how the evaluation stands to the target.  Shapes  x: [d], what was evaluated.  Cost  O(d)
  Verdict judge(const EvaluationRecord& record, std::span<const float> x, RunResult& result);
  void state(Archive& archive) { archive(begun_, loss_scale_, distance_scale_); }

 private:
  std::string divergence(const EvaluationRecord& record, double norm) const;

  const RunOptions& options_;
  bool begun_ = false;
  double loss_scale_ = 1.0, distance_scale_ = 1.0;
};

}  // namespace tardigrad
