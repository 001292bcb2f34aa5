// SPDX-License-Identifier: Apache-2.0
#include "engines/drive.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <limits>
#include <sstream>

#include "core/hash.hpp"
#include "engines/recent_arrivals.hpp"
#include "engines/records_state.hpp"
#include "engines/round_trips.hpp"
#include "engines/target_check.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

constexpr Time kNever = Time::max();
// So many workers that bring nothing else are no accident, however many there are.
constexpr std::size_t kMany = 10;
// So often may workers come and go, and each of many so often, before one of them brings anything.
constexpr std::uint64_t kMostLost = 1'000'000, kMostLostEach = 100;
// So many evaluations in a row, in virtual time, see that nothing has happened.
constexpr std::uint64_t kMostIdleEvaluations = 1'000'000;
// More evaluations than this in the air would only hold memory.
constexpr std::size_t kMaxPendingEvaluations = 4;

void check_capabilities(const Capabilities& needs, const Capabilities& offers) {
  const auto require = [](bool needed, bool offered, const char* what) {
    if (needed && !offered)
      throw Error(std::string("this method needs ") + what + ", which this runtime does not offer");
  };
  require(needs.cancel, offers.cancel, "to cancel orders");
  require(needs.queues, offers.queues, "queues on the workers");
  require(needs.timers, offers.timers, "timers");
  require(needs.local_steps, offers.local_steps, "workers that make local steps");
  require(needs.points, offers.points, "to keep the parameters of orders in flight");
}

// With a later stop: nothing but the stop condition ended it.
bool could_go_on(StopReason reason) {
  return reason == StopReason::updates || reason == StopReason::gradients || reason == StopReason::time ||
         reason == StopReason::target;
}

class Driver final : FailureContext {
 public:
  Driver(const RunOptions& options, Runtime& runtime, Method& method, ServerModel& model, const DriveHooks& hooks)
      : options_(options), runtime_(runtime), method_(method), model_(model), hooks_(hooks), target_check_(options) {}

  RunResult run() {
    check_capabilities(method_.required_capabilities(), runtime_.capabilities());
    if (method_.required_capabilities().timers) round_trips_.emplace();
    if (load()) {  // maybe of a run that had met its end, and was killed before it was written down
      if (options_.stop.at_target && result_.time_to_target) stop(StopReason::target);
      stop_where_told();
      if (workers_ == 0 && runtime_.idle()) runtime_.readmit();
    } else {
      next_evaluation_ = options_.evaluate_every.time ? Time{0} : kNever;
      if (hooks_.keeper) hooks_.keeper->save_first(visit_, result_.counters);
    }
    if (!options_.evaluate_every.time && !last_evaluated_) evaluate();
    while (!stopped_) loop_once();
    if (hooks_.keeper && could_go_on(result_.reason)) hooks_.keeper->save_end(visit_, result_.counters);
    finish();
    result_.wall_seconds = wall_seconds();
    return std::move(result_);
  }

  std::string describe() const override {
    std::ostringstream out;
    out << "  seed " << options_.seed << ", time " << to_seconds(runtime_.now()) << " s, version " << model_.version()
        << ", in flight " << runtime_.in_flight() << "\n  last arrivals (time, worker, order, version, outcome):";
    recent_.describe(out);
    return out.str();
  }

 private:
  void loop_once() {
    if (hooks_.interrupted && hooks_.interrupted->load(std::memory_order_relaxed)) {
      if (hooks_.keeper) hooks_.keeper->save_last(visit_, result_.counters);
      return stop(StopReason::interrupted);
    }
    if (hooks_.keeper && hooks_.keeper->wants_state(result_.counters)) hooks_.keeper->save(visit_, result_.counters);
    const Time cap = options_.stop.time.value_or(kNever);
    const Time limit = std::min(next_evaluation_, cap);
    if (runtime_.real_time()) collect(pending_.size());  // what is ready
    if (stopped_) return;
    if (const std::optional<Event> event = runtime_.next(limit)) return handle(*event);
    if (runtime_.idle()) return stop_idle();
    const Time now = runtime_.now();
    if (now < limit) return;  // not yet
    if (now >= next_evaluation_) {
      evaluate();
      const Time every = *options_.evaluate_every.time;
      next_evaluation_ += every * ((now - next_evaluation_) / every + 1);  // those missed in real time are left out
    }
    if (!stopped_ && now >= cap) stop(StopReason::time);
  }

