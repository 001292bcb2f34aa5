// SPDX-License-Identifier: Apache-2.0
#include "problems/analytic.hpp"

#include <cmath>

namespace tardigrad::problems {
namespace {

class AnalyticReplica final : public Replica {
 public:
  explicit AnalyticReplica(const AnalyticProblem& problem)
      : problem_(problem), scratch_(problem.noise().is_none() ? 0 : problem.layout().dimension()) {}

  double gradient(const Order& order, std::span<const float> x, std::span<float> g) override {
    const IsCancelled cancelled = [this] { return this->cancelled(); };
    const double loss = problem_.exact_gradient(order.worker, x, g, cancelled);
    if (!problem_.noise().is_none() && !cancelled())
      problem_.noise().add_to(g, Stream(problem_.seed(), Purpose::gradient_noise, order.worker, order.index), scratch_,
                              cancelled);
    return loss;
  }

  std::vector<double> evaluate(std::span<const float> x, std::size_t, const void*) override {
    const AnalyticProblem::Evaluation at_x = problem_.evaluate(x);
    return {at_x.loss, at_x.squared_gradient_norm};
  }

  WorkerScore score(std::span<const float> x, WorkerId worker, const void*) override {
    own_gradient_.resize(x.size());
    return {.loss = problem_.exact_gradient(worker, x, own_gradient_, [] { return false; }), .accuracy = {}};
  }

 private:
  const AnalyticProblem& problem_;
  std::vector<float> scratch_, own_gradient_;
};

}  // namespace

std::unique_ptr<Replica> AnalyticProblem::make_replica() const { return std::make_unique<AnalyticReplica>(*this); }

std::vector<Metric> AnalyticProblem::metrics(std::span<const double> sums) const {
  return {{"loss", sums[0]}, {"gradient_norm", std::sqrt(sums[1])}};
}

}  // namespace tardigrad::problems
