// SPDX-License-Identifier: Apache-2.0
#include "engines/threads/thread_runtime.hpp"

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include "engines/threads/spin.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::threads {
namespace {

// So long `next` waits at most before its caller may look at other things: how late Ctrl-C is noticed.
constexpr std::chrono::milliseconds kLongestWait{20};

}  // namespace

ThreadRuntime::ThreadRuntime(const Problem& problem, BufferPool& buffers, const ThreadOptions& options)
    : problem_(problem),
      options_(options),
      clock_(options.time_scale),
      context_{.problem = problem, .buffers = buffers, .pace = options.pace, .clock = clock_, .reports = reports_},
      gradient_(*this),
      evaluators_(options.evaluation_threads),
      evaluations_(problem),
      workers_(options.workers) {
  TG_CHECK(options.workers <= kMostWorkers, options.workers, " workers");
}

ThreadRuntime::~ThreadRuntime() {
  wind_down();          // all workers are told before the first is waited for
  evaluating_.reset();  // its threads may still hold our jobs
}

void ThreadRuntime::wind_down() {
  for (WorkerState& state : workers_)
    if (state.worker) state.worker->mailbox().close();
  if (evaluating_) evaluators_.grow();
}

bool ThreadRuntime::comes_to_rest(std::chrono::nanoseconds timeout) {
  const Instant until = std::chrono::steady_clock::now() + timeout;
  const auto all_ended = [&] {
    return std::ranges::all_of(workers_,
                               [](const WorkerState& state) { return !state.worker || state.worker->has_ended(); });
  };
  while (!all_ended()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const auto left = std::max(Instant::duration::zero(), until - std::chrono::steady_clock::now());
  return !evaluating_ || evaluating_->comes_to_rest(left);
}

void ThreadRuntime::start_workers() {
  clock_.start(now_);
  try {
    for (WorkerState& state : workers_) {
      state.worker = std::make_unique<WorkerThread>(context_);
      state.oldest_since = now_;
      for (const Task& task : state.orders) hand_out(state, task);  // of a run that goes on
    }
  } catch (const std::system_error& error) {
    throw Error("the system has no threads for " + std::to_string(workers_.size()) + " workers: " + error.what());
  }
}

std::optional<Event> ThreadRuntime::next(Time limit) {
  finish_arrival();
  if (!workers_.empty() && !workers_.front().worker) start_workers();
  if (aside_) return aside_.take(reason_, [&](WorkerId worker) { return loses(worker); });
  if (std::optional<Event> event = first_join()) return event;
  const Instant look_again = std::chrono::steady_clock::now() + kLongestWait;
  while (!idle()) {
    now_ = std::max(now_, clock_.now());
    if (now_ >= limit) break;
    if (!scheduled_events_.empty() && scheduled_events_.top().time <= now_) {
      const ScheduledEvent due = scheduled_events_.top();
      scheduled_events_.pop();
      if (std::optional<Event> event = keep(due)) return event;
    } else if (std::unique_ptr<Job> job = reports_.take()) {
      if (std::optional<Event> event = receive(std::move(job))) return event;
    } else if (!wait(limit, look_again)) {
      break;
    }
  }
  return std::nullopt;
}

// Until there is a report or an scheduled_event is due. Returns  is there time before `limit` and `look_again`?
bool ThreadRuntime::wait(Time limit, Instant look_again) {
  const auto reported = [&] { return reports_.has_jobs(); };
  if (spin_until(reported)) return true;
  Instant until = std::min(look_again, clock_.at(limit));
  if (std::chrono::steady_clock::now() >= until) return false;
  if (!scheduled_events_.empty()) until = std::min(until, clock_.at(scheduled_events_.top().time));
  reports_.sleep(until, reported);
  return true;
}

// The first event of every worker, in the order of their numbers.
std::optional<Event> ThreadRuntime::first_join() {
  while (joined_ < workers_.size()) {
    const auto worker = static_cast<WorkerId>(joined_++);
    const Time first = options_.availability ? options_.availability->first_join(worker) : Time{0};
    if (first <= now_) return joins(worker);
    will_join(worker, first);
  }
  return std::nullopt;
}

std::optional<Event> ThreadRuntime::keep(const ScheduledEvent& due) {
  switch (due.kind) {
    case ScheduledEvent::Kind::timer:
      --timers_set_;
      return Event{.kind = Event::Kind::timer_fired, .time = now_, .timer = static_cast<TimerId>(due.number)};
    case ScheduledEvent::Kind::join:
      --joins_to_come_;
      return joins(due.number);
    case ScheduledEvent::Kind::leave: {
      const WorkerState& state = workers_[due.number];
      if (state.since == kAbsent || state.episode != due.episode) return std::nullopt;  // it failed before
      return leaves(due.number);
    }
  }
  return std::nullopt;
}

std::optional<Event> ThreadRuntime::receive(std::unique_ptr<Job> job) {
  const Order& order = job->order;
  const WorkerState& state = workers_[order.worker];
  if (!state.worker->mailbox().wants(order.id)) {  // withdrawn while it was on its way
    if (job->failure.empty()) ++dropped_;
    return std::nullopt;
  }
  TG_CHECK(!state.orders.empty() && state.orders.front().order.id == order.id, "worker ", order.worker,
           " reports order ", order.id, " out of turn");
  return job->failure.empty() ? arrives(std::move(job)) : fails(std::move(job));
}

Event ThreadRuntime::arrives(std::unique_ptr<Job> job) {
  WorkerState& state = workers_[job->order.worker];
  state.orders.erase(state.orders.begin());
  state.oldest_since = now_;
  --in_flight_;
  arrived_ = std::move(job);
  looked_ = false;
  return {.kind = Event::Kind::gradient_arrived,
          .time = now_,
          .worker = arrived_->order.worker,
          .order = arrived_->order,
          .gradient = &gradient_};
}

void ThreadRuntime::finish_arrival() {
  if (!arrived_) return;
  ++(looked_ ? used_ : dropped_);
  arrived_->snapshot = {};
  spare_.push_back(std::move(arrived_));
}

Job& ThreadRuntime::look() {
  looked_ = true;
  return *arrived_;
}

Event ThreadRuntime::fails(std::unique_ptr<Job> job) {
  reason_ = "failed at order " + std::to_string(job->order.id) + ": " + job->failure;
  const WorkerId worker = job->order.worker;
  Event event = loses(worker);
  event.reason = reason_;
  if (options_.restart_after)
    will_join(worker, now_ + *options_.restart_after);
  else
    aside_.add_gone(worker);
  return event;
}

void ThreadRuntime::put_aside(WorkerId worker, std::string reason) { aside_.put(worker, std::move(reason)); }

void ThreadRuntime::readmit() {
  for (const WorkerId worker : aside_.take_gone()) will_join(worker, now_);
}

Event ThreadRuntime::leaves(WorkerId worker) {
  const Time downtime = options_.availability->downtime(worker, workers_[worker].episode);
  if (downtime < Time::max() - now_) will_join(worker, now_ + downtime);
  return loses(worker);
}

Event ThreadRuntime::loses(WorkerId worker) {
  WorkerState& state = workers_[worker];
  lost_.clear();
  withdraw(worker, lost_);
  stayed_ += now_ - state.since;
  state.since = kAbsent;
  ++state.episode;
  --present_;
  return {.kind = Event::Kind::worker_lost, .time = now_, .worker = worker, .lost = lost_};
}

Event ThreadRuntime::joins(WorkerId worker) {
  WorkerState& state = workers_[worker];
  state.since = now_;
  ++present_;
  if (options_.availability) {
    const Time uptime = options_.availability->uptime(worker, state.episode);
    if (uptime < Time::max() - now_) schedule(ScheduledEvent::Kind::leave, now_ + uptime, worker, state.episode);
  }
  return {.kind = Event::Kind::worker_joined, .time = now_, .worker = worker, .examples = problem_.examples(worker)};
}

void ThreadRuntime::will_join(WorkerId worker, Time time) {
  ++joins_to_come_;
  schedule(ScheduledEvent::Kind::join, time, worker);
}

void ThreadRuntime::schedule(ScheduledEvent::Kind kind, Time time, std::uint32_t number, std::uint64_t episode) {
  scheduled_events_.push(
      {.kind = kind, .time = time, .sequence = appointments_made_++, .number = number, .episode = episode});
}

OrderId ThreadRuntime::assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) {
  TG_CHECK(worker < workers_.size(), "no worker ", worker);
  WorkerState& state = workers_[worker];
  TG_CHECK(state.since != kAbsent, "worker ", worker, " is away");
  const Order order{
      .id = next_order_++, .worker = worker, .index = state.gradients, .version = snapshot.version, .work = work};
  state.gradients += std::max(1u, work.steps);
  if (state.orders.empty()) state.oldest_since = clock_.now();
  state.orders.push_back({.order = order, .snapshot = snapshot});
  ++in_flight_;
  hand_out(state, state.orders.back());
  return order.id;
}