  void stop_idle() {
    if (workers_ > 0) return stop(StopReason::idle);
    warn("no worker is left, and none will return");
    if (hooks_.keeper) hooks_.keeper->save_last(visit_, result_.counters);
    stop(StopReason::no_workers);
  }

  void warn(const std::string& text) {
    for (Observer* observer : hooks_.observers) observer->on_warning(last_time_, text);
  }

  void stop(StopReason reason) {
    if (stopped_) return;  // the first condition that is met ends the run
    stopped_ = true;
    result_.reason = reason;
  }

  void handle(const Event& event) {
    TG_CHECK(event.time >= last_time_, "time went back from ", last_time_.count(), " to ", event.time.count(), " ns");
    last_time_ = event.time;
    evaluated_in_a_row_ = 0;
    switch (event.kind) {
      case Event::Kind::worker_joined:
        ++workers_;
        ever_joined_ = std::max<std::size_t>(ever_joined_, std::size_t{event.worker} + 1);
        method_.on_worker_joined({.id = event.worker, .examples = event.examples}, model_, commands_);
        break;
      case Event::Kind::worker_lost:
        handle_loss(event);
        break;
      case Event::Kind::timer_fired:
        handle_timer(event);
        break;
      case Event::Kind::gradient_arrived:
        handle_arrival(event);
        break;
    }
    perform();
    runtime_.set_oldest_useful_version(method_.oldest_useful_version());
    const Counters& c = result_.counters;
    TG_CHECK(c.assigned == c.applied + c.discarded + c.cancelled + c.lost + c.not_finite + runtime_.in_flight(),
             "an order was lost or counted twice: ", c.assigned, " assigned");
    stop_where_told();
  }

  void stop_where_told() {
    const Counters& c = result_.counters;
    if (options_.stop.updates && c.updates >= *options_.stop.updates) stop(StopReason::updates);
    if (options_.stop.gradients && c.arrived() >= *options_.stop.gradients) stop(StopReason::gradients);
  }

  void handle_timer(const Event& event) {
    const Version before = model_.version();
    method_.on_timer(event.timer, model_, commands_);
    count_updates(before);
    evaluate_by_updates(before);
  }

  void handle_loss(const Event& event) {
    const Version before = model_.version();
    --workers_;
    if (++lost_in_a_row_ > kMostLost + kMostLostEach * ever_joined_)
      throw Error("workers came and went " + std::to_string(lost_in_a_row_) +
                  " times, and no gradient arrived in between, up to " + std::to_string(to_seconds(event.time)) +
                  " s: they are there for too short a time to compute one");
    if (!event.reason.empty()) warn("worker " + std::to_string(event.worker) + " " + std::string(event.reason));
    forget_bad(event.worker);
    result_.counters.lost += event.lost.size();
    method_.on_worker_lost(event.worker, event.lost.size(), model_, commands_);
    count_updates(before);
    for (const Order& order : event.lost) note_end(order, before, Outcome::lost);
    evaluate_by_updates(before);
  }

  // A round may end because somebody will never arrive, or because a timer says so: versions come from any event.
  void count_updates(Version before) {
    const Version made = model_.version() - before;
    TG_CHECK(made <= 1, "one event made ", made, " versions");
    result_.counters.updates += made;
  }
  void evaluate_by_updates(Version before) {
    if (model_.version() == before || !options_.evaluate_every.updates) return;
    if (result_.counters.updates % *options_.evaluate_every.updates == 0) evaluate();
  }

