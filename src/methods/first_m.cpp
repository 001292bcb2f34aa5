// SPDX-License-Identifier: Apache-2.0
#include "methods/first_m.hpp"

#include <algorithm>
#include <cmath>

namespace tardigrad::methods {

void FirstM::start(WorkerId worker, Commands& commands) {
  state_[worker] = State::busy;
  commands.assign(worker);
}

void FirstM::on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) {
  if (state_.size() <= worker.id) state_.resize(worker.id + 1, State::absent);
  ++live_;
  start(worker.id, commands);
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
  if (sum_.kind == Vec::Kind::none) sum_ = model.make_vector();
  pass_.clear();
  const auto [u, was_clipped] = options_.server.clip({order, gradient, model}, norm, pass_);
  // The first of a round overwrites the last round's sum.
  if (collected_++ == 0)
    pass_.scale(sum_, u.factor, u.vector);
  else
    pass_.add(sum_, sum_, u.factor, u.vector);
  // What this gradient is multiplied by when the round ends with m of them.
  const double coefficient = options_.server.scheduled(options_.step_size, model.version()) /
                             static_cast<double>(std::min(options_.m, live_)) * u.factor;
  if (round_complete())
    finish_round(model, &gradient, commands);
  else
    model.run(pass_, &gradient);
  return {.coefficient = coefficient, .clipped = was_clipped};
}

void FirstM::finish_round(Model& model, const Gradient* gradient, Commands& commands) {
  const double step = options_.server.scheduled(options_.step_size, model.version());
  options_.server.finish(pass_, model, gradient, {sum_, 1.0 / static_cast<double>(collected_)}, step);
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
  if (!round_complete()) return;
  pass_.clear();
  finish_round(model, nullptr, commands);
}

}  // namespace tardigrad::methods
