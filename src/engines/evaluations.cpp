// SPDX-License-Identifier: Apache-2.0
#include "engines/evaluations.hpp"

#include "tardigrad/error.hpp"

namespace tardigrad {

EvaluationId Evaluations::start(const Snapshot& snapshot) {
  const EvaluationId id{started_++};
  EvaluationJob& job = *(jobs_[id] = std::make_unique<EvaluationJob>(problem_, snapshot));
  if (!session_ && begin_) begin_(job);
  if (job.finished()) return id;
  TG_CHECK(session_, "nobody is there who evaluates");
  session_->submit(job);
  return id;
}

bool Evaluations::ready(EvaluationId id) {
  const EvaluationJob& job = *jobs_.at(id);
  return session_ ? session_->is_finished(job) : job.finished();
}

std::vector<Metric> Evaluations::take(EvaluationId id) {
  const auto found = jobs_.find(id);
  TG_CHECK(found != jobs_.end(), "an evaluation that was never started, or taken before");
  if (session_) session_->wait_for(*found->second);
  std::vector<Metric> metrics = found->second->metrics(problem_);
  jobs_.erase(found);
  return metrics;
}

}  // namespace tardigrad