  void handle_arrival(const Event& event) {
    const Version before = model_.version();
    lost_in_a_row_ = 0;
    TG_CHECK(event.order.version <= before, "version ", event.order.version, " from the future of ", before);
    Order order = event.order;
    if (round_trips_) order.round_trip = round_trips_->arrived(order.worker, event.time);
    const Decision decision = method_.on_gradient(order, *event.gradient, model_, commands_);
    Counters& c = result_.counters;
    ArrivalRecord record{.time = event.time,
                         .order = order,
                         .delay = before - event.order.version,
                         .coefficient = decision.coefficient,
                         .outcome = decision.outcome};
    switch (decision.outcome) {
      case Outcome::applied:
        record.norm = event.gradient->norm();
        if (!std::isfinite(record.norm)) {
          TG_CHECK(decision.coefficient == 0.0, "a gradient that is not finite was applied");
          record.norm = 0.0;  // a private run takes it for the vector 0
        }
        ++c.applied;
        bad_in_a_row_ = 0;
        bringers_.clear();
        forget_bad(event.order.worker);
        c.clipped += decision.clipped;
        c.delay_sum += record.delay;
        c.delay_max = std::max(c.delay_max, record.delay);
        break;
      case Outcome::discarded:
        ++c.discarded;
        break;
      case Outcome::not_finite:
        record.norm = event.gradient->norm();
        if (!runtime_.failure().empty()) {
          record.outcome = Outcome::lost;
          ++c.lost;
        } else {
          ++c.not_finite;
        }
        break;
      case Outcome::cancelled:
      case Outcome::lost:
        TG_CHECK(false, "a method may not call an arrival ", name_of(decision.outcome));
    }
    (decision.outcome == Outcome::applied ? c.used_seconds : c.wasted_seconds) += to_seconds(event.order.compute_time);
    count_updates(before);
    record.updates = c.updates;
    note(record);
    if (decision.outcome == Outcome::not_finite || !runtime_.failure().empty()) handle_bad_gradient(event.order);
    evaluate_by_updates(before);
  }

  // A worker that failed is lost, as on threads; one that brings infinity or NaN has some more tries. Where everybody
  // does it is not the workers' fault.
  void handle_bad_gradient(const Order& order) {
    if (const std::string_view failure = runtime_.failure(); !failure.empty())
      return runtime_.put_aside(order.worker,
                                "failed at order " + std::to_string(order.id) + ": " + std::string(failure));
    const std::uint64_t limit = options_.put_aside_after;
    if (limit == 0) return;
    ++bad_in_a_row_;
    if (bringers_.size() <= kMany && std::ranges::find(bringers_, order.worker) == bringers_.end())
      bringers_.push_back(order.worker);
    const bool many = bringers_.size() > kMany || 2 * bringers_.size() > workers_;
    if (many && bad_in_a_row_ / limit > runtime_.in_flight())
      diverge("the last " + std::to_string(bad_in_a_row_) + " gradients were not finite");
    if (++count_of_bad(order.worker) < limit) return;
    ++result_.put_aside;
    runtime_.put_aside(order.worker, "is put aside: " + std::to_string(limit) +
                                         (limit == 1 ? " gradient that was" : " gradients in a row that were") +
                                         " not finite");
    if (2 * result_.put_aside > ever_joined_)
      diverge(std::to_string(result_.put_aside) + " of " + std::to_string(ever_joined_) +
              " workers bring gradients that are not finite");
  }

  void diverge(const std::string& why) {
    if (stopped_) return;
    why_diverged_ = why;
    stop(StopReason::diverged);
  }

  // Gradients in a row of a worker that were not finite.
  std::uint64_t& count_of_bad(WorkerId worker) {
    const auto found = std::ranges::find(bad_, worker, &BadWorker::worker);
    if (found != bad_.end()) return found->count;
    bad_.push_back({.worker = worker});
    return bad_.back().count;
  }
  void forget_bad(WorkerId worker) {
    std::erase_if(bad_, [&](const BadWorker& bad) { return bad.worker == worker; });
  }

  void perform() {
    for (const Command& command : commands_.list()) {
      switch (command.kind) {
        case Command::Kind::assign:
          runtime_.assign(command.worker, model_.snapshot(), counted(command));
          ++result_.counters.assigned;
          if (round_trips_) round_trips_->given(command.worker, last_time_);
          break;
        case Command::Kind::cancel:
          cancel(command.worker);
          break;
        case Command::Kind::set_timer:
          runtime_.set_timer(command.timer, command.after);
          break;
        case Command::Kind::note:
          for (Observer* observer : hooks_.observers) observer->on_note(last_time_, commands_.notes()[command.note]);
          break;
        case Command::Kind::stop:
          stop(StopReason::method);
          break;
      }
    }
    commands_.clear();
  }

