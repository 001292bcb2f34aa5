// SPDX-License-Identifier: Apache-2.0
// Who is there: connections, hellos, liveness, loss.
#include "engines/wire/coordinator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "tardigrad/error.hpp"

namespace tardigrad::wire {

Coordinator::Coordinator(CoordinatorOptions options)
    : options_(std::move(options)),
      dimension_(std::accumulate(options_.identity.tensors.begin(), options_.identity.tensors.end(), std::size_t{0})),
      clock_(options_.heartbeat),
      next_order_(options_.epoch << kOrdersOfAnEpoch) {
  TG_CHECK(dimension_ > 0 && options_.heartbeat > Time{1} && options_.lost_after > 0, "options of a coordinator");
  TG_CHECK(options_.chunk_bytes >= 4 && options_.chunk_bytes <= kMostChunk && options_.credits > 0, "chunks");
  TG_CHECK(options_.most_uploads > 0 && options_.prefetch > 0 && options_.prefetch <= kMostHeld, "uploads, orders");
  TG_CHECK(options_.epoch < std::uint64_t{1} << (64 - kOrdersOfAnEpoch), "epoch ", options_.epoch);
  for (const std::string& name : options_.names) TG_CHECK(find_or_add(name), "more names than workers");
}

void Coordinator::connected(ConnectionId connection, Time now) {
  clock_.advance(now);
  TG_CHECK(!connections_.contains(connection), "a connection opened twice");
  if (connections_.size() >= options_.most_connections) {
    count(Refusal::full);
    actions_.push_back(Send{connection, Refused{Refusal::full, describe(Refusal::full)}});
    actions_.push_back(Close{connection});
    return;
  }
  connections_.emplace(connection, Connection{.worker = {}, .opened = clock_.elapsed()});
}

void Coordinator::received(ConnectionId connection, Message message, Time now) {
  clock_.advance(now);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;  // it was closed here, and its peer does not know yet
  if (!found->second.worker) {
    if (const auto* hello = std::get_if<Hello>(&message))
      greet(connection, *hello);
    else
      refuse(connection, Refusal::malformed, "the first message was no hello");
  } else {
    Worker& worker = *workers_[*found->second.worker];
    worker.liveness.hear(clock_.elapsed());
    handle(worker, message);
  }
  serve_queue();
}

void Coordinator::handle(Worker& worker, Message& message) {
  if (auto* chunk = std::get_if<GradientChunk>(&message)) {
    upload(worker, std::move(*chunk));
  } else if (auto* result = std::get_if<Result>(&message)) {
    upload(worker, std::move(*result));
  } else if (std::holds_alternative<Heartbeat>(message)) {
    tell(worker, Heartbeat{});
  } else if (const auto* credit = std::get_if<Credit>(&message)) {
    worker.room =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{worker.room} + credit->chunks, 1024));
    pump(worker);
  } else if (std::holds_alternative<Drain>(message)) {
    worker.draining = true;
    leave_if_drained(worker);
  } else if (const auto* goodbye = std::get_if<Goodbye>(&message)) {
    close(*worker.connection);
    lose(worker, goodbye->text.empty() ? "left" : "left: " + one_line(goodbye->text), {}, /*left=*/true);
  } else {
    count(Refusal::malformed);
    refuse(*worker.connection, Refusal::malformed, "a message that workers do not send");
    offend(worker, Refusal::malformed);
  }
}

void Coordinator::disconnected(ConnectionId connection, Time now) {
  clock_.advance(now);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  if (found->second.worker) {
    Worker& worker = *workers_[*found->second.worker];
    detach(worker);
  }
  connections_.erase(connection);
  serve_queue();
}

void Coordinator::malformed(ConnectionId connection, std::string_view problem, Time now) {
  clock_.advance(now);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  Worker* worker = found->second.worker ? workers_[*found->second.worker].get() : nullptr;
  refuse(connection, Refusal::malformed, one_line(problem));
  if (worker) offend(*worker, Refusal::malformed);
  serve_queue();
}

