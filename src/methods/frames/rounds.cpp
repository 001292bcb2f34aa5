// SPDX-License-Identifier: Apache-2.0
#include "methods/frames/rounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace tardigrad::methods {

Capabilities Rounds::required_capabilities() const {
  const bool somebody_may_be_late =
      everybody_takes_part() ? options_.m < options_.workers : options_.asked > options_.m;
  return {.cancel = options_.late == Late::stop && somebody_may_be_late,
          .timers = options_.deadline.is_on(),
          .local_steps = options_.work.steps > 0};
}

std::vector<Metric> Rounds::figures() const {
  std::vector<Metric> figures = options_.server.figures();
  if (options_.deadline.is_on()) figures.push_back({"deadlines_passed", static_cast<double>(deadlines_passed_)});
  return figures;
}

double Rounds::weight_of(WorkerId worker) const {
  return options_.weighting == Weighting::uniform ? workers_[worker].times : workers_[worker].examples;
}

// Of being drawn: one each, or the examples, in units of 2^-20, so that sums are exact.
std::int64_t Rounds::chances_of(WorkerId worker) const {
  if (options_.sampling == Sampling::uniform) return 1;
  return std::llround(std::clamp(workers_[worker].examples, 0.0, 0x1p30) * 0x1p20);
}

double Rounds::normaliser_of(const Order& order) const {
  if (!options_.normalise) return 1.0;
  TG_CHECK(order.steps_done >= 1, "worker ", order.worker, " made no local step of ", order.work.steps);
  const double steps = order.steps_done, pull = order.work.step_size * order.work.proximal_weight;
  return pull > 0.0 ? (1.0 - std::pow(1.0 - pull, steps)) / pull : steps;
}

// W of a round that ends with so many gradients, of drawn clients that count by their examples.
double Rounds::fixed_weight(std::size_t gradients) const {
  return population_weight_ * static_cast<double>(gradients) / static_cast<double>(population_);
}

// W, as far as it is known.
double Rounds::expected_weight() const {
  const std::size_t gradients = std::min(target(), collected_ + pending_);
  if (options_.weighting == Weighting::uniform) return static_cast<double>(gradients);
  if (options_.weighting == Weighting::examples) return fixed_weight(gradients);
  return (weight_ + asked_weight_) * static_cast<double>(gradients) / static_cast<double>(collected_ + pending_);
}

void Rounds::set_idle(WorkerId worker, bool idle) {
  const int sign = idle ? 1 : -1;
  idle_.add(worker, sign * chances_of(worker));
  idle_examples_ += sign * workers_[worker].examples;
  idle_count_ += static_cast<std::size_t>(sign);
}

// Draws know who is idle without looking at everybody.
void Rounds::become(WorkerId worker, Stage next) {
  Stage& state = workers_[worker].state;
  if (!everybody_takes_part()) {
    if (state == Stage::idle) set_idle(worker, false);
    if (next == Stage::idle) set_idle(worker, true);
    if (state == Stage::asked) asked_weight_ -= weight_of(worker);
    if (next == Stage::asked) asked_weight_ += weight_of(worker);
  }
  state = next;
}

void Rounds::find_idle_and_participants() {
  if (everybody_takes_part()) return;
  idle_.clear();
  idle_examples_ = 0.0;
  idle_count_ = 0;
  participants_.clear();
  for (WorkerId worker = 0; worker < workers_.size(); ++worker) {
    const Stage state = workers_[worker].state;
    if (state == Stage::idle) set_idle(worker, true);
    if (state == Stage::asked || state == Stage::done) participants_.push_back(worker);
  }
}

void Rounds::ask(WorkerId worker, Commands& commands) {
  become(worker, Stage::asked);
  pending_ += workers_[worker].times;
  commands.assign(worker, options_.work);
}

// The first places of a shuffle (Fisher and Yates) of the idle ones, of which only what was moved is written down.
void Rounds::draw_without_replacement(Stream& stream) {
  const std::uint64_t idle = idle_.total(), asked = std::min<std::uint64_t>(options_.asked, idle);
  moved_.clear();
  const auto at = [&](std::uint64_t place) {
    const auto moved = moved_.find(place);
    return moved == moved_.end() ? place : moved->second;
  };
  for (std::uint64_t i = 0; i < asked; ++i) {
    const std::uint64_t place = i + stream.below(idle - i);
    participants_.push_back(static_cast<WorkerId>(idle_.holder_of(at(place))));
    moved_[place] = at(i);
  }
}

void Rounds::draw_by_examples(Stream& stream) {
  if (idle_.total() == 0) return;
  for (std::size_t i = 0; i < options_.asked; ++i) {
    const auto worker = static_cast<WorkerId>(idle_.holder_of(stream.below(idle_.total())));
    if (workers_[worker].times++ == 0) participants_.push_back(worker);
  }
}