  // The work of an order, with its epochs counted in steps.
  LocalWork counted(const Command& command) const {
    LocalWork work = command.work;
    if (work.epochs == 0) return work;
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    const std::uint64_t steps = runtime_.steps_per_epoch(command.worker);
    if (steps == 0 || steps > kMost / work.epochs)  // a problem and a method of strangers
      throw Error("worker " + std::to_string(command.worker) + ": an order of " + std::to_string(work.epochs) +
                  " epochs of " + std::to_string(steps) + " steps: it has between 1 and " + std::to_string(kMost));
    work.steps = static_cast<std::uint32_t>(work.epochs * steps);
    return work;
  }

  void cancel(WorkerId worker) {
    cancelled_.clear();
    runtime_.cancel(worker, cancelled_);
    result_.counters.cancelled += cancelled_.size();
    for (const Order& order : cancelled_) note_end(order, model_.version(), Outcome::cancelled);
  }

  // The end of an order that brought nothing.
  void note_end(const Order& order, Version now, Outcome outcome) {
    result_.counters.wasted_seconds += to_seconds(order.compute_time);
    if (round_trips_) round_trips_->ended(order.worker);  // all of its orders do
    note({.time = last_time_,
          .order = order,
          .delay = now - order.version,
          .outcome = outcome,
          .updates = result_.counters.updates});
  }

  // Everything that a later reader may want to be sure of goes into the digest.
  void note(const ArrivalRecord& record) {
    recent_.add(record);
    digest_.add(record.time.count());
    digest_.add(record.order.worker);
    digest_.add(record.order.id);
    digest_.add(record.order.version);
    digest_.add(static_cast<std::uint8_t>(record.outcome));
    if (record.outcome == Outcome::applied) {
      digest_.add(record.norm);
      digest_.add(record.coefficient);
    }
    for (Observer* observer : hooks_.observers) observer->on_arrival(record);
  }

