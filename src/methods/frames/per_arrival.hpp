// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <utility>

#include "methods/frames/direction.hpp"
#include "methods/frames/server_step.hpp"
#include "methods/policies/arrival.hpp"
#include "methods/policies/dispatch/dispatch.hpp"

namespace tardigrad::methods {

/// The frame of every method that handles one arrival at a time:
///   if the admission admits it:  u = correction(clip(g));  x <- update(x, u, step(delay))
///   then the dispatch hands out the next order.
/// A gradient that is not admitted is never looked at, so that nobody need have computed it.
///
/// Admission   bool admits(delay) or admits(const Arrival&); Version oldest_useful(now)
/// StepRule    double at(delay) or at(const Arrival&)
/// Correction  Direction apply(const Arrival&, Direction, VectorProgram&)
template <class Admission, class StepRule, class Correction = NoCorrection>
class PerArrival final : public Method {
 public:
  struct Parts {
    Admission admission;
    StepRule step;
    ServerStep server;
    Dispatch dispatch;
    Correction correction = {};
    ClipWhen clip_when = ClipWhen::before_correction;
    Capabilities capabilities = {};  ///< beside those of the dispatch
  };
  explicit PerArrival(Parts parts) : parts_(std::move(parts)), preparation_(parts_.correction, parts_.clip_when) {}

  Capabilities required_capabilities() const override {
    return parts_.dispatch.required_capabilities(parts_.capabilities);
  }

  void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override {
    parts_.dispatch.joined(worker.id, commands);
  }

  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    const Decision decision = apply({order, gradient, model});
    oldest_useful_ = parts_.admission.oldest_useful(model.version());
    if (parts_.server.may_take_part(order.worker))
      parts_.dispatch.delivered(order.worker, commands);
    else
      parts_.dispatch.retired(order.worker, commands);
    return decision;
  }

  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model&, Commands& commands) override {
    parts_.dispatch.lost(worker, orders_lost, commands);
  }

  Version oldest_useful_version() const override { return oldest_useful_; }
  std::vector<Metric> figures() const override { return parts_.server.figures(); }
  void serialize(Archive& archive) override {
    policy_state(archive, parts_.admission);
    policy_state(archive, parts_.step);
    archive(parts_.server, parts_.dispatch, preparation_, oldest_useful_);
  }

 private:
  Decision apply(const Arrival& arrival) {
    if (!admits(arrival)) return {.outcome = Outcome::discarded, .reason = reason(arrival)};
    if (!parts_.server.may_take_part(arrival.order.worker))
      return {.outcome = Outcome::discarded, .reason = parts_.server.reason_against_part(arrival.order.worker)};
    const std::optional<Clipped> prepared = preparation_.prepare(arrival, parts_.server, program_);
    if (!prepared) return {.outcome = Outcome::not_finite};
    const auto& [u, clipped] = *prepared;
    const double step = parts_.server.scheduled(step_at(arrival), arrival.model.version());
    parts_.server.finish(program_, arrival.model, &arrival.gradient, u, step);
    return {.coefficient = step * u.factor, .clipped = clipped, .step = step};
  }

  bool admits(const Arrival& arrival) {
    if constexpr (requires { parts_.admission.admits(arrival); })
      return parts_.admission.admits(arrival);
    else
      return parts_.admission.admits(arrival.delay());
  }
  Reason reason(const Arrival& arrival) const {
    if constexpr (requires { parts_.admission.reason(arrival); })
      return parts_.admission.reason(arrival);
    else
      return parts_.admission.reason(arrival.delay());
  }
  double step_at(const Arrival& arrival) {
    if constexpr (requires { parts_.step.at(arrival); })
      return parts_.step.at(arrival);
    else
      return parts_.step.at(arrival.delay());
  }

  Parts parts_;
  Preparation<Correction> preparation_;
  VectorProgram program_;
  Version oldest_useful_ = 0;
};

}  // namespace tardigrad::methods