void Coordinator::turn_away(ConnectionId connection, Refusal reason, Time now) {
  clock_.advance(now);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  Worker* worker = found->second.worker ? workers_[*found->second.worker].get() : nullptr;
  refuse(connection, reason);
  if (worker) lose(*worker, std::string("was turned away: ") + describe(reason));
  serve_queue();
}

void Coordinator::tick(Time now) {
  const Time time = clock_.advance(now);
  for (const auto& worker : workers_) {
    const bool there = (worker->present && !worker->losing) || worker->joining;
    if (there && stays_away(*worker, time))
      lose(*worker, "gone: its connection was closed, and it did not come back in time");
    else if (there && worker->liveness.lost(time))
      lose(*worker,
           fmt::format("silent, and its typical silence is {:.3g} s", to_seconds(worker->liveness.typical_silence())));
  }
  std::vector<ConnectionId> late;
  for (const auto& [id, connection] : connections_)
    if (!connection.worker && time - connection.opened >= kGreetingTime * options_.heartbeat) late.push_back(id);
  for (const ConnectionId id : late) refuse(id, Refusal::timeout);
  serve_queue();
}

bool Coordinator::stays_away(const Worker& worker, Time now) const {
  if (worker.connection || !worker.typical_order) return false;
  return now - worker.detached >= std::max(options_.heartbeat, kOrdersToComeBack * *worker.typical_order);
}

std::optional<Refusal> Coordinator::objection(const Hello& hello, Worker*& worker) {
  if (hello.protocol != kProtocol) return Refusal::protocol;
  if (hello.identity.scenario != options_.identity.scenario) return Refusal::scenario;
  if (hello.identity.tensors != options_.identity.tensors) return Refusal::layout;
  if (hello.identity.data != options_.identity.data) return Refusal::data;
  if (hello.name.empty() || hello.name.size() > kMostName) return Refusal::name;
  if (!std::isfinite(hello.examples) || hello.examples <= 0.0 || hello.examples > kMostExamples)
    return Refusal::malformed;
  if (options_.own_data && (hello.steps_per_epoch == 0 || hello.steps_per_epoch > kMostStepsPerEpoch))
    return Refusal::malformed;
  if (hello.last.epoch > options_.epoch) {
    outdated_ = true;
    return Refusal::stale_epoch;
  }
  worker = find_or_add(hello.name);
  if (!worker) return Refusal::full;
  if (worker->barred) return Refusal::put_aside;
  if (worker->incarnation > 0 && hello.process == worker->process && hello.greeting <= worker->greeting)
    return Refusal::stale_hello;
  if (worker->connection && hello.process != worker->process) return Refusal::name_taken;
  return std::nullopt;
}

Coordinator::Worker* Coordinator::find_or_add(const std::string& name) {
  if (const auto found = names_.find(name); found != names_.end()) return workers_[found->second].get();
  if (workers_.size() >= options_.most_workers)
    return options_.reuse_numbers ? take_number_of_a_lost_one(name) : nullptr;
  auto worker = std::make_unique<Worker>();
  worker->id = static_cast<WorkerId>(workers_.size());
  worker->name = name;
  names_.emplace(name, worker->id);
  workers_.push_back(std::move(worker));
  return workers_.back().get();
}

// Of one that is not there, holds no order, and is not kept away: its name is forgotten.
Coordinator::Worker* Coordinator::take_number_of_a_lost_one(const std::string& name) {
  const auto found = std::ranges::find_if(workers_, [](const auto& worker) {
    return !worker->connection && !worker->present && !worker->losing && !worker->joining && !worker->barred &&
           worker->leases.empty();
  });
  if (found == workers_.end()) return nullptr;
  Worker& worker = **found;
  names_.erase(worker.name);
  worker.name = name;
  worker.process = worker.greeting = 0;
  worker.offences = 0;
  worker.acknowledged.clear();
  names_.emplace(name, worker.id);
  return &worker;
}

