// SPDX-License-Identifier: Apache-2.0
#include "methods/first_m.hpp"

#include <algorithm>
#include <cmath>

namespace tardigrad::methods {

void FirstM::start(WorkerId worker, Commands& commands) {
  state_[worker] = State::busy;
  commands.assign(worker);
}

void FirstM::on_worker_joined(WorkerId worker, Commands& commands) {
  if (state_.size() <= worker) state_.resize(worker + 1, State::absent);
  ++live_;
  start(worker, commands);
}

bool FirstM::round_complete() const { return collected_ > 0 && collected_ >= std::min(options_.m, live_); }

Decision FirstM::on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) {
  state_[order.worker] = State::waiting;
  if (order.version != model.version()) {  // late by a round or more: only with Late::ignore
    start(order.worker, commands);
    return {.outcome = Outcome::discarded};
  }
  const double norm = gradient.norm();
  if (!std::isfinite(norm)) {
    start(order.worker, commands);
    return {.outcome = Outcome::not_finite};
  }
  if (!has_sum_) {
    sum_ = model.make_vector();
    has_sum_ = true;
  }
  const double factor = options_.clip.factor(norm);
  model.accumulate(sum_, factor, gradient);
  ++collected_;
  // What this gradient is multiplied by when the round ends with m of them.
  const double coefficient = options_.step_size / static_cast<double>(std::min(options_.m, live_)) * factor;
  if (round_complete()) finish_round(model, commands);
  return {.coefficient = coefficient, .clipped = options_.clip.clips(norm)};
}

void FirstM::finish_round(Model& model, Commands& commands) {
  model.step_and_clear(options_.step_size / static_cast<double>(collected_), sum_);
  version_ = model.version();
  collected_ = 0;
  for (WorkerId worker = 0; worker < state_.size(); ++worker) {
    if (state_[worker] == State::busy && options_.late == Late::stop) {
      commands.cancel(worker);
      start(worker, commands);
    } else if (state_[worker] == State::waiting) {
      start(worker, commands);
    }
  }
}

void FirstM::on_worker_lost(WorkerId worker, std::size_t, Model& model, Commands& commands) {
  if (worker >= state_.size() || state_[worker] == State::absent) return;
  state_[worker] = State::absent;
  --live_;
  if (round_complete()) finish_round(model, commands);
}

}  // namespace tardigrad::methods
