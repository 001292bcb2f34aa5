// SPDX-License-Identifier: Apache-2.0
#include "methods/rounds.hpp"

#include <algorithm>
#include <cmath>

#include "tardigrad/rng.hpp"

namespace tardigrad::methods {

Needs Rounds::needs() const {
  const bool somebody_may_be_late =
      everybody_takes_part() ? options_.m < options_.workers : options_.asked > options_.m;
  return {.cancel = options_.late == Late::stop && somebody_may_be_late, .local_steps = options_.work.steps > 0};
}

double Rounds::weight_of(WorkerId worker) const {
  return options_.weighting == Weighting::uniform ? 1.0 : workers_[worker].examples;
}

// What the round's weights will sum up to, as far as that is known: m times the mean weight of those who take part.
double Rounds::expected_weight() const {
  const std::size_t gradients = std::min(options_.m, collected_ + pending_);
  if (options_.weighting == Weighting::uniform) return static_cast<double>(gradients);
  return (weight_ + asked_weight_) * static_cast<double>(gradients) / static_cast<double>(collected_ + pending_);
}

// Draws know who is idle without looking at everybody.
void Rounds::become(WorkerId worker, State next) {
  State& state = workers_[worker].state;
  if (!everybody_takes_part()) {
    if (state == State::idle) idle_.add(worker, -1);
    if (next == State::idle) idle_.add(worker, 1);
    if (state == State::asked) asked_weight_ -= weight_of(worker);
    if (next == State::asked) asked_weight_ += weight_of(worker);
  }
  state = next;
}

void Rounds::find_idle_and_participants() {
  if (everybody_takes_part()) return;
  idle_.clear();
  participants_.clear();
  for (WorkerId worker = 0; worker < workers_.size(); ++worker) {
    const State state = workers_[worker].state;
    if (state == State::idle) idle_.add(worker, 1);
    if (state == State::asked || state == State::done) participants_.push_back(worker);
  }
}

void Rounds::ask(WorkerId worker, Commands& commands) {
  become(worker, State::asked);
  ++pending_;
  commands.assign(worker, options_.work);
}

// The first places of a shuffle (Fisher and Yates) of the idle ones, of which only what was moved is written down.
void Rounds::draw_participants(Commands& commands) {
  Stream stream(options_.seed, Purpose::dispatch, 0, rounds_drawn_++);
  const std::uint64_t idle = idle_.total(), asked = std::min<std::uint64_t>(options_.asked, idle);
  moved_.clear();
  participants_.clear();
  const auto at = [&](std::uint64_t place) {
    const auto moved = moved_.find(place);
    return moved == moved_.end() ? place : moved->second;
  };
  for (std::uint64_t i = 0; i < asked; ++i) {
    const std::uint64_t place = i + stream.below(idle - i);
    participants_.push_back(static_cast<WorkerId>(idle_.holder_of(at(place))));
    moved_[place] = at(i);
  }
  std::ranges::sort(participants_);
  for (const WorkerId worker : participants_) ask(worker, commands);
}

// What becomes of a worker, which `use` spares: it computes for the next round too.
void Rounds::end_of_round(WorkerId worker, Commands& commands) {
  const State state = workers_[worker].state;
  if (state == State::done) {
    become(worker, State::idle);
  } else if (state == State::asked && options_.late == Late::use) {
    ++pending_;
  } else if (state == State::asked && options_.late == Late::stop &&
             gradients_ - workers_[worker].last <= options_.patience) {
    commands.cancel(worker);
    become(worker, State::idle);
  } else if (state == State::asked) {
    become(worker, State::late);
  }
  if (!everybody_takes_part()) return;
  // A late worker may still bring a gradient of this round, once it is done with the old one.
  if (workers_[worker].state == State::idle)
    ask(worker, commands);
  else if (workers_[worker].state == State::late)
    ++pending_;
}

void Rounds::begin_round(Commands& commands) {
  collected_ = 0;
  weight_ = 0.0;
  if (next_) {
    options_.m = next_->m;
    options_.late = next_->late;
    options_.step_size = next_->step_size;
  } else if (options_.late == Late::use) {
    return;  // everybody goes on
  }
  next_.reset();
  pending_ = 0;
  if (everybody_takes_part()) {
    for (WorkerId worker = 0; worker < workers_.size(); ++worker) end_of_round(worker, commands);
  } else {
    for (const WorkerId worker : participants_) end_of_round(worker, commands);
    draw_participants(commands);
  }
}

void Rounds::on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) {
  if (workers_.size() <= worker.id) workers_.resize(worker.id + 1);
  workers_[worker.id] = {.examples = worker.examples, .last = gradients_};
  become(worker.id, State::idle);
  ++alive_;
  if (everybody_takes_part()) return ask(worker.id, commands);
  // The first draw waits until all that begin are there; later ones do not wait for anybody.
  if (pending_ == 0 && collected_ == 0 && (rounds_drawn_ > 0 || alive_ >= options_.at_start))
    draw_participants(commands);
}