void Coordinator::greet(ConnectionId connection, const Hello& hello) {
  if (over_) {
    awaited_.erase(hello.name);
    actions_.push_back(Send{connection, *over_});
    return close(connection);
  }
  Worker* worker = nullptr;
  if (const std::optional<Refusal> reason = objection(hello, worker)) {
    std::string text = describe(*reason);
    const bool comes_again = *reason == Refusal::full || *reason == Refusal::name_taken;
    if (comes_again) remember_knock(hello.name);
    if (*reason == Refusal::protocol) text += fmt::format(": {} here, {} there", kProtocol, hello.protocol);
    if (*reason == Refusal::malformed)
      text = fmt::format("{} examples and {} steps an epoch cannot be", hello.examples, hello.steps_per_epoch);
    return refuse(connection, *reason, text);
  }
  welcome(*worker, connection, hello);
}

void Coordinator::remember_knock(const std::string& name) {
  const Time time = clock_.elapsed();
  if (time - forgot_knocks_ >= kLongestWaitForRoom) {
    forgot_knocks_ = time;
    std::erase_if(knocking_, [&](const auto& knock) { return time - knock.second > kKnockCounts; });
  }
  if (const auto found = knocking_.find(name); found != knocking_.end())
    found->second = time;
  else if (knocking_.size() < kMostKnocking)
    knocking_.emplace(name, time);
}

void Coordinator::welcome(Worker& worker, ConnectionId connection, const Hello& hello) {
  if (worker.connection) {
    const ConnectionId former = *worker.connection;
    refuse(former, Refusal::superseded);
  }
  if (!has_what_was_left_out(worker, hello)) lose(worker, "came back without what was left out of its last gradient");
  knocking_.erase(worker.name);
  ++worker.incarnation;
  worker.process = hello.process;
  worker.greeting = hello.greeting;
  worker.examples = hello.examples;
  worker.steps_per_epoch = hello.steps_per_epoch;
  worker.draining = false;
  worker.connection = connection;
  connections_.at(connection).worker = worker.id;
  worker.room = std::min<std::uint32_t>(hello.credits, 1024);
  worker.owed = options_.credits;
  worker.consumed = 0;
  worker.answered.reset();
  const bool goes_on = (worker.present && !worker.losing) || worker.joining;
  if (goes_on) {
    worker.liveness.hear(clock_.elapsed());
  } else {
    worker.liveness = Liveness(options_.heartbeat, options_.lost_after, clock_.elapsed());
    worker.joining = true;
    events_.push_back({.kind = CoordinatorEvent::Kind::joined, .worker = worker.id});
  }
  Welcome welcome{.session = {options_.epoch, worker.incarnation},
                  .worker = worker.id,
                  .heartbeat = options_.heartbeat,
                  .lost_after = options_.lost_after,
                  .credits = options_.credits,
                  .chunk_bytes = static_cast<std::uint32_t>(options_.chunk_bytes)};
  resume_leases(worker, hello, welcome);
  tell(worker, std::move(welcome));
  pump(worker);
}

// Of the last of its orders that has come with a gradient; when it joins, nothing is left out.
bool Coordinator::has_what_was_left_out(const Worker& worker, const Hello& hello) const {
  if (!options_.compression.has_error_feedback() || !worker.present || worker.losing) return true;
  std::optional<OrderId> last = worker.taken;
  for (const Lease& lease : worker.leases)
    if (lease.arrived && lease.is_finite) last = lease.order.id;
  return !last || last == hello.acknowledged ||
         std::ranges::find(hello.holds, *last, &HeldOrder::order) != hello.holds.end();
}

// Those of its orders that it still has go on; from the first that it does not have, all are handed out again, so that
// they are worked off in their order.
void Coordinator::resume_leases(Worker& worker, const Hello& hello, Welcome& welcome) {
  if (worker.losing) return;
  welcome.taken = worker.taken;
  for (const Lease& lease : worker.leases) {
    const bool holds = std::ranges::find(hello.holds, lease.held()) != hello.holds.end();
    if (lease.arrived) {
      if (holds && lease.is_finite) welcome.arrived.push_back(lease.held());
    } else if (holds) {
      welcome.goes_on.push_back(lease.held());
    } else {
      redeliver_from(worker, lease.order.id, /*tell=*/false);
      break;
    }
  }
  for (Lease& lease : worker.leases)
    if (std::ranges::find(welcome.goes_on, lease.held()) != welcome.goes_on.end()) lease.delivered = true;
}