void ThreadRuntime::hand_out(const WorkerState& state, const Task& task) {
  std::unique_ptr<Job> job;
  if (spare_.empty()) {
    job = std::make_unique<Job>();
  } else {
    job = std::move(spare_.back());
    spare_.pop_back();
  }
  if (task.order.id != state.orders.front().order.id) job->gradient = {};  // it will wait, and memory should not
  job->order = task.order;
  job->snapshot = task.snapshot;
  state.worker->mailbox().send(std::move(job));
}

void ThreadRuntime::cancel(WorkerId worker, std::vector<Order>& cancelled) { withdraw(worker, cancelled); }

void ThreadRuntime::withdraw(WorkerId worker, std::vector<Order>& withdrawn) {
  WorkerState& state = workers_[worker];
  if (state.orders.empty()) return;
  state.worker->mailbox().withdraw(next_order_);
  for (const Task& task : state.orders) withdrawn.push_back(task.order);
  Order& oldest = withdrawn[withdrawn.size() - state.orders.size()];  // the others had not been begun
  oldest.compute_time = std::max(Time{0}, clock_.now() - state.oldest_since);
  in_flight_ -= state.orders.size();
  state.orders.clear();
}

void ThreadRuntime::set_timer(TimerId timer, Time after) {
  TG_CHECK(after >= Time{0}, "a timer of ", after.count(), " ns");
  ++timers_set_;
  schedule(ScheduledEvent::Kind::timer, clock_.now() + after, static_cast<std::uint32_t>(timer));
}

