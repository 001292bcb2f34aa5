// SPDX-License-Identifier: Apache-2.0
#include "engines/replay/replayer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "core/hash.hpp"
#include "core/kernels.hpp"
#include "engines/local_work.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad::replay {
namespace {

using record::RecordedCommand;
using record::RecordedEvent;

std::string words(const LocalWork& work) {
  return work.steps == 0 ? "a gradient" : fmt::format("{} local steps of {:.9g}", work.steps, work.step_size);
}

std::string words(const RecordedCommand& command) {
  switch (command.kind) {
    case Command::Kind::assign:
      return fmt::format("gives worker {} an order at version {}, {}", command.worker, command.version,
                         words(command.work));
    case Command::Kind::cancel:
      return fmt::format("withdraws the {} orders of worker {}", command.cancelled.size(), command.worker);
    case Command::Kind::set_timer:
      return fmt::format("sets timer {} to fire in {} s", static_cast<std::uint32_t>(command.timer),
                         to_seconds(command.after));
    case Command::Kind::note:
    case Command::Kind::stop:
      break;
  }
  return "does nothing";
}

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

}  // namespace

Replayer::Replayer(const Problem& problem, RunCompression& compression, BufferPool& buffers,
                   record::RecordingReader& recording, std::optional<std::uint64_t> until)
    : problem_(problem),
      compression_(compression),
      buffers_(buffers),
      recording_(recording),
      until_(until.value_or(std::numeric_limits<std::uint64_t>::max())),
      gradient_(*this),
      evaluations_(problem, [this](EvaluationJob& job) { job.work(replica()); }) {
  look_ahead();
}

void Replayer::look_ahead() {
  upcoming_ = recording_.next();
  last_recorded_ = !upcoming_ && recording_.status() != record::RecordingReader::Status::ended;
  if (!upcoming_ || upcoming_->number > until_) ended_ = true;
}

void Replayer::differs(const std::string& how) const {
  const std::uint64_t number = current_ ? current_->number : 0;
  throw Difference(number, fmt::format("{}: event {} ({}) differs: {}", recording_.name(), number,
                                       current_ ? describe(*current_) : "before the first", how));
}

void Replayer::finish() {
  if (!current_ || last_recorded_ || commands_met_ == current_->commands.size()) return;
  differs(fmt::format("the recorded method then {}, this one does not", words(current_->commands[commands_met_])));
}

std::optional<Event> Replayer::next(Time limit) {
  finish();
  finish_arrival();
  if (!upcoming_) return std::nullopt;
  if (upcoming_->time > limit) {
    now_ = limit;
    return std::nullopt;
  }
  current_ = std::move(upcoming_);
  commands_met_ = 0;
  now_ = current_->time;
  look_ahead();
  std::optional<Event> event(std::in_place);
  event->kind = current_->kind;
  event->time = now_;
  event->worker = current_->worker;
  event->examples = current_->examples;
  event->timer = current_->timer;
  if (current_->kind == Event::Kind::worker_joined) {
    const double examples = problem_.examples(current_->worker);
    if (!same_bits(examples, current_->examples))
      differs(fmt::format("the worker holds {} examples, recorded {}", examples, current_->examples));
  } else if (current_->kind == Event::Kind::worker_lost) {
    lost_ = take_orders(current_->worker, current_->lost);
    compression_.forget(current_->worker);
    event->lost = lost_;
    event->put_aside = current_->put_aside;
  } else if (current_->kind == Event::Kind::gradient_arrived) {
    arrived_ = take_order(current_->order);
    free_since_[arrived_.order.worker] = now_;
    check_steps(arrived_.order);
    norm_.reset();
    values_met_ = false;
    event->order = arrived_.order;
    event->gradient = &gradient_;
  }
  return event;
}

Replayer::OrderInFlight Replayer::take_order(const Order& order) {
  const auto found = in_flight_.find(order.id);
  if (found == in_flight_.end()) differs(fmt::format("order {} was not given before", order.id));
  OrderInFlight taken = std::move(found->second);
  in_flight_.erase(found);
  if (taken.order.worker != order.worker)
    differs(fmt::format("order {} was given to worker {}", order.id, taken.order.worker));
  taken.order.index = order.index;
  taken.order.steps_done = order.steps_done;
  taken.order.compute_time = order.compute_time;
  return taken;
}

// Weights may depend on the steps that a worker says it made.
void Replayer::check_steps(const Order& order) {
  const std::uint32_t asked = order.work.steps, made = order.steps_done;
  if (asked == 0 ? made != 0 : made < 1 || made > asked)
    differs(fmt::format("order {} asked for {}, and {} local steps were made", order.id, words(order.work), made));
}

// What a worker took for them until now: it had begun the oldest one alone.
std::vector<Order> Replayer::take_orders(WorkerId worker, const std::vector<Order>& gone) {
  std::vector<Order> orders;
  for (const Order& order : gone) {
    const OrderInFlight taken = take_order(order);
    orders.push_back(taken.order);
    orders.back().compute_time = now_ - std::max(taken.given, free_since_[worker]);
    free_since_[worker] = now_;
  }
  return orders;
}

