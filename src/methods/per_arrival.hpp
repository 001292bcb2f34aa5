// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <utility>

#include "methods/clipping/clip_norm.hpp"
#include "methods/dispatch/dispatch.hpp"
#include "tardigrad/method.hpp"

namespace tardigrad::methods {

/// The frame of every method that handles one arrival at a time:
///   if the admission admits the delay:  x <- x - step(delay) * min(1, c/||g||) * g
///   then the dispatch hands out the next order.
/// A gradient that is not admitted is never looked at, so that nobody need have computed it.
template <class Admission, class StepSize>
class PerArrival final : public Method {
 public:
  struct Parts {
    Admission admission;
    StepSize step;
    ClipNorm clip;
    Dispatch dispatch;
  };
  explicit PerArrival(Parts parts) : parts_(std::move(parts)) {}

  Needs needs() const override { return {.queues = parts_.dispatch.needs_queues()}; }

  void on_worker_joined(WorkerId worker, Commands& commands) override { parts_.dispatch.joined(worker, commands); }

  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    const Decision decision = apply(model.version() - order.version, gradient, model);
    oldest_useful_ = parts_.admission.oldest_useful(model.version());
    parts_.dispatch.delivered(order.worker, commands);
    return decision;
  }

  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model&, Commands& commands) override {
    parts_.dispatch.lost(worker, orders_lost, commands);
  }

  Version oldest_useful_version() const override { return oldest_useful_; }

 private:
  Decision apply(std::uint64_t delay, const Gradient& gradient, Model& model) {
    if (!parts_.admission.admits(delay)) return {.outcome = Outcome::discarded};
    const double norm = gradient.norm();
    if (!std::isfinite(norm)) return {.outcome = Outcome::not_finite};
    const double coefficient = parts_.step.at(delay) * parts_.clip.factor(norm);
    model.step(coefficient, gradient);
    return {.coefficient = coefficient, .clipped = parts_.clip.clips(norm)};
  }

  Parts parts_;
  Version oldest_useful_ = 0;
};

}  // namespace tardigrad::methods
