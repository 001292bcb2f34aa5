// SPDX-License-Identifier: Apache-2.0
#include "engines/threads/worker_thread.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "core/kernels.hpp"
#include "engines/local_work.hpp"

namespace tardigrad::threads {

// The work on one order: its steps, when each may begin and end, and whether it is still wanted.
class WorkerThread::PacedExecution {
 public:
  PacedExecution(WorkerThread& worker, const Order& order)
      : worker_(worker), clock_(worker.context_.clock), order_(order), start_(clock_.now()) {}

  bool may_step(std::uint32_t k) {
    if (k > 0 && !end_step()) return false;
    const Time now = clock_.now();
    const Time pace = worker_.context_.pace ? worker_.context_.pace->sample(order_.worker, order_.index + k) : Time{0};
    if (k > 0 && !fits(now - start_, std::max(pace, worker_.usual_))) return false;
    step_due_ = now + pace;
    pace_ += pace;
    if (!wait(step_due_ - worker_.usual_)) return false;
    step_start_ = clock_.now();
    return true;
  }

  /// The last step's computation is over.
  void note_end() { worker_.usual_ = clock_.now() - step_start_; }
  /// Waits for the end of the last step. Returns  is the order still wanted?
  bool rest() { return wait(step_due_); }
  Time taken() const { return std::max(Time{1}, clock_.now() - start_); }
  /// What the steps begun so far were to take.
  Time pace() const { return pace_; }

 private:
  bool end_step() {
    note_end();
    return rest();
  }
  bool fits(Time taken, Time step) const { return taken < order_.work.budget && step <= order_.work.budget - taken; }
  bool wait(Time until) {
    return until <= clock_.now() ? worker_.mailbox_.wants(order_.id)
                                 : worker_.mailbox_.wait(clock_.at(until), order_.id);
  }

  WorkerThread& worker_;
  const ScaledClock& clock_;
  const Order order_;
  const Time start_;
  Time step_start_{}, step_due_{}, pace_{};
};

WorkerThread::WorkerThread(const WorkerContext& context) : context_(context), thread_([this] { run(); }) {}

WorkerThread::~WorkerThread() {
  mailbox_.close();
  thread_.join();
}

Time WorkerThread::busy(Time now) const {
  const Time::rep since = busy_since_.load(std::memory_order_relaxed);
  return Time{busy_.load(std::memory_order_relaxed) + (since < 0 ? 0 : std::max<Time::rep>(0, now.count() - since))};
}

void WorkerThread::run() {
  while (std::unique_ptr<Job> job = mailbox_.receive()) {
    const Time start = context_.clock.now();
    busy_since_.store(start.count(), std::memory_order_relaxed);
    carry_out(*job);
    busy_since_.store(-1, std::memory_order_relaxed);
    busy_.fetch_add((context_.clock.now() - start).count(), std::memory_order_relaxed);
    if (mailbox_.wants(job->order.id)) context_.reports.push(std::move(job));
  }
  replica_.reset();  // where it was made
  ended_.store(true, std::memory_order_release);
}

void WorkerThread::carry_out(Job& job) {
  try {
    if (!replica_) replica_ = context_.problem.make_replica();
    PacedExecution execution(*this, job.order);
    compute(job, execution);
  } catch (const std::exception& error) {
    job.failure = one_line(error.what());
    if (job.failure.empty()) job.failure = "an error without a text";
  } catch (...) {
    job.failure = "something that is no std::exception was thrown";
  }
  // What it left behind is not to be trusted. Whether the server hears of it depends on whether it waits for the order:
  // a failure that lasts will meet the next one.
  if (!job.failure.empty()) replica_.reset();
}

void WorkerThread::compute(Job& job, PacedExecution& execution) {
  Order& order = job.order;
  replica_->watch(CancellationToken(mailbox_.wanted_from(), order.id));
  if (job.gradient.empty()) job.gradient = context_.buffers.take();
  order.steps_done = do_work(*replica_, order, job.snapshot.view(), job.gradient.view(), context_.buffers,
                             [&](std::uint32_t k) { return execution.may_step(k); });
  if (!mailbox_.wants(order.id)) return;  // given up on the way
  job.norm = std::sqrt(kernels::squared_norm(std::as_const(job.gradient).view()));
  computed_.fetch_add(1, std::memory_order_relaxed);
  execution.note_end();
  if (!execution.rest()) dropped_.fetch_add(1, std::memory_order_relaxed);
  order.compute_time = execution.taken();
  if (execution.pace() > Time{0}) note_pace(execution.pace(), order.compute_time);
}

void WorkerThread::note_pace(Time pace, Time taken) {
  paced_.fetch_add(1, std::memory_order_relaxed);
  if (taken > pace + pace / 20) late_.fetch_add(1, std::memory_order_relaxed);
  pace_.fetch_add(pace.count(), std::memory_order_relaxed);
  paced_time_.fetch_add(taken.count(), std::memory_order_relaxed);
}

void WorkerThread::add_pace_to(RuntimeCounters& counters) const {
  counters.paced += paced_.load(std::memory_order_relaxed);
  counters.late += late_.load(std::memory_order_relaxed);
  counters.pace += Time{pace_.load(std::memory_order_relaxed)};
  counters.paced_time += Time{paced_time_.load(std::memory_order_relaxed)};
}

}  // namespace tardigrad::threads