// The next command of the recorded event; nothing beyond the end of a recording that was broken off.
const RecordedCommand* Replayer::expect(Command::Kind kind, const std::string& now) {
  if (!current_) differs("the method " + now);
  if (commands_met_ == current_->commands.size()) {
    if (last_recorded_) return nullptr;
    differs(fmt::format("the method {}, which is not recorded", now));
  }
  const RecordedCommand& recorded = current_->commands[commands_met_++];
  if (recorded.kind != kind) differs(fmt::format("the method {}; recorded: it {}", now, words(recorded)));
  return &recorded;
}

OrderId Replayer::assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) {
  const RecordedCommand now{.kind = Command::Kind::assign, .worker = worker, .version = snapshot.version, .work = work};
  const RecordedCommand* recorded = expect(now.kind, words(now));
  if (recorded && (recorded->worker != worker || recorded->version != snapshot.version || !(recorded->work == work)))
    differs(fmt::format("the method {}; recorded: it {}", words(now), words(*recorded)));
  const OrderId id = recorded ? recorded->order : beyond_--;
  const bool fresh =
      in_flight_
          .emplace(id, OrderInFlight{{.id = id, .worker = worker, .version = snapshot.version, .work = work},
                                     compression_.parameters(snapshot),
                                     now_})
          .second;
  if (!fresh) differs(fmt::format("order {} is given twice", id));
  return id;
}

void Replayer::cancel(WorkerId worker, std::vector<Order>& cancelled) {
  RecordedCommand now{.kind = Command::Kind::cancel, .worker = worker};
  for (const auto& [id, given] : in_flight_)
    if (given.order.worker == worker) now.cancelled.push_back(given.order);
  const RecordedCommand* recorded = expect(now.kind, words(now));
  if (recorded && (recorded->worker != worker || recorded->cancelled.size() != now.cancelled.size()))
    differs(fmt::format("the method {}; recorded: it {}", words(now), words(*recorded)));
  const std::vector<Order> taken = take_orders(worker, recorded ? recorded->cancelled : now.cancelled);
  cancelled.insert(cancelled.end(), taken.begin(), taken.end());
}

void Replayer::set_timer(TimerId timer, Time after) {
  const RecordedCommand now{.kind = Command::Kind::set_timer, .timer = timer, .after = after};
  const RecordedCommand* recorded = expect(now.kind, words(now));
  if (recorded && (recorded->timer != timer || recorded->after != after))
    differs(fmt::format("the method {}; recorded: it {}", words(now), words(*recorded)));
}

Replica& Replayer::replica() {
  if (!replica_) replica_ = problem_.make_replica();
  return *replica_;
}

// The arrival brought no gradient then.
bool Replayer::failed() const {
  return current_ && current_->kind == Event::Kind::gradient_arrived && current_->decision.outcome == Outcome::lost;
}

void Replayer::compute() {
  if (norm_) return;
  if (computed_gradient_.empty()) computed_gradient_ = buffers_.take();
  do_work(replica(), arrived_.order, arrived_.snapshot.view(), computed_gradient_.view(), buffers_);
  compression_.gradient(arrived_.order, computed_gradient_.view());
  norm_ = std::sqrt(kernels::squared_norm(computed_gradient_.view()));
  ++computed_;
}

// What its worker left out of it belongs to the next one, whether it was read or not.
void Replayer::finish_arrival() {
  if (!current_ || current_->kind != Event::Kind::gradient_arrived || failed()) return;
  if (compression_.has_error_feedback()) compute();
}

double Replayer::checked_norm() {
  if (!current_->decision.norm) differs("the method asks for the gradient's norm, which it then did not");
  if (failed()) return *current_->decision.norm;
  compute();
  if (!same_bits(*norm_, *current_->decision.norm))
    differs(fmt::format("the gradient has the norm {:.17g}, recorded {:.17g}", *norm_, *current_->decision.norm));
  return *norm_;
}

std::span<const float> Replayer::checked_values() {
  if (!current_->decision.hash) differs("the method reads the gradient, which it then did not");
  compute();
  const std::span<const float> values = std::as_const(computed_gradient_).view();
  if (values_met_) return values;
  values_met_ = true;
  const std::uint64_t hash = hash64(std::as_bytes(values));
  if (hash != *current_->decision.hash)
    differs(fmt::format("the gradient's bits have the hash {:016x}, recorded {:016x}", hash, *current_->decision.hash));
  return values;
}

void Replayer::on_arrival(const ArrivalRecord& record) {
  if (record.order.id != arrived_.order.id || current_->kind != Event::Kind::gradient_arrived) return;
  const record::RecordedDecision& recorded = current_->decision;
  if (record.delay != recorded.delay)
    differs(fmt::format("the delay is {}, recorded {}", record.delay, recorded.delay));
  if (record.outcome != recorded.outcome)
    differs(fmt::format("the gradient is {}, recorded {}", name_of(record.outcome), name_of(recorded.outcome)));
  if (!same_bits(record.coefficient, recorded.coefficient))
    differs(fmt::format("the coefficient is {:.17g}, recorded {:.17g}", record.coefficient, recorded.coefficient));
}

}  // namespace tardigrad::replay
