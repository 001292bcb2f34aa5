// SPDX-License-Identifier: Apache-2.0
#include "engines/network/network_runtime.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "engines/network/real_time.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::network {
namespace {

// So long `next` waits at most before its caller may look at other things: how late Ctrl-C is noticed.
constexpr std::chrono::milliseconds kLongestWait{20};

std::string local_name(std::size_t worker) { return fmt::format("worker-{}", worker); }

std::string private_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tardigrad-XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw Error(fmt::format("{}: no folder for a socket can be made there", pattern));
  return pattern;
}

}  // namespace

std::vector<std::uint64_t> tensor_sizes(const Layout& layout) {
  std::vector<std::uint64_t> sizes;
  for (const TensorSlot& tensor : layout.tensors()) sizes.push_back(tensor.size);
  return sizes;
}

std::span<const float> NetworkRuntime::ArrivedGradient::values() const {
  TG_CHECK(values_, "a gradient that is not finite is read");
  looked_ = true;
  return static_cast<const BufferSink&>(*values_).buffer().view();
}

void NetworkRuntime::ArrivedGradient::set(wire::CoordinatorEvent& event) {
  values_ = std::move(event.gradient);
  snapshot_ = std::move(event.snapshot);
  norm_ = event.norm;
  looked_ = false;
}

void NetworkRuntime::ArrivedGradient::clear() {
  values_.reset();
  snapshot_ = {};
}

NetworkRuntime::NetworkRuntime(const Transport& transport, const Problem& problem, BufferPool& buffers,
                               const NetworkOptions& options)
    : transport_(transport),
      problem_(problem),
      buffers_(buffers),
      options_(options),
      identity_({.scenario = options.serve ? options.serve->scenario_hash : "",
                 .tensors = tensor_sizes(problem.layout()),
                 .data = options.serve ? options.serve->data_hash : ""}),
      plan_(options.compression ? *options.compression : compression::Plan{}),
      compression_(plan_, options.seed, buffers),
      clock_(options.time_scale),
      states_(options.workers),
      coordinator_(std::make_unique<wire::Coordinator>(coordinator_options(options.serve ? options.serve->epoch : 0))),
      evaluators_(options.evaluation_threads),
      evaluations_(problem) {
  TG_CHECK(options.workers <= kMostWorkers, options.workers, " workers");
  if (options.serve && !options.serve->tokens.empty()) tokens_.emplace(options.serve->tokens);
}

wire::CoordinatorOptions NetworkRuntime::coordinator_options(std::uint64_t epoch) const {
  wire::CoordinatorOptions made{.epoch = epoch,
                                .identity = identity_,
                                .reuse_numbers = !is_local() && !options_.serve->own_data,
                                .own_data = !is_local() && options_.serve->own_data,
                                .compression = plan_,
                                .heartbeat = options_.heartbeat,
                                .lost_after = options_.lost_after,
                                .most_workers = options_.workers,
                                .most_connections = 2 * options_.workers + 64,
                                .make_sink = sinks_from(buffers_)};
  if (is_local())
    for (std::size_t worker = 0; worker < options_.workers; ++worker) made.names.push_back(local_name(worker));
  return made;
}