void Coordinator::refuse(ConnectionId connection, Refusal reason, std::string text) {
  count(reason);
  actions_.push_back(Send{connection, Refused{reason, text.empty() ? describe(reason) : std::move(text)}});
  close(connection);
}

void Coordinator::close(ConnectionId connection) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  if (found->second.worker) detach(*workers_[*found->second.worker]);
  connections_.erase(connection);
  actions_.push_back(Close{connection});
}

// The connection is gone, with all that was under way on it; the orders stay.
void Coordinator::detach(Worker& worker) {
  worker.connection.reset();
  worker.detached = clock_.elapsed();
  worker.sending.reset();
  worker.sent.reset();
  worker.waiting.clear();
  drop_assembly(worker);
}

void Coordinator::lose(Worker& worker, std::string reason, std::optional<OrderId> failed, bool left) {
  if (worker.connection) {
    tell(worker, Refused{Refusal::timeout, one_line(reason)});
    close(*worker.connection);
  }
  if (worker.joining) {  // the server never knew
    worker.joining = false;
    drop_events(worker.id, /*joins_only=*/true);
    return;
  }
  if (!worker.present || worker.losing) return;
  worker.losing = true;
  awaited_.erase(worker.name);
  events_.push_back({.kind = CoordinatorEvent::Kind::lost,
                     .worker = worker.id,
                     .reason = std::move(reason),
                     .failed = failed,
                     .barred = worker.barred,
                     .left = left});
}

// Not let in again until it is readmitted.
void Coordinator::close_and_bar(Worker& worker, const std::string& reason) {
  worker.barred = true;
  if (worker.connection) refuse(*worker.connection, Refusal::put_aside, one_line(reason));
}

void Coordinator::bar(Worker& worker, const std::string& reason, std::optional<OrderId> failed) {
  close_and_bar(worker, reason);
  lose(worker, reason, failed);
}

void Coordinator::put_aside(WorkerId id, std::string reason) {
  TG_CHECK(present(id), "a worker that is not there is put aside");
  Worker& worker = *workers_[id];
  close_and_bar(worker, reason);
  worker.joining = false;
  worker.losing = true;
  drop_events(worker.id, /*joins_only=*/false);
  events_.push_front({.kind = CoordinatorEvent::Kind::lost,
                      .worker = worker.id,
                      .reason = std::move(reason),
                      .put_aside = true,
                      .barred = true});
  serve_queue();
}

void Coordinator::drop_events(WorkerId worker, bool joins_only) {
  std::erase_if(events_, [&](const CoordinatorEvent& event) {
    if (event.worker != worker || (joins_only && event.kind != CoordinatorEvent::Kind::joined)) return false;
    if (event.gradient) --uploads_;
    return true;
  });
}

void Coordinator::readmit() {
  for (const auto& worker : workers_) readmit(worker->id);
}

void Coordinator::readmit(WorkerId id) {
  workers_.at(id)->barred = false;
  workers_.at(id)->offences = 0;
}

void Coordinator::leave_if_drained(Worker& worker) {
  if (!worker.draining || !worker.connection) return;
  if (std::ranges::any_of(worker.leases, [](const Lease& lease) { return lease.delivered; })) return;
  tell(worker, Goodbye{"it has brought all it had"});
  close(*worker.connection);
  lose(worker, "left", {}, /*left=*/true);
}

void Coordinator::say_goodbye(Goodbye goodbye) {
  goodbye.text = one_line(goodbye.text);
  over_ = std::move(goodbye);
  if (!over_->for_now) {  // else who is not told tries again, too
    for (const auto& worker : workers_)
      if (worker->present && !worker->losing && !worker->connection) awaited_.insert(worker->name);
    for (const auto& [name, time] : knocking_)
      if (clock_.elapsed() - time <= kKnockCounts) awaited_.insert(name);
  }
  std::vector<ConnectionId> all;
  for (const auto& [id, connection] : connections_) all.push_back(id);
  for (const ConnectionId id : all) {
    actions_.push_back(Send{id, *over_});
    close(id);
  }
}

void Coordinator::tell(const Worker& worker, Message message) {
  if (worker.connection) actions_.push_back(Send{*worker.connection, std::move(message)});
}

}  // namespace tardigrad::wire
