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
    const GivenUp given_up = [this] { return this->given_up(); };
    const double loss = problem_.exact_gradient(order.worker, x, g, given_up);
    if (!problem_.noise().is_none() && !given_up())
      problem_.noise().add_to(g, Stream(problem_.seed(), Purpose::gradient_noise, order.worker, order.index), scratch_,
                              given_up);
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