ThreadRuntime::WorkerStats ThreadRuntime::worker_stats() const {
  WorkerStats worker_stats = before_;
  worker_stats.dropped += dropped_;
  for (const WorkerState& state : workers_) {
    if (!state.worker) continue;
    worker_stats.computed += state.worker->computed();
    worker_stats.dropped += state.worker->dropped();
    worker_stats.busy += state.worker->busy(now_);
  }
  return worker_stats;
}

RuntimeCounters ThreadRuntime::counters() const {
  const WorkerStats worker_stats = this->worker_stats();
  Time available = stayed_;
  for (const WorkerState& state : workers_)
    if (state.since != kAbsent) available += now_ - state.since;
  RuntimeCounters counters{.gradients_computed = worker_stats.computed, .gradients_wasted = worker_stats.dropped};
  add_pace_to(counters);
  if (available > Time{0}) counters.utilisation = std::min(1.0, to_seconds(worker_stats.busy) / to_seconds(available));
  return counters;
}

void ThreadRuntime::add_pace_to(RuntimeCounters& counters) const {
  counters.paced = before_.paced;
  counters.late = before_.late;
  counters.pace = before_.pace;
  counters.paced_time = before_.paced_time;
  for (const WorkerState& state : workers_)
    if (state.worker) state.worker->add_pace_to(counters);
}

Evaluator& ThreadRuntime::evaluator() {
  if (!evaluating_) {
    evaluating_ = std::make_unique<ComputePool::Session>(evaluators_, problem_, context_.buffers);
    evaluations_.set_session(*evaluating_);
  }
  return evaluations_;
}

}  // namespace tardigrad::threads
