// SPDX-License-Identifier: Apache-2.0
// Who has which order, and what came of it.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "compression/bf16.hpp"
#include "compression/sparse.hpp"
#include "engines/wire/coordinator.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::wire {

namespace {

constexpr Time kLongestOrder = std::chrono::hours(24 * 365);  // of what a worker may say that it took

Payload bytes_of(const Snapshot& snapshot) { return {snapshot.params, std::as_bytes(snapshot.view())}; }

}  // namespace

OrderId Coordinator::assign(WorkerId id, const Snapshot& snapshot, const LocalWork& work) {
  TG_CHECK(present(id), "an order for a worker that is not there");
  TG_CHECK(snapshot.view().size() == dimension_, "parameters of another dimension");
  Worker& worker = *workers_[id];
  Lease lease;
  lease.order = {
      .id = next_order_++, .worker = id, .index = worker.gradients, .version = snapshot.version, .work = work};
  lease.snapshot = snapshot;
  worker.gradients += std::max<std::uint64_t>(work.steps, 1);
  worker.leases.push_back(std::move(lease));
  ++worker.counters.assigned;
  pump(worker);
  return next_order_ - 1;
}

// Tells the worker its next orders, as far as it has room for them.
void Coordinator::pump(Worker& worker) {
  while (worker.connection && !worker.losing) {
    while (worker.sending && worker.room > 0) {
      --worker.room;
      tell(worker, ParameterChunk{worker.sending->next(options_.chunk_bytes)});
      if (!worker.sending->done()) continue;
      worker.sent = std::exchange(worker.being_sent, {});
      worker.sent_with = worker.sending->order().order;
      worker.sending.reset();
    }
    if (worker.sending || worker.draining || worker.joining) return;
    const auto next = std::ranges::find_if(worker.leases, [](const Lease& lease) { return !lease.delivered; });
    if (next == worker.leases.end() || next - worker.leases.begin() >= static_cast<std::ptrdiff_t>(options_.prefetch))
      return;
    if (next == worker.leases.begin()) worker.begun = clock_.elapsed();
    next->delivered = true;
    Assign assign{.session = {options_.epoch, worker.incarnation}, .attempt = next->attempt, .order = next->order};
    worker.sending = Cutter(next->held(), parameters(worker, next->snapshot, assign));
    worker.being_sent = next->snapshot.params;
    tell(worker, std::move(assign));
  }
}

// In the form that takes the fewest bytes; differences only where they take half of them at most, as they cost both
// sides a pass, and from parameters that are in memory for another reason.
Payload Coordinator::parameters(const Worker& worker, const Snapshot& snapshot, Assign& assign) {
  const bool halved = options_.compression.bf16_parameters;
  const std::size_t whole = (halved ? sizeof(float) / 2 : sizeof(float)) * dimension_;
  assign.bytes = whole;
  if (const std::shared_ptr<const Buffer> base = worker.sent.lock()) {
    if (auto bytes = compression::differences(snapshot.view(), base->view(), whole / 2)) {
      assign.form = Form::differences;
      assign.base = worker.sent_with;
      assign.bytes = bytes->size();
      return Payload(std::move(*bytes));
    }
  }
  if (!halved) return bytes_of(snapshot);
  assign.form = Form::bf16;
  if (packed_.of != snapshot.params) {
    std::vector<std::byte> bytes(whole);
    compression::pack_bf16(snapshot.view(), bytes);
    packed_ = {snapshot.params, Payload(std::move(bytes))};
  }
  return packed_.bytes;
}

void Coordinator::cancel(WorkerId id, std::vector<Order>& cancelled) {
  TG_CHECK(present(id), "orders of a worker that is not there are cancelled");
  Worker& worker = *workers_[id];
  if (worker.leases.empty()) return;
  const OrderId last = worker.leases.back().order.id;
  const std::size_t before = cancelled.size();
  withdraw(worker, cancelled);
  worker.counters.cancelled += cancelled.size() - before;
  tell(worker, Cancel{last});
  leave_if_drained(worker);
  serve_queue();
}

void Coordinator::withdraw(Worker& worker, std::vector<Order>& withdrawn) {
  for (const Lease& lease : worker.leases) withdrawn.push_back(lease.order);
  worker.leases.clear();
  worker.sending.reset();
  drop_assembly(worker);
  std::erase_if(events_, [&](const CoordinatorEvent& event) {
    if (event.kind != CoordinatorEvent::Kind::arrived || event.worker != worker.id) return false;
    if (event.gradient) --uploads_;
    return true;
  });
}