  double wall_seconds() const {
    return wall_before_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  bool load() {
    if (!hooks_.keeper) return false;
    if (!runtime_.saveable()) throw Error("a run in this runtime cannot be saved");
    return hooks_.keeper->load(visit_);
  }

  // All that the rest of the run depends on, and all that it will report.
  void serialize(Archive& archive) {
    archive.section("run");
    archive(result_.counters, result_.evaluations, result_.time_to_target, result_.updates_to_target, result_.hits,
            digest_);
    archive(next_evaluation_, last_time_, last_evaluation_time_, last_evaluated_, workers_, ever_joined_);
    archive(target_check_, diverged_at_, why_diverged_, bad_, bad_in_a_row_, bringers_, result_.put_aside, recent_);
    double wall = wall_seconds();
    archive(wall);
    if (archive.loading()) wall_before_ = wall;
    if (round_trips_) archive(*round_trips_);
    archive.section("method");
    method_.serialize(archive);
    archive.section("model");
    model_.serialize(archive);
    archive.section("runtime");
    runtime_.saveable()->serialize(archive);
    archive.section("evaluations");
    pending_.resize(archive.size(pending_.size()));
    for (PendingEvaluation& pending : pending_) {
      archive(pending.record, pending.at);
      if (archive.loading()) pending.id = runtime_.evaluator().start(pending.at);
    }
  }

  struct PendingEvaluation {
    EvaluationId id{};
    Snapshot at;
    EvaluationRecord record;
  };

  void evaluate() {
    if (last_evaluated_ && *last_evaluated_ == model_.version() && last_evaluation_time_ == runtime_.now()) return;
    // In real time nobody waits: where evaluations take longer than the time between them, some are left out.
    const bool waits = !runtime_.real_time();
    if (waits && ++evaluated_in_a_row_ > kMostIdleEvaluations)
      throw Error("evaluated " + std::to_string(kMostIdleEvaluations) +
                  " times, and nothing happened in between, up to " + std::to_string(to_seconds(runtime_.now())) +
                  " s: evaluate_every.time is too short for these workers");
    if (!waits && pending_.size() >= kMaxPendingEvaluations && !stopped_) return collect(pending_.size());
    last_evaluated_ = model_.version();
    last_evaluation_time_ = runtime_.now();
    pending_.push_back({runtime_.evaluator().start(model_.snapshot()),
                        model_.snapshot(),
                        {.time = runtime_.now(), .version = model_.version(), .counters = result_.counters}});
    if (!waits) return collect(pending_.size());
    // Only a run that may end here has to know the result before it goes on.
    const std::size_t unknown = options_.stop.at_target ? 0 : kMaxPendingEvaluations;
    collect(unknown);
    // Others may be known as well, but that is chance, and all runs end at the same evaluation.
    if (diverged_at_ && *diverged_at_ + unknown < result_.evaluations.size() + pending_.size())
      stop(StopReason::diverged);
  }

  // Takes finished evaluations in their order, and waits while more than `allowed` are in the air.
  void collect(std::size_t allowed) {
    while (!pending_.empty() && (pending_.size() > allowed || runtime_.evaluator().ready(pending_.front().id))) {
      EvaluationRecord& record = pending_.front().record;
      record.metrics = runtime_.evaluator().take(pending_.front().id);
      for (Observer* observer : hooks_.observers) observer->on_evaluation(record);
      check_target(record, pending_.front().at);
      result_.evaluations.push_back(std::move(record));
      pending_.pop_front();
    }
  }

  void check_target(const EvaluationRecord& record, const Snapshot& at) {
    const TargetCheck::Result found = target_check_.check(record, at.view(), result_);
    if (!found.diverged.empty() && !diverged_at_) {
      diverged_at_ = result_.evaluations.size();
      why_diverged_ = found.diverged + " at " + std::to_string(to_seconds(record.time)) + " s";
    }
    if (found.reaches_target && options_.stop.at_target) stop(StopReason::target);
    if (diverged_at_ && runtime_.real_time()) stop(StopReason::diverged);
  }

  void finish() {
    runtime_.wind_down();
    evaluate();
    collect(0);
    if (diverged_at_) result_.reason = StopReason::diverged;
    if (result_.reason == StopReason::diverged) warn("the run has diverged: " + why_diverged_);
    result_.time = runtime_.now();
    result_.runtime = runtime_.counters();
    RuntimeCounters& computed = result_.runtime;  // what was applied was computed
    computed.gradients_wasted =
        computed.gradients_computed - std::min(computed.gradients_computed, result_.counters.applied);
    result_.method = method_.figures();
    digest_.add(model_.version());
    digest_.add(model_.snapshot().view());
    result_.digest = digest_.hex();
  }

  struct BadWorker {
    WorkerId worker = 0;
    std::uint64_t count = 0;
    void serialize(Archive& archive) { archive(worker, count); }
  };

  const RunOptions& options_;
  Runtime& runtime_;
  Method& method_;
  ServerModel& model_;
  const DriveHooks& hooks_;
  const StateStore::Visit visit_ = [this](Archive& archive) { serialize(archive); };
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double wall_before_ = 0.0;  // of the run until it was saved

  RunResult result_;
  Commands commands_;
  Hasher digest_;
  std::optional<RoundTrips> round_trips_;
  std::vector<Order> cancelled_;
  std::deque<PendingEvaluation> pending_;
  Time next_evaluation_{}, last_time_{}, last_evaluation_time_{};
  std::optional<Version> last_evaluated_;
  std::size_t workers_ = 0;      // that are there
  std::size_t ever_joined_ = 0;  // or were
  TargetCheck target_check_;
  std::optional<std::uint64_t> diverged_at_;  // the number of the first evaluation that said so
  std::string why_diverged_;
  std::vector<BadWorker> bad_;            // whose last gradients were not finite
  std::uint64_t evaluated_in_a_row_ = 0;  // since the last event
  std::uint64_t lost_in_a_row_ = 0;       // workers, since the last arrival
  std::uint64_t bad_in_a_row_ = 0;        // gradients that were not finite, since the last that was applied, and
  std::vector<WorkerId> bringers_;        // who brought them: more than half of those who are there, or many?
  bool stopped_ = false;
  RecentArrivals recent_;
};

}  // namespace

RunResult drive(const RunOptions& options, Runtime& runtime, Method& method, ServerModel& model,
                const DriveHooks& hooks) {
  return Driver(options, runtime, method, model, hooks).run();
}

}  // namespace tardigrad