void Rounds::draw_participants(Commands& commands) {
  Stream stream(options_.seed, Purpose::dispatch, 0, rounds_drawn_++);
  population_ = idle_count_;
  population_weight_ = idle_examples_;
  if (options_.sampling == Sampling::examples)
    for (const WorkerId worker : participants_) workers_[worker].times = 0;
  participants_.clear();
  if (!may_begin()) return;
  if (options_.sampling == Sampling::uniform)
    draw_without_replacement(stream);
  else
    draw_by_examples(stream);
  std::ranges::sort(participants_);
  for (const WorkerId worker : participants_) ask(worker, commands);
}

// Where everybody takes part, one that is idle: at once, or when enough are there.
void Rounds::ask_in_turn(WorkerId worker, Commands& commands) {
  if (has_begun() || options_.min_workers <= 1) return ask(worker, commands);
  if (!may_begin()) return;
  for (WorkerId other = 0; other < workers_.size(); ++other)
    if (workers_[other].state == Stage::idle) ask(other, commands);
}

// What becomes of a worker, which `use` spares: it computes for the next round too.
void Rounds::end_of_round(WorkerId worker, Commands& commands) {
  const Stage state = workers_[worker].state;
  if (state == Stage::done) {
    become(worker, Stage::idle);
  } else if (state == Stage::asked && options_.late == Late::use) {
    ++pending_;
  } else if (state == Stage::asked && options_.late == Late::stop &&
             gradients_ - workers_[worker].last <= options_.patience) {
    commands.cancel(worker);
    become(worker, Stage::idle);
  } else if (state == Stage::asked) {
    become(worker, Stage::late);
  }
  if (!everybody_takes_part()) return;
  // A late worker may still bring a gradient of this round, once it is done with the old one.
  if (workers_[worker].state == Stage::late && may_begin())
    ++pending_;
  else if (workers_[worker].state == Stage::late)
    become(worker, Stage::overdue);  // there is no round to wait in
  else if (workers_[worker].state == Stage::idle && may_begin())
    ask(worker, commands);
}

void Rounds::begin_round(Commands& commands) {
  collected_ = 0;
  weight_ = normalisers_ = 0.0;
  timer_set_ = passed_ = false;
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
  workers_[worker.id] = {.times = options_.sampling == Sampling::uniform ? 1u : 0u,
                         .examples = worker.examples,
                         .last = gradients_,
                         .joined = rounds_drawn_};
  become(worker.id, Stage::idle);
  ++alive_;
  // The first draw waits until all that begin are there; later ones do not wait for anybody.
  if (everybody_takes_part())
    ask_in_turn(worker.id, commands);
  else if (!has_begun() && (rounds_drawn_ > 0 || alive_ >= options_.at_start))
    draw_participants(commands);
  keep_deadline(commands);
}

// So many gradients make the round.
std::size_t Rounds::target() const {
  return passed_ ? std::min(options_.m, options_.deadline.min_results()) : options_.m;
}

bool Rounds::round_complete() const {
  return collected_ > 0 && collected_ >= std::min(target(), collected_ + pending_);
}

// Whatever happened: a round that waits for somebody has a timer, as soon as one can be set. It comes after the orders
// of the event, so that what takes just as long is in time.
void Rounds::keep_deadline(Commands& commands) {
  if (!has_begun()) timer_set_ = passed_ = false;
  if (!has_begun() || timer_set_ || options_.late == Late::use) return;
  std::optional<Time> after = options_.deadline.of_round();
  if (!after && 2 * collected_ >= std::min(options_.m, collected_ + pending_))
    after = options_.deadline.of_first_round();
  if (!after) return;
  timer_set_ = true;
  commands.set_timer(TimerId{++timer_}, *after);
}

void Rounds::on_timer(TimerId timer, Model& model, Commands& commands) {
  if (!timer_set_ || passed_ || timer != TimerId{timer_}) return;  // of a round that is over
  passed_ = true;
  if (!round_complete()) return;
  program_.clear();
  finish_round(model, nullptr, {.vector = sum_}, commands);
  keep_deadline(commands);
}

// The round ends by its deadline, as if those who are not done had vanished.
void Rounds::leave_behind(Commands& commands) {
  constexpr std::size_t kNamed = 5;
  std::string names;
  std::size_t left = 0;
  const auto leave = [&](WorkerId worker) {
    const Stage was = workers_[worker].state;
    if (was != Stage::asked && was != Stage::late) return;
    if (left++ < kNamed) names += fmt::format("{}{}", left > 1 ? ", " : "", worker);
    become(worker, Stage::overdue);
    if (everybody_takes_part()) return;
    --population_;
    population_weight_ -= workers_[worker].examples;
  };
  if (everybody_takes_part()) {
    for (WorkerId worker = 0; worker < workers_.size(); ++worker) leave(worker);
  } else {
    for (const WorkerId worker : participants_) leave(worker);
  }
  ++deadlines_passed_;
  commands.note(fmt::format("the deadline of the round has passed: {} came, without worker{} {}{}", collected_,
                            left == 1 ? "" : "s", names,
                            left > kNamed ? fmt::format(" and {} others", left - kNamed) : ""));
}