std::optional<CoordinatorEvent> Coordinator::next_event() {
  if (events_.empty()) return std::nullopt;
  CoordinatorEvent event = std::move(events_.front());
  events_.pop_front();
  Worker& worker = *workers_[event.worker];
  switch (event.kind) {
    case CoordinatorEvent::Kind::joined:
      worker.joining = false;
      worker.present = true;
      break;
    case CoordinatorEvent::Kind::lost:
      withdraw(worker, event.lost);
      worker.counters.lost += event.lost.size();
      worker.losing = worker.present = false;
      worker.taken.reset();
      break;
    case CoordinatorEvent::Kind::arrived: {
      if (event.gradient) --uploads_;
      std::erase_if(worker.leases, [&](const Lease& lease) { return lease.order.id == event.order.id; });
      ++(event.gradient ? worker.counters.arrived : worker.counters.not_finite);
      if (event.gradient) {
        worker.taken = event.order.id;
        worker.acknowledged.push_back(event.order.id);
        if (worker.acknowledged.size() > kMostHeld) worker.acknowledged.pop_front();
        tell(worker, Ack{event.order.id});
      }
      leave_if_drained(worker);
      break;
    }
  }
  pump(worker);
  serve_queue();
  return event;
}

// A chunk or a result comes: at most as many chunks as there was room for wait for a sink.
void Coordinator::upload(Worker& worker, Upload part) {
  if (std::holds_alternative<GradientChunk>(part)) {
    if (worker.owed == 0) {
      refuse(*worker.connection, Refusal::no_credit);
      return offend(worker, Refusal::no_credit);
    }
    --worker.owed;
  } else if (std::get<Result>(part).session != Session{options_.epoch, worker.incarnation}) {
    return refuse(*worker.connection, Refusal::malformed, "a result of another session");
  } else if (worker.waiting.size() > options_.credits + kMostHeld) {
    refuse(*worker.connection, Refusal::no_credit, "more results than orders");
    return offend(worker, Refusal::no_credit);
  }
  worker.waiting.push_back(std::move(part));
  take_in(worker);
}

HeldOrder Coordinator::order_of(const Upload& part) const {
  return std::visit([](const auto& p) { return HeldOrder{p.order, p.attempt}; }, part);
}

// The worker's oldest order that has not arrived, if this is it.
Coordinator::Lease* Coordinator::wanted(Worker& worker, HeldOrder held) {
  if (worker.losing) return nullptr;
  const auto first = std::ranges::find_if(worker.leases, [](const Lease& lease) { return !lease.arrived; });
  return first != worker.leases.end() && first->delivered && first->held() == held ? &*first : nullptr;
}

void Coordinator::take_in(Worker& worker) {
  while (!worker.waiting.empty()) {
    Lease* lease = wanted(worker, order_of(worker.waiting.front()));
    const bool is_chunk = std::holds_alternative<GradientChunk>(worker.waiting.front());
    if (lease && is_chunk && !worker.assembly && uploads_ >= options_.most_uploads) {
      if (!std::exchange(worker.queued, true)) queue_.push_back(worker.id);
      return;
    }
    const Upload part = std::move(worker.waiting.front());
    worker.waiting.pop_front();
    if (is_chunk && ++worker.consumed >= std::max(options_.credits / 2, 1u)) {
      worker.owed += worker.consumed;
      tell(worker, Credit{std::exchange(worker.consumed, 0)});
    }
    if (!lease)
      answer(worker, order_of(part));
    else if (is_chunk)
      fold(worker, *lease, std::get<GradientChunk>(part));
    else
      finish(worker, *lease, std::get<Result>(part));
  }
}

void Coordinator::serve_queue() {
  while (!queue_.empty() && uploads_ < options_.most_uploads) {
    Worker& worker = *workers_[queue_.front()];
    queue_.pop_front();
    worker.queued = false;
    take_in(worker);
  }
}

// Of an order that nobody waits for: said once, so that the worker stops sending.
void Coordinator::answer(Worker& worker, HeldOrder held) {
  if (worker.answered == held) return;
  worker.answered = held;
  const auto mine = std::ranges::find_if(worker.leases, [&](const Lease& l) { return l.order.id == held.order; });
  if (!worker.losing && mine != worker.leases.end()) {
    // Of an attempt that was refused already, or it is with the server; else it is not this order's turn.
    if (mine->arrived || held.attempt < mine->attempt) return;
    return reject(worker, held, Refusal::unknown);
  }
  if (std::ranges::find(worker.acknowledged, held.order) != worker.acknowledged.end()) {
    ++acknowledged_again_;
    return tell(worker, Ack{held.order});
  }
  const bool foreign = std::ranges::any_of(workers_, [&](const auto& other) {
    return other->id != worker.id &&
           std::ranges::any_of(other->leases, [&](const Lease& l) { return l.order.id == held.order; });
  });
  const Refusal reason = foreign || held.order >= next_order_ ? Refusal::unknown : Refusal::withdrawn;
  count(reason);
  tell(worker, Refuse{held.order, held.attempt, reason});
}

