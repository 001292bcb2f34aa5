// SPDX-License-Identifier: Apache-2.0
#include "engines/hogwild/hogwild.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "core/hash.hpp"
#include "engines/compute_pool.hpp"
#include "engines/evaluations.hpp"
#include "engines/hogwild/worker_thread.hpp"
#include "engines/target_check.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::hogwild {
namespace {

using namespace std::chrono_literals;

std::optional<Version> smaller(std::optional<Version> a, std::optional<Version> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// Looks after a run: evaluates, keeps the time, and says when it is over.
class Keeper {
 public:
  Keeper(const Problem& problem, BufferPool& buffers, std::span<float> x, const Options& options, const Hooks& hooks)
      : problem_(problem),
        options_(options),
        hooks_(hooks),
        x_(x),
        context_{.problem = problem,
                 .buffers = buffers,
                 .step = options.step,
                 .put_aside_after = options.run.put_aside_after,
                 .x = SharedParameters(x),
                 .allocator = UpdateAllocator(smaller(options.run.stop.updates, options.run.stop.gradients),
                                              options.run.evaluate_every.updates, options.workers)},
        next_evaluation_(options.run.evaluate_every.time.value_or(Time::max())),
        evaluators_(options.evaluation_threads),
        evaluations_(problem),
        evaluating_(evaluators_, problem, buffers),
        target_check_(options.run) {
    evaluations_.set_session(evaluating_);
  }
  ~Keeper() {
    context_.stop();
    join();
  }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  RunResult run() {
    warn_of_dense_gradients();
    context_.offer_copy(Time{0});
    make_workers();
    do {
      start_workers();
      while (!all_ended()) look_after();
    } while (!context_.stopping() && context_.allocator.any_left() && any_healthy());
    finish();
    return std::move(result_);
  }

 private:
  struct Evaluation {
    EvaluationId id{};
    Snapshot at;
    EvaluationRecord record;
  };

  void warn(const std::string& text) {
    for (Observer* observer : hooks_.observers) observer->on_warning(result_.time, text);
  }

  void warn_of_dense_gradients() {
    if (options_.workers == 1 || problem_.make_sparse_replica()) return;
    warn("the gradients of this problem are dense: every update writes all " + std::to_string(context_.x.dimension()) +
         " coordinates, so that the workers take each other's cache lines, and the theory of Hogwild! says nothing");
  }

  void make_workers() {
    for (std::size_t i = 0; i < options_.workers; ++i)
      context_.workers.push_back(std::make_unique<WorkerThread>(context_, static_cast<WorkerId>(i)));
    context_.start = std::chrono::steady_clock::now();
  }

  // All of them; or, when the others had ended before a worker failed, the others again, for what it had claimed.
  void start_workers() {
    try {
      for (const auto& worker : context_.workers)
        if (is_healthy(*worker)) worker->start();
    } catch (const std::system_error& error) {
      throw Error("the system has no threads for " + std::to_string(options_.workers) + " workers: " + error.what());
    }
  }

  // Pre  it has ended
  static bool is_healthy(const WorkerThread& worker) { return worker.failure().empty() && !worker.is_put_aside(); }
  bool any_healthy() const {
    return std::ranges::any_of(context_.workers, [](const auto& worker) { return is_healthy(*worker); });
  }

  // If it is most of the workers, it is not their fault.
  void look_for_divergence() {
    const auto aside = static_cast<std::size_t>(std::ranges::count_if(
        context_.workers, [](const auto& worker) { return worker->ended() && worker->is_put_aside(); }));
    if (2 * aside <= options_.workers) return;
    diverge(std::to_string(aside) + " of " + std::to_string(options_.workers) +
            " workers bring gradients that are not finite");
    stop(StopReason::diverged);
  }

  void diverge(const std::string& why) {
    if (why_diverged_.empty()) why_diverged_ = why;
  }

  void join() {
    for (const auto& worker : context_.workers) worker->join();
  }

  bool all_ended() const {
    return std::ranges::all_of(context_.workers, [](const auto& worker) { return worker->ended(); });
  }

  // Workers ring when they end and when they bring a copy. The end of an evaluation and Ctrl-C are looked for.
  void look_after() {
    const Time cap = options_.run.stop.time.value_or(Time::max());
    const Time now = context_.now();
    if (now >= cap) stop(StopReason::time);
    if (hooks_.interrupted && hooks_.interrupted->load(std::memory_order_relaxed)) stop(StopReason::interrupted);
    Time until = now + (pending_.empty() ? Time(20ms) : Time(1ms));
    if (!context_.stopping()) {
      if (now >= next_evaluation_) evaluate(now);
      until = std::min({until, cap, next_evaluation_});
    }
    start_evaluations(context_.evaluations.wait(context_.start + until));
    look_for_divergence();
    while (!pending_.empty() && evaluations_.ready(pending_.front().id)) take_evaluation();
  }

  void evaluate(Time now) {
    context_.offer_copy(now);
    const Time every = *options_.run.evaluate_every.time;
    next_evaluation_ += every * ((now - next_evaluation_) / every + 1);  // those missed are left out
  }

  void start_evaluations(std::vector<Copy> copies) {
    std::ranges::sort(copies, {}, &Copy::time);
    for (Copy& copy : copies) {
      if (copy.time < last_copy_) {  // another worker was faster, and its copy is newer
        context_.evaluations.release();
        continue;
      }
      last_copy_ = copy.time;
      EvaluationRecord record{.time = copy.time, .version = copy.version};
      record.counters = {.assigned = copy.version, .applied = copy.version, .updates = copy.version};
      Snapshot at{copy.version, std::make_shared<const Buffer>(std::move(copy.x))};
      const EvaluationId id = evaluations_.start(at);
      pending_.push_back({.id = id, .at = std::move(at), .record = std::move(record)});
    }
  }

  // Waits for the first of those that are under way.
  void take_evaluation() {
    EvaluationRecord& record = pending_.front().record;
    record.metrics = evaluations_.take(pending_.front().id);
    for (Observer* observer : hooks_.observers) observer->on_evaluation(record);
    const TargetCheck::Result found = target_check_.check(record, pending_.front().at.view(), result_);
    if (!found.diverged.empty()) diverge(found.diverged + " at " + std::to_string(to_seconds(record.time)) + " s");
    if (found.reaches_target && options_.run.stop.at_target) stop(StopReason::target);
    if (!found.diverged.empty()) stop(StopReason::diverged);
    result_.evaluations.push_back(std::move(record));
    pending_.pop_front();
    context_.evaluations.release();
  }

  void stop(StopReason reason) {
    if (!reason_) reason_ = reason;  // the first condition that is met ends the run
    context_.stop();
  }

  void finish() {
    join();
    evaluators_.grow();
    result_.time = context_.now();
    start_evaluations(context_.evaluations.wait(context_.start));
    while (!pending_.empty()) take_evaluation();
    look_for_divergence();
    count();
    if (!reason_) reason_ = reason_of_the_end();
    evaluate_the_end();
    result_.reason = why_diverged_.empty() ? *reason_ : StopReason::diverged;
    if (!why_diverged_.empty()) warn("the run has diverged: " + why_diverged_);
    Hasher digest;
    digest.add(result_.counters.updates);
    digest.add(std::as_const(x_));
    result_.digest = digest.hex();
    result_.wall_seconds = to_seconds(context_.now());
  }

  void count() {
    Counters& c = result_.counters;
    RuntimeCounters& r = result_.runtime;
    c.updates = c.applied = context_.updates();
    Time busy{};
    for (std::size_t i = 0; i < context_.workers.size(); ++i) {
      const WorkerThread& worker = *context_.workers[i];
      c.not_finite += worker.not_finite();
      r.gradients_wasted += worker.dropped();
      busy += worker.busy();
      result_.put_aside += worker.is_put_aside();
      if (worker.is_put_aside())
        warn("worker " + std::to_string(i) + " is put aside: " + std::to_string(options_.run.put_aside_after) +
             " gradients in a row that were not finite");
      if (worker.failure().empty()) continue;
      ++c.lost;
      warn("worker " + std::to_string(i) + " failed: " + worker.failure());
    }
    r.gradients_computed = c.applied + c.not_finite + r.gradients_wasted;
    c.assigned = r.gradients_computed + c.lost;
    const double available = to_seconds(result_.time) * static_cast<double>(options_.workers);
    if (available > 0.0) r.utilisation = std::min(1.0, to_seconds(busy) / available);
  }

  // Of a run that nobody stopped.
  StopReason reason_of_the_end() {
    const StopConditions& until = options_.run.stop;
    const Version updates = result_.counters.updates;
    if (until.updates && updates >= *until.updates) return StopReason::updates;
    if (until.gradients && updates >= *until.gradients) return StopReason::gradients;
    warn("no worker is left, and none will return");
    return StopReason::no_workers;
  }

  void evaluate_the_end() {
    const Version last = result_.evaluations.empty() ? 0 : result_.evaluations.back().version;
    if (!result_.evaluations.empty() && last == result_.counters.updates) return;  // nobody wrote after that copy
    context_.offer_copy(result_.time);
    start_evaluations(context_.evaluations.wait(context_.start));
    pending_.back().record.counters = result_.counters;
    take_evaluation();
  }

  const Problem& problem_;
  const Options& options_;
  const Hooks& hooks_;
  const std::span<float> x_;
  WorkerContext context_;
  RunResult result_;
  std::optional<StopReason> reason_;
  std::string why_diverged_;  // "": it has not
  Time next_evaluation_, last_copy_{};
  ComputePool evaluators_;
  std::deque<Evaluation> pending_;
  Evaluations evaluations_;
  ComputePool::Session evaluating_;  // after those: its threads may hold their jobs
  TargetCheck target_check_;
};

}  // namespace

RunResult train(const Problem& problem, BufferPool& buffers, std::span<float> x, const Options& options,
                const Hooks& hooks) {
  TG_CHECK(options.workers >= 1 && options.workers <= kMostWorkers, options.workers, " workers");
  TG_CHECK(x.size() == problem.layout().dimension() && x.size() == buffers.buffer_floats());
  return Keeper(problem, buffers, x, options, hooks).run();
}

}  // namespace tardigrad::hogwild
