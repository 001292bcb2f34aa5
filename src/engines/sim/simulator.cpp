// SPDX-License-Identifier: Apache-2.0
#include "engines/sim/simulator.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>
#include <utility>

#include "tardigrad/error.hpp"

namespace tardigrad::sim {
namespace {

// So many gradients are timed before it is decided that they are too cheap: the first ones warm caches up.
constexpr unsigned kTimedGradients = 64;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

Simulator::Simulator(const Problem& problem, const ComputeTime& compute_time, BufferPool& buffers,
                     const SimulatorOptions& options)
    : problem_(problem),
      compute_time_(compute_time),
      buffers_(buffers),
      options_(options),
      workers_(options.workers),
      uptimes_(options.availability ? options.workers : 0),
      gradient_(*this),
      evaluations_(problem, [this](EvaluationJob& job) { evaluate_inline(job); }) {}

Simulator::~Simulator() { session_.reset(); }  // first: its threads may still hold our jobs

void Simulator::push(const QueuedEvent& event) {
  events_.push_back(event);
  std::push_heap(events_.begin(), events_.end(), std::greater<>());
}

Simulator::QueuedEvent Simulator::pop() {
  std::pop_heap(events_.begin(), events_.end(), std::greater<>());
  const QueuedEvent event = events_.back();
  events_.pop_back();
  return event;
}

bool Simulator::is_stale(const QueuedEvent& event) const {
  return event.slot < kJoin && slots_[event.slot].generation != event.generation;
}

// Of an order that was cancelled, or a stay that ended before its time.
bool Simulator::is_over(const QueuedEvent& event) const {
  return event.slot == kLeave ? uptimes_[event.generation].since == kAbsent : is_stale(event);
}

// Cancelled orders leave their event behind; when most of the queue is such, it is rebuilt without them.
void Simulator::drop_stale_events() {
  if (stale_events_ < 64 || stale_events_ < events_.size() / 2) return;
  std::erase_if(events_, [&](const QueuedEvent& event) { return is_stale(event); });
  std::make_heap(events_.begin(), events_.end(), std::greater<>());
  stale_events_ = 0;
}

std::optional<Event> Simulator::next(Time limit) {
  finish_arrival();
  if (aside_) return aside_.take(reason_, [&](WorkerId worker) { return goes(worker); });
  while (joined_ < options_.workers) {
    const auto worker = static_cast<WorkerId>(joined_++);
    if (!joins_later(worker)) return joins(worker);
  }
  if (idle()) return std::nullopt;  // time does not pass where nothing happens
  while (!events_.empty() && is_over(events_.front())) stale_events_ -= is_stale(pop());
  if (events_.empty() && limit == Time::max()) return std::nullopt;
  if (events_.empty() || events_.front().time > limit) {
    now_ = limit;
    return std::nullopt;
  }
  const QueuedEvent event = pop();
  now_ = event.time;
  if (event.slot == kTimer) {
    --timers_set_;
    return Event{.kind = Event::Kind::timer_fired, .time = now_, .timer = static_cast<TimerId>(event.generation)};
  }
  if (event.slot == kLeave) return leaves(event.generation);
  if (event.slot == kJoin) {
    --joins_to_come_;
    return joins(event.generation);
  }
  return arrives(event.slot);
}

// A function of its own, so that the long event is built where the caller wants it.
std::optional<Event> Simulator::arrives(SlotId id) {
  Slot& slot = slots_[id];
  const Order& order = slot.job.order;
  WorkerState& worker = workers_[order.worker];
  TG_CHECK(worker.first == id, "worker ", order.worker, " finished out of turn");
  worker.first = slot.next_of_worker;
  if (worker.first == kNone) worker.last = kNone;
  --in_flight_;
  const Time computed = now_ - slot.start - compute_time_.turn_around(order.worker, order.index);
  busy_seconds_ += to_seconds(computed);
  arrived_ = id;
  std::optional<Event> event(std::in_place);
  event->kind = Event::Kind::gradient_arrived;
  event->time = now_;
  event->worker = order.worker;
  event->order = order;
  event->order.compute_time = computed;
  event->gradient = &gradient_;
  return event;
}

bool Simulator::joins_later(WorkerId worker) {
  if (!options_.availability) return false;
  const Time first = options_.availability->first_join(worker);
  if (first <= now_) return false;
  ++joins_to_come_;
  push({.time = first, .sequence = sequence_++, .slot = kJoin, .generation = worker});
  return true;
}

// Takes its orders along.
Event Simulator::goes(WorkerId worker) {
  --present_;
  lost_.clear();
  withdraw_orders(worker, lost_);
  if (!uptimes_.empty()) {
    stayed_seconds_ += to_seconds(now_ - uptimes_[worker].since);
    uptimes_[worker].since = kAbsent;
  }
  return {.kind = Event::Kind::worker_lost, .time = now_, .worker = worker, .lost = lost_};
}

void Simulator::put_aside(WorkerId worker, std::string reason) { aside_.put(worker, std::move(reason)); }

void Simulator::readmit() {
  // Their stays were to end some day, and new ones begin.
  std::erase_if(events_, [&](const QueuedEvent& event) { return is_over(event); });
  std::make_heap(events_.begin(), events_.end(), std::greater<>());
  stale_events_ = 0;
  for (const WorkerId worker : aside_.take_gone()) {
    ++joins_to_come_;
    push({.time = now_, .sequence = sequence_++, .slot = kJoin, .generation = worker});
  }
}

Event Simulator::leaves(WorkerId worker) {
  const Event event = goes(worker);
  Uptime& uptime = uptimes_[worker];
  const Time downtime = options_.availability->downtime(worker, uptime.episode++);
  if (downtime < Time::max() - now_) {
    ++joins_to_come_;
    push({.time = now_ + downtime, .sequence = sequence_++, .slot = kJoin, .generation = worker});
  }
  return event;
}

Event Simulator::joins(WorkerId worker) {
  ++present_;
  if (options_.availability) {
    Uptime& uptime = uptimes_[worker];
    uptime.since = now_;
    const Time time = options_.availability->uptime(worker, uptime.episode);
    if (time < Time::max() - now_)
      push({.time = now_ + time, .sequence = sequence_++, .slot = kLeave, .generation = worker});
  }
  return {.kind = Event::Kind::worker_joined, .time = now_, .worker = worker, .examples = problem_.examples(worker)};
}

// The arrival handed out last is over: its gradient may be forgotten.
void Simulator::finish_arrival() {
  failure_.clear();
  if (arrived_ == kNone) return;
  Slot& slot = slots_[arrived_];
  if (session_ && !session_->withdraw(slot.job)) {  // discarded while a thread computes it
    withdrawn_.push_back(arrived_);
    ++slot.generation;
  } else {
    free_slot(arrived_);
  }
  arrived_ = kNone;
}

Simulator::SlotId Simulator::take_slot() {
  reclaim_withdrawn();
  if (free_slots_.empty()) {
    slots_.emplace_back();
    return static_cast<SlotId>(slots_.size() - 1);
  }
  const SlotId id = free_slots_.back();
  free_slots_.pop_back();
  return id;
}

void Simulator::free_slot(SlotId id) {
  Slot& slot = slots_[id];
  if (slot.job.state == GradientJob::Progress::ready) {
    if (slot.job.by_pool) session_->release(slot.job);
    slot.job.state = GradientJob::Progress::idle;
  }
  if (session_)
    slot.job.gradient = Buffer();
  else if (!slot.job.gradient.empty())
    spare_ = std::move(slot.job.gradient);
  slot.job.snapshot = {};
  slot.job.error = nullptr;
  slot.used = false;
  ++slot.generation;
  free_slots_.push_back(id);
}

void Simulator::reclaim_withdrawn() {
  if (withdrawn_.empty()) return;
  std::erase_if(withdrawn_, [&](SlotId id) {
    if (!session_->is_ready(slots_[id].job)) return false;
    free_slot(id);
    return true;
  });
}

OrderId Simulator::assign(WorkerId worker_id, const Snapshot& snapshot, const LocalWork& work) {
  TG_CHECK(worker_id < workers_.size(), "no worker ", worker_id);
  TG_CHECK(uptimes_.empty() || uptimes_[worker_id].since != kAbsent, "worker ", worker_id, " is away");
  const SlotId id = take_slot();
  Slot& slot = slots_[id];
  WorkerState& worker = workers_[worker_id];
  slot.job.order = {
      .id = orders_given_++, .worker = worker_id, .index = worker.gradients, .version = snapshot.version, .work = work};
  worker.gradients += std::max(1u, work.steps);
  slot.job.snapshot = snapshot;
  slot.start = worker.last == kNone ? now_ : slots_[worker.last].job.finish;
  const Time computing = plan_work(slot.job.order);
  const Time duration = std::max(Time{1}, computing + compute_time_.turn_around(worker_id, slot.job.order.index));
  TG_CHECK(slot.start < Time::max() - duration, "compute time ", duration.count(), " ns");
  slot.job.finish = slot.start + duration;
  slot.sequence = sequence_++;
  enqueue(id);
  return slot.job.order.id;
}

// An order with all its times, as its worker's last.
void Simulator::enqueue(SlotId id) {
  Slot& slot = slots_[id];
  WorkerState& worker = workers_[slot.job.order.worker];
  slot.next_of_worker = kNone;
  if (worker.last == kNone)
    worker.first = id;
  else
    slots_[worker.last].next_of_worker = id;
  worker.last = id;
  ++in_flight_;
  push({.time = slot.job.finish, .sequence = slot.sequence, .slot = id, .generation = slot.generation});
  if (session_) session_->submit(slot.job);
}

// How long an order takes, and how many local steps are made in that time.
Time Simulator::plan_work(Order& order) const {
  Time total{};
  const std::uint32_t steps = std::max(1u, order.work.steps);
  for (std::uint32_t k = 0; k < steps; ++k) {
    const Time step = compute_time_.sample(order.worker, order.index + k);
    TG_CHECK(step > Time{0} && total < Time::max() - step, "compute time ", step.count(), " ns");
    if (k > 0 && (total >= order.work.budget || step > order.work.budget - total)) break;
    total += step;
    order.steps_done = order.work.steps == 0 ? 0 : k + 1;
  }
  return total;
}

void Simulator::cancel(WorkerId worker_id, std::vector<Order>& cancelled) { withdraw_orders(worker_id, cancelled); }

void Simulator::withdraw_orders(WorkerId worker_id, std::vector<Order>& cancelled) {
  WorkerState& worker = workers_[worker_id];
  for (SlotId id = worker.first; id != kNone;) {
    Slot& slot = slots_[id];
    const SlotId next = slot.next_of_worker;
    cancelled.push_back(slot.job.order);
    cancelled.back().compute_time = std::max(Time{0}, now_ - slot.start);
    busy_seconds_ += to_seconds(cancelled.back().compute_time);
    --in_flight_;
    ++stale_events_;
    if (session_ && !session_->withdraw(slot.job)) {
      ++slot.generation;
      withdrawn_.push_back(id);
    } else {
      free_slot(id);
    }
    id = next;
  }
  worker.first = worker.last = kNone;
  drop_stale_events();
}

void Simulator::set_timer(TimerId timer, Time after) {
  TG_CHECK(after >= Time{0}, "a timer of ", after.count(), " ns");
  ++timers_set_;
  push(
      {.time = now_ + after, .sequence = sequence_++, .slot = kTimer, .generation = static_cast<std::uint32_t>(timer)});
}

void Simulator::set_oldest_useful_version(Version version) {
  if (version == oldest_useful_) return;
  TG_CHECK(version > oldest_useful_, "the oldest useful version went back");
  oldest_useful_ = version;
  if (session_) session_->set_oldest_useful_version(version);
}

GradientJob& Simulator::force() {
  Slot& slot = slots_[arrived_];
  if (slot.used) return slot.job;
  slot.used = true;
  if (session_)
    session_->wait_for(slot.job);
  else
    compute_inline(slot.job);
  if (slot.job.error) note_failure(slot.job);
  return slot.job;
}

// What was thrown, in words; and NaN in the place of the gradient.
void Simulator::note_failure(GradientJob& job) {
  try {
    std::rethrow_exception(std::exchange(job.error, nullptr));
  } catch (const std::exception& error) {
    failure_ = one_line(error.what());
    if (failure_.empty()) failure_ = "an error without a text";
  } catch (...) {
    failure_ = "something that is no std::exception was thrown";
  }
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  if (job.gradient.empty()) job.gradient = buffers_.take();
  std::ranges::fill(job.gradient.view(), kNaN);
  job.norm = kNaN;
}

void Simulator::compute_inline(GradientJob& job) {
  if (!replica_) replica_ = problem_.make_replica();
  job.gradient = std::move(spare_);
  ++computed_inline_;
  const auto begin = std::chrono::steady_clock::now();
  job.compute(*replica_, buffers_);
  job.state = GradientJob::Progress::ready;
  if (job.error) replica_.reset();  // what it left behind is not to be trusted
  if (!options_.pool || timed_ >= kTimedGradients) return;
  // Which thread computes a gradient never changes it, so that measuring here leaves the run deterministic.
  const double seconds = seconds_since(begin);
  fastest_seconds_ = timed_++ == 0 ? seconds : std::min(fastest_seconds_, seconds);
  const double worth = options_.worth_a_thread_seconds;
  if ((timed_ >= 4 && fastest_seconds_ > worth) || seconds > 100 * worth) start_pool();
}

bool Simulator::comes_to_rest(std::chrono::nanoseconds timeout) {
  return !session_ || session_->comes_to_rest(timeout);
}

void Simulator::start_pool() {
  session_ = std::make_unique<ComputePool::Session>(*options_.pool, problem_, buffers_);
  session_->set_oldest_useful_version(oldest_useful_);
  evaluations_.set_session(*session_);
  for (const WorkerState& worker : workers_)
    for (SlotId id = worker.first; id != kNone; id = slots_[id].next_of_worker) session_->submit(slots_[id].job);
}

RuntimeCounters Simulator::counters() const {
  double busy = busy_seconds_;
  for (const WorkerState& worker : workers_)
    if (worker.first != kNone && slots_[worker.first].start < now_)
      busy += to_seconds(now_ - slots_[worker.first].start);
  double available = to_seconds(now_) * static_cast<double>(workers_.size());
  if (!uptimes_.empty()) {
    available = stayed_seconds_;
    for (const Uptime& uptime : uptimes_)
      if (uptime.since != kAbsent) available += to_seconds(now_ - uptime.since);
  }
  return {.gradients_computed = computed_inline_ + (session_ ? session_->gradients_computed() : 0),
          .utilisation = available > 0.0 ? busy / available : 0.0};
}

// Works parts off on this thread, until together they turn out to be worth the pool's threads.
void Simulator::evaluate_inline(EvaluationJob& job) {
  if (!replica_) replica_ = problem_.make_replica();
  const auto begin = std::chrono::steady_clock::now();
  const auto is_slow = [&] { return options_.pool && seconds_since(begin) > 10 * options_.worth_a_thread_seconds; };
  job.work(*replica_, is_slow);
  if (!job.finished()) start_pool();
}

}  // namespace tardigrad::sim