NetworkRuntime::~NetworkRuntime() {
  wind_down();
  evaluating_.reset();
  local_.clear();
  if (is_watched()) options_.serve->monitor->detach();
  {
    const std::scoped_lock lock(mutex_);
    deaf_ = true;
  }
  server_.reset();  // waits until nobody calls us any more
  gradient_.clear();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

void NetworkRuntime::wind_down() {
  {
    const std::scoped_lock lock(mutex_);
    if (!std::exchange(closing_, true) && server_) {
      const bool goes_on = !is_local() && options_.serve->goes_on && options_.serve->goes_on();
      coordinator_->say_goodbye(
          {.text = goes_on ? "the coordinator stops for now" : "the run is over", .for_now = goes_on});
      perform();
    }
  }
  for (const auto& worker : local_) worker->stop();
  if (evaluating_) evaluators_.grow();
}

bool NetworkRuntime::comes_to_rest(std::chrono::nanoseconds timeout) {
  const threads::Instant until = std::chrono::steady_clock::now() + timeout;
  const auto left = [&] {
    return std::max(threads::Instant::duration::zero(), until - std::chrono::steady_clock::now());
  };
  while (left().count() > 0 && awaits_somebody()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  while (!std::ranges::all_of(local_, [](const auto& worker) { return worker->has_ended(); })) {
    if (left().count() == 0) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return !evaluating_ || evaluating_->comes_to_rest(left());
}

// Of those elsewhere who were not told that the run is over.
bool NetworkRuntime::awaits_somebody() {
  const std::scoped_lock lock(mutex_);
  if (is_local() || !server_) return false;
  tick();
  perform();
  return coordinator_->awaits_somebody();
}

void NetworkRuntime::start() {
  started_ = true;
  ServerOptions options;
  if (is_local()) {
    folder_ = private_folder();
    options.address = "unix:" + folder_ + "/socket";
  } else {
    options = {
        .address = options_.serve->address, .credentials = options_.serve->credentials, .offer = options_.serve->offer};
  }
  {
    const std::scoped_lock lock(mutex_);  // who connects at once waits until we have it
    server_ = transport_.serve(options, *this);
    listening_since_ = watched_.alone_since = watched_.looked = real_now();
  }
  if (is_watched()) options_.serve->monitor->attach([this](Status& status) { fill_status(status); });
  report({.kind = ServeEvent::Kind::started, .text = server_->address(), .epoch = coordinator_->epoch()});
  if (begun_) note_presence(/*begun=*/true);  // a run that goes on
  if (is_local())
    start_local_workers();
  else if (options_.serve->on_listening)
    options_.serve->on_listening(server_->address());
}

void NetworkRuntime::start_local_workers() {
  try {
    for (std::size_t worker = 0; worker < options_.workers; ++worker) {
      const auto id = static_cast<WorkerId>(worker);
      local_.push_back(std::make_unique<WorkerClient>(WorkerOptions{.transport = transport_,
                                                                    .client = {.address = server_->address()},
                                                                    .problem = problem_,
                                                                    .buffers = buffers_,
                                                                    .identity = identity_,
                                                                    .name = local_name(worker),
                                                                    .examples = problem_.examples(id),
                                                                    .steps_per_epoch = problem_.steps_per_epoch(id),
                                                                    .compression = plan_,
                                                                    .seed = options_.seed,
                                                                    .pace = options_.pace,
                                                                    .availability = options_.availability,
                                                                    .number = id,
                                                                    .episode = states_[worker].losses,
                                                                    .time_scale = options_.time_scale,
                                                                    .longest_wait = from_seconds(0.1)}));
    }
  } catch (const std::system_error& error) {
    throw Error(fmt::format("the system has no threads for {} workers: {}", options_.workers, error.what()));
  }
}

// At the beginning the server waits: for all who are to be there, or as many as it was told.
bool NetworkRuntime::may_begin() {
  std::size_t waiting = 0, wanted = is_local() ? 0 : options_.at_start;
  const std::scoped_lock lock(mutex_);
  for (std::size_t worker = 0; worker < options_.workers; ++worker) {
    const auto id = static_cast<WorkerId>(worker);
    waiting += coordinator_->is_coming(id);
    if (is_local()) wanted += !options_.availability || options_.availability->first_join(id) <= Time{0};
  }
  if (waiting < std::min(wanted, options_.at_start)) return false;
  std::vector<wire::CoordinatorEvent> joins;
  while (auto event = coordinator_->next_event()) joins.push_back(std::move(*event));
  perform();
  std::ranges::stable_sort(joins, {}, &wire::CoordinatorEvent::worker);
  std::ranges::move(joins, std::back_inserter(first_joins_));
  return true;
}

std::optional<wire::CoordinatorEvent> NetworkRuntime::take_event() {
  if (!first_joins_.empty()) {
    wire::CoordinatorEvent event = std::move(first_joins_.front());
    first_joins_.pop_front();
    return event;
  }
  const std::scoped_lock lock(mutex_);
  tick();
  std::optional<wire::CoordinatorEvent> event = coordinator_->next_event();
  if (!event) perform();  // else what it says to the worker can go with the next order
  return event;
}

std::optional<Event> NetworkRuntime::next(Time limit) {
  finish_arrival();
  const threads::Instant look_again = std::chrono::steady_clock::now() + kLongestWait;
  if (!started_) start();
  while (!idle()) {
    if (!begun_ && may_begin()) {
      begun_ = true;
      clock_.start(now_);
      note_presence(/*begun=*/true);
    }
    if (begun_) {
      now_ = std::max(now_, clock_.now());
      if (now_ >= limit) break;
      if (!schedule_.empty() && schedule_.top().time <= now_) {
        const ScheduledEvent due = schedule_.top();
        schedule_.pop();
        if (std::optional<Event> event = keep(due)) return event;
        continue;
      }
      if (std::optional<wire::CoordinatorEvent> event = take_event()) return handle(std::move(*event));
    } else {
      const std::scoped_lock lock(mutex_);
      tick();
      perform();
    }
    if (std::chrono::steady_clock::now() >= look_again) break;
    wait(limit, look_again);
  }
  return std::nullopt;
}

void NetworkRuntime::wait(Time limit, threads::Instant look_again) {
  threads::Instant until = look_again;
  if (begun_) {
    until = std::min(until, clock_.at(limit));
    if (!schedule_.empty()) until = std::min(until, clock_.at(schedule_.top().time));
  }
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [&] { return coordinator_->has_events(); });
}

bool NetworkRuntime::idle() const {
  if (!begun_ || !first_joins_.empty() || !orders_.empty()) return false;
  if (timers_set_ > 0 && present_ > 0) return false;
  if (schedule_.size() > timers_set_) return false;  // somebody is let in again
  const std::scoped_lock lock(mutex_);
  if (coordinator_->has_events()) return false;
  for (std::size_t worker = 0; worker < options_.workers; ++worker) {
    const WorkerState& state = states_[worker];
    if (state.since != kAbsent || state.failed) continue;
    if (!is_local() || !started_ || !local_[worker]->has_left()) return false;  // it may come
  }
  return true;
}

std::optional<Event> NetworkRuntime::keep(const ScheduledEvent& due) {
  if (due.kind == ScheduledEvent::Kind::timer) {
    --timers_set_;
    return Event{.kind = Event::Kind::timer_fired, .time = now_, .timer = static_cast<TimerId>(due.number)};
  }
  states_[due.number].failed = false;
  const std::scoped_lock lock(mutex_);
  coordinator_->readmit(due.number);
  return std::nullopt;
}

Event NetworkRuntime::handle(wire::CoordinatorEvent event) {
  using Kind = wire::CoordinatorEvent::Kind;
  if (event.kind == Kind::joined) return joins(event.worker);
  return event.kind == Kind::arrived ? arrives(event) : loses(event);
}

Event NetworkRuntime::joins(WorkerId worker) {
  WorkerState& state = states_[worker];
  state.since = now_;
  state.failed = false;
  ++present_;
  note_presence(begun_);
  double examples = problem_.examples(worker);
  if (!is_local() && options_.serve->own_data) {
    const std::scoped_lock lock(mutex_);
    examples = coordinator_->examples(worker);
  }
  tell({.kind = ServeEvent::Kind::joined, .worker = name_of_worker(worker), .number = worker, .examples = examples});
  return {.kind = Event::Kind::worker_joined, .time = now_, .worker = worker, .examples = examples};
}

Event NetworkRuntime::arrives(wire::CoordinatorEvent& event) {
  WorkerState& state = states_[event.worker];
  const auto found = orders_.find(event.order.id);
  TG_CHECK(found != orders_.end(), "order ", event.order.id, " of the protocol was never given");
  event.order.id = found->second;
  orders_.erase(found);
  // What a worker says that it took is believed as far as it can be true.
  event.order.compute_time = std::clamp(event.order.compute_time, Time{1}, std::max(Time{1}, now_ - state.busy_since));
  busy_ += event.order.compute_time;
  state.busy_since = now_;
  --state.orders;
  ++computed_;
  gradient_.set(event);
  arrived_ = true;
  return {.kind = Event::Kind::gradient_arrived,
          .time = now_,
          .worker = event.worker,
          .order = event.order,
          .gradient = &gradient_};
}

void NetworkRuntime::finish_arrival() {
  if (!std::exchange(arrived_, false)) return;
  used_ += gradient_.was_looked_at();
  gradient_.clear();
}

Event NetworkRuntime::loses(wire::CoordinatorEvent& event) {
  WorkerState& state = states_[event.worker];
  lost_ = std::move(event.lost);
  const std::optional<OrderId> failed =
      event.failed && orders_.contains(*event.failed) ? std::optional(orders_.at(*event.failed)) : std::nullopt;
  withdraw(event.worker, lost_, 0);
  stayed_ += now_ - state.since;
  state.since = kAbsent;
  ++state.losses;
  --present_;
  note_presence(begun_);
  tell({.kind = event.put_aside ? ServeEvent::Kind::put_aside
                : event.left    ? ServeEvent::Kind::left
                                : ServeEvent::Kind::lost,
        .worker = name_of_worker(event.worker),
        .reason = event.reason,
        .order = failed,
        .orders = lost_.size(),
        .number = event.worker});
  reason_ = failed ? fmt::format("failed at order {}: {}", *failed, event.reason) : std::move(event.reason);
  if (event.left) reason_.clear();  // as it may: nothing is wrong
  if (event.failed && options_.restart_after)
    schedule(ScheduledEvent::Kind::readmission, now_ + *options_.restart_after, event.worker);
  else
    state.failed = event.barred;
  return {.kind = Event::Kind::worker_lost,
          .time = now_,
          .worker = event.worker,
          .lost = lost_,
          .reason = reason_,
          .put_aside = event.put_aside};
}

// Orders from `first` on have ended without an arrival: they get the run's numbers, and the time that each took.
void NetworkRuntime::withdraw(WorkerId worker, std::vector<Order>& orders, std::size_t first) {
  WorkerState& state = states_[worker];
  for (std::size_t i = first; i < orders.size(); ++i) {
    const auto found = orders_.find(orders[i].id);
    TG_CHECK(found != orders_.end(), "order ", orders[i].id, " of the protocol was never given");
    orders[i].id = found->second;
    orders_.erase(found);
    if (i == first) orders[i].compute_time = std::max(Time{0}, now_ - state.busy_since);  // no other was begun
  }
  state.orders -= orders.size() - first;
}

OrderId NetworkRuntime::assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) {
  TG_CHECK(worker < states_.size() && states_[worker].since != kAbsent, "worker ", worker, " is away");
  WorkerState& state = states_[worker];
  if (state.orders++ == 0) state.busy_since = clock_.now();
  const Snapshot computed_at = compression_.parameters(snapshot);
  const std::scoped_lock lock(mutex_);
  const OrderId given = coordinator_->assign(worker, computed_at, work);
  watched_.version = snapshot.version;
  perform();
  orders_.emplace(given, next_order_);
  return next_order_++;
}

std::uint64_t NetworkRuntime::steps_per_epoch(WorkerId worker) const {
  if (is_local() || !options_.serve->own_data) return problem_.steps_per_epoch(worker);
  const std::scoped_lock lock(mutex_);
  return coordinator_->steps_per_epoch(worker);
}

void NetworkRuntime::cancel(WorkerId worker, std::vector<Order>& cancelled) {
  const std::size_t before = cancelled.size();
  {
    const std::scoped_lock lock(mutex_);
    coordinator_->cancel(worker, cancelled);
    perform();
  }
  withdraw(worker, cancelled, before);
}

void NetworkRuntime::set_timer(TimerId timer, Time after) {
  TG_CHECK(after >= Time{0}, "a timer of ", after.count(), " ns");
  ++timers_set_;
  schedule(ScheduledEvent::Kind::timer, clock_.now() + after, static_cast<std::uint32_t>(timer));
}

void NetworkRuntime::schedule(ScheduledEvent::Kind kind, Time time, std::uint32_t number) {
  schedule_.push({.kind = kind, .time = time, .sequence = scheduled_++, .number = number});
}

void NetworkRuntime::put_aside(WorkerId worker, std::string reason) {
  const std::scoped_lock lock(mutex_);
  coordinator_->put_aside(worker, std::move(reason));
  perform();
}

void NetworkRuntime::readmit() {
  for (WorkerState& state : states_) state.failed = false;
  const std::scoped_lock lock(mutex_);
  coordinator_->readmit();
}

RuntimeCounters NetworkRuntime::counters() const {
  RuntimeCounters counters{.gradients_computed = computed_, .gradients_wasted = computed_ - used_};
  Time available = stayed_;
  for (const WorkerState& state : states_)
    if (state.since != kAbsent) available += now_ - state.since;
  if (available > Time{0}) counters.utilisation = std::min(1.0, to_seconds(busy_) / to_seconds(available));
  for (const auto& worker : local_) worker->add_pace_to(counters);
  return counters;
}

Evaluator& NetworkRuntime::evaluator() {
  if (!evaluating_) {
    evaluating_ = std::make_unique<ComputePool::Session>(evaluators_, problem_, buffers_);
    evaluations_.set_session(*evaluating_);
  }
  return evaluations_;
}

}  // namespace tardigrad::network