void Coordinator::fold(Worker& worker, Lease& lease, const GradientChunk& chunk) {
  if (!worker.assembly) {
    const compression::Compressor* const compressor = options_.compression.gradients.get();
    worker.assembly = std::make_unique<Assembly>(
        lease.held(), compressor ? compressor->size(dimension_) : sizeof(float) * dimension_,
        options_.make_sink(dimension_), compressor ? compressor->decompressor(dimension_) : nullptr);
    ++uploads_;
  }
  const std::optional<Refusal> trouble = worker.assembly->add(chunk);
  if (!trouble) return;
  if (*trouble != Refusal::not_finite) return reject(worker, lease.held(), *trouble);
  arrive_not_finite(worker, lease);
}

void Coordinator::arrive_not_finite(Worker& worker, Lease& lease) {
  count(Refusal::not_finite);
  worker.answered = lease.held();
  tell(worker, Refuse{lease.order.id, lease.attempt, Refusal::not_finite});
  drop_assembly(worker);
  arrive(worker, lease, nullptr);
}

void Coordinator::finish(Worker& worker, Lease& lease, const Result& result) {
  if (!result.failure.empty()) return bar(worker, one_line(result.failure), lease.order.id);
  if (!worker.assembly && !std::isfinite(result.norm)) return arrive_not_finite(worker, lease);
  std::optional<Refusal> trouble = Refusal::length;
  if (worker.assembly) trouble = worker.assembly->finish(result.norm);
  if (trouble) return reject(worker, lease.held(), *trouble);
  arrive(worker, lease, &result);
}

void Coordinator::arrive(Worker& worker, Lease& lease, const Result* result) {
  CoordinatorEvent event{
      .kind = CoordinatorEvent::Kind::arrived, .worker = worker.id, .order = lease.order, .snapshot = lease.snapshot};
  event.norm = std::numeric_limits<double>::quiet_NaN();
  if (result) {
    event.order.steps_done = std::min(result->steps_done, lease.order.work.steps);
    event.order.compute_time = std::min(result->compute_time, kLongestOrder);
    event.norm = result->norm;
    event.loss = result->loss;
    event.gradient = worker.assembly->take();
    worker.assembly.reset();  // its sink is the event's, and counted on
    if (worker.offences > 0) --worker.offences;
    const Time took = clock_.elapsed() - std::exchange(worker.begun, clock_.elapsed());
    worker.typical_order = worker.typical_order ? *worker.typical_order + (took - *worker.typical_order) / 8 : took;
  }
  lease.arrived = true;
  lease.is_finite = result != nullptr;
  events_.push_back(std::move(event));
}

// What came of an order cannot be taken; the worker is asked again, a few times.
void Coordinator::reject(Worker& worker, HeldOrder held, Refusal reason) {
  count(reason);
  worker.answered = held;
  tell(worker, Refuse{held.order, held.attempt, reason});
  offend(worker, reason);
  if (worker.barred) return;
  drop_assembly(worker);
  redeliver_from(worker, held.order, /*tell=*/true);
  pump(worker);
}

void Coordinator::offend(Worker& worker, Refusal reason) {
  if (++worker.offences < kMostOffences || worker.barred) return;
  bar(worker, std::string("brought what cannot be taken ") + std::to_string(worker.offences) +
                  " times, at last: " + describe(reason));
}

// This order and those after it go out again, under their numbers.
void Coordinator::redeliver_from(Worker& worker, OrderId first, bool tell_worker) {
  worker.sending.reset();
  for (Lease& lease : worker.leases) {
    if (lease.order.id < first || lease.arrived || !std::exchange(lease.delivered, false)) continue;
    if (tell_worker && lease.order.id > first) tell(worker, Refuse{lease.order.id, lease.attempt, Refusal::withdrawn});
    ++lease.attempt;
    ++worker.counters.redelivered;
  }
}

void Coordinator::drop_assembly(Worker& worker) {
  if (!worker.assembly) return;
  worker.assembly.reset();
  --uploads_;
}

std::size_t Coordinator::in_flight() const {
  std::size_t sum = 0;
  for (const auto& worker : workers_) sum += worker->leases.size();
  return sum;
}

std::vector<OrderId> Coordinator::orders_in_flight() const {
  std::vector<OrderId> orders;
  for (const auto& worker : workers_)
    for (const Lease& lease : worker->leases) orders.push_back(lease.order.id);
  return orders;
}

OrderCounters Coordinator::counters() const {
  OrderCounters sum;
  for (const auto& worker : workers_) {
    const OrderCounters& c = worker->counters;
    sum.assigned += c.assigned, sum.arrived += c.arrived, sum.not_finite += c.not_finite;
    sum.cancelled += c.cancelled, sum.lost += c.lost, sum.redelivered += c.redelivered;
  }
  return sum;
}

}  // namespace tardigrad::wire
