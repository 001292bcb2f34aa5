// SPDX-License-Identifier: Apache-2.0
#include "engines/replay/recorder.hpp"

#include "core/hash.hpp"

namespace tardigrad::replay {

double Recorder::ObservedGradient::norm() const {
  const double norm = recorder_.arrived_->norm();
  recorder_.decision_.norm = norm;
  return norm;
}

std::span<const float> Recorder::ObservedGradient::values() const {
  const std::span<const float> values = recorder_.arrived_->values();
  std::optional<std::uint64_t>& hash = recorder_.decision_.hash;
  if (!hash) hash = hash64(std::as_bytes(values));
  return values;
}

std::optional<Event> Recorder::next(Time limit) {
  std::optional<Event> event = inner_.next(limit);
  if (!event) return event;
  switch (event->kind) {
    case Event::Kind::worker_joined:
      out_.joined(event->time, event->worker, event->examples);
      break;
    case Event::Kind::worker_lost:
      out_.lost(event->time, event->worker, event->lost, event->put_aside);
      break;
    case Event::Kind::timer_fired:
      out_.timer_fired(event->time, event->timer);
      break;
    case Event::Kind::gradient_arrived:  // written when it is decided what becomes of it
      arrived_ = event->gradient;
      undecided_ = event->order.id;
      event->gradient = &gradient_;
      decision_ = {};
      break;
  }
  return event;
}

void Recorder::on_arrival(const ArrivalRecord& record) {
  if (record.order.id != undecided_) return;  // it brought nothing, and is in its event
  undecided_.reset();
  decision_.delay = record.delay;
  decision_.outcome = record.outcome;
  decision_.coefficient = record.coefficient;
  out_.arrived(record.time, record.order, decision_);
}

OrderId Recorder::assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) {
  const OrderId order = inner_.assign(worker, snapshot, work);
  out_.assigned(worker, order, snapshot.version, work);
  return order;
}

void Recorder::cancel(WorkerId worker, std::vector<Order>& cancelled) {
  const std::size_t before = cancelled.size();
  inner_.cancel(worker, cancelled);
  out_.cancelled(worker, std::span(cancelled).subspan(before));
}

void Recorder::set_timer(TimerId timer, Time after) {
  inner_.set_timer(timer, after);
  out_.timer_set(timer, after);
}

std::string Recorder::describe() const {
  out_.flush();
  return "  the recording up to here was written: `tardigrad replay` goes through it again";
}

}  // namespace tardigrad::replay