bool Rounds::round_complete() const {
  return collected_ > 0 && collected_ >= std::min(options_.m, collected_ + pending_);
}

Decision Rounds::on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) {
  if (workers_[order.worker].state == State::late) {
    become(order.worker, State::idle);
    if (everybody_takes_part()) {
      --pending_;
      ask(order.worker, commands);
    } else if (pending_ == 0 && collected_ == 0) {
      draw_participants(commands);
    }
    return {.outcome = Outcome::discarded, .reason = {.rule = "the round that it was computed for is over"}};
  }
  const double norm = gradient.norm();
  if (!std::isfinite(norm)) {  // the same worker tries again
    commands.assign(order.worker, options_.work);
    return {.outcome = Outcome::not_finite};
  }
  return collect(order, gradient, norm, model, commands);
}

Decision Rounds::collect(const Order& order, const Gradient& gradient, double norm, Model& model, Commands& commands) {
  pass_.clear();
  const auto [u, was_clipped] = options_.server.clip({order, gradient, model}, norm, pass_);
  const double weight = weight_of(order.worker);
  const double share = weight / expected_weight();
  const double step = options_.server.scheduled(options_.step_size, model.version());
  become(order.worker, State::done);
  workers_[order.worker].last = ++gradients_;
  --pending_;
  weight_ += weight;
  const bool first = collected_++ == 0, complete = round_complete();
  if (first && complete)
    finish_round(model, &gradient, u, commands);  // there is no sum
  else
    add({u.vector, weight * u.factor}, first, gradient, model, commands);
  if (options_.late == Late::use && workers_[order.worker].state == State::done) ask(order.worker, commands);
  return {.coefficient = step * share * u.factor, .clipped = was_clipped, .step = step, .weight = share};
}

// The first of a round overwrites the last round's sum, and the sum with the last of it is not written at all.
void Rounds::add(Direction u, bool first, const Gradient& gradient, Model& model, Commands& commands) {
  if (sum_.kind == Vec::Kind::none) sum_ = model.make_vector();
  const bool complete = round_complete();
  const Vec sum = complete ? kCorrectionTemporary : sum_;
  if (first)
    pass_.scale(sum, u.factor, u.vector);
  else
    pass_.add(sum, sum_, u.factor, u.vector);
  if (complete)
    finish_round(model, &gradient, {sum, 1.0 / weight_}, commands);
  else
    model.run(pass_, &gradient);
}

void Rounds::finish_round(Model& model, const Gradient* gradient, Direction mean, Commands& commands) {
  const double step = options_.server.scheduled(options_.step_size, model.version());
  options_.server.finish(pass_, model, gradient, mean, step);
  begin_round(commands);
  if (options_.late != Late::use) oldest_useful_ = model.version();
}

void Rounds::on_worker_lost(WorkerId worker, std::size_t, Model& model, Commands& commands) {
  if (worker >= workers_.size() || workers_[worker].state == State::absent) return;
  const State was = workers_[worker].state;
  become(worker, State::absent);
  --alive_;
  if (was == State::asked || (was == State::late && everybody_takes_part())) --pending_;
  if (round_complete()) {
    pass_.clear();
    finish_round(model, nullptr, {sum_, 1.0 / weight_}, commands);
  } else if (pending_ == 0 && collected_ == 0 && !everybody_takes_part()) {
    draw_participants(commands);
  }
}

}  // namespace tardigrad::methods