// It was computed for a round that is over.
void Rounds::on_late_gradient(const Order& order, Commands& commands) {
  const bool was_waited_for = workers_[order.worker].state == Stage::late;
  options_.deadline.came(order.round_trip);
  become(order.worker, Stage::idle);
  if (everybody_takes_part()) {
    if (was_waited_for) --pending_;
    ask_in_turn(order.worker, commands);
  } else if (!has_begun()) {
    draw_participants(commands);
  }
  keep_deadline(commands);
}

Decision Rounds::on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) {
  if (workers_[order.worker].state == Stage::late || workers_[order.worker].state == Stage::overdue) {
    on_late_gradient(order, commands);
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
  program_.clear();
  const auto [u, was_clipped] = options_.server.clip({order, gradient, model}, norm, program_);
  const double weight = weight_of(order.worker), normaliser = normaliser_of(order);
  const double expected = expected_weight();
  const double step = options_.server.scheduled(options_.step_size, model.version());
  const std::uint32_t times = workers_[order.worker].times;
  become(order.worker, Stage::done);
  options_.deadline.came(order.round_trip);
  workers_[order.worker].last = ++gradients_;
  pending_ -= times;
  const bool first = collected_ == 0;
  collected_ += times;
  weight_ += weight;
  normalisers_ += weight * normaliser;
  const double share = expected > 0.0 ? weight / normaliser * mean_normaliser() / expected : 0.0;
  if (first && round_complete())
    finish_round(model, &gradient, {u.vector, weight / normaliser * u.factor}, commands);  // there is no sum
  else
    add({u.vector, weight / normaliser * u.factor}, first, gradient, model, commands);
  if (options_.late == Late::use && workers_[order.worker].state == Stage::done) ask(order.worker, commands);
  keep_deadline(commands);
  return {.coefficient = step * share * u.factor, .clipped = was_clipped, .step = step, .weight = share};
}

// The first of a round overwrites the last round's sum, and the sum with the last of it is not written at all.
void Rounds::add(Direction u, bool first, const Gradient& gradient, Model& model, Commands& commands) {
  if (sum_.kind == Vec::Kind::none) sum_ = model.make_vector();
  const bool complete = round_complete();
  const Vec sum = complete ? kCorrectionTemporary : sum_;
  if (first)
    program_.scale(sum, u.factor, u.vector);
  else
    program_.add(sum, sum_, u.factor, u.vector);
  if (complete)
    finish_round(model, &gradient, {.vector = sum}, commands);
  else
    model.run(program_, &gradient);
}

double Rounds::mean_normaliser() const { return options_.normalise && weight_ > 0.0 ? normalisers_ / weight_ : 1.0; }

void Rounds::finish_round(Model& model, const Gradient* gradient, Direction sum, Commands& commands) {
  if (passed_ && pending_ > 0) leave_behind(commands);
  options_.deadline.learn();
  const double weights = options_.weighting == Weighting::examples ? fixed_weight(collected_) : weight_;
  // Nobody who came has examples: nothing to step along.
  const Direction mean = {sum.vector, weights > 0.0 ? sum.factor * (mean_normaliser() / weights) : 0.0};
  const double step = options_.server.scheduled(options_.step_size, model.version());
  options_.server.finish(program_, model, gradient, mean, step);
  begin_round(commands);
  if (options_.late != Late::use) oldest_useful_ = model.version();
}

void Rounds::on_worker_lost(WorkerId worker, std::size_t, Model& model, Commands& commands) {
  if (worker >= workers_.size() || workers_[worker].state == Stage::absent) return;
  const Stage was = workers_[worker].state;
  become(worker, Stage::absent);
  --alive_;
  const bool could_be_drawn = was == Stage::asked || (was == Stage::idle && workers_[worker].joined < rounds_drawn_);
  if (could_be_drawn && !everybody_takes_part()) {
    --population_;
    population_weight_ -= workers_[worker].examples;
  }
  if (was == Stage::asked || (was == Stage::late && everybody_takes_part())) pending_ -= workers_[worker].times;
  if (round_complete()) {
    program_.clear();
    finish_round(model, nullptr, {.vector = sum_}, commands);
  } else if (!has_begun() && !everybody_takes_part()) {
    timer_set_ = passed_ = false;
    draw_participants(commands);
  }
  keep_deadline(commands);
}

}  // namespace tardigrad::methods
