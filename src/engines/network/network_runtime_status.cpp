// SPDX-License-Identifier: Apache-2.0
// What those who watch a run are told of who is there.
#include <algorithm>

#include "engines/network/network_runtime.hpp"
#include "engines/network/real_time.hpp"
#include "engines/network/visible.hpp"

namespace tardigrad::network {
namespace {

WorkerStatus status_of(const wire::Coordinator& coordinator, WorkerId id) {
  using State = WorkerStatus::State;
  WorkerStatus worker{.name = visible(coordinator.name(id)),
                      .state = coordinator.present(id)  ? State::present
                               : coordinator.barred(id) ? State::put_aside
                                                        : State::away,
                      .connected = coordinator.connected(id),
                      .orders = coordinator.counters(id),
                      .in_flight = coordinator.in_flight(id)};
  if (worker.state != State::present) return worker;
  worker.silence = to_seconds(coordinator.silence(id));
  worker.typical_silence = to_seconds(coordinator.typical_silence(id));
  return worker;
}

}  // namespace

void NetworkRuntime::fill_status(Status& status) const {
  const std::scoped_lock lock(mutex_);
  const Time now = real_now();
  const wire::Coordinator& coordinator = *coordinator_;
  status.phase = closing_ ? Status::Phase::over : watched_.begun ? Status::Phase::running : Status::Phase::waiting;
  status.epoch = coordinator.epoch();
  status.uptime = to_seconds(now - listening_since_);
  status.at_start = options_.at_start;
  status.most_workers = options_.workers;
  status.connections = coordinator.connections();
  status.lost_after = to_seconds(static_cast<std::int64_t>(options_.lost_after) * options_.heartbeat);
  status.server_silence = to_seconds(now - watched_.looked);
  status.outdated = coordinator.outdated();
  status.orders = coordinator.counters();
  status.in_flight = coordinator.in_flight();
  status.received_bytes = watched_.received_bytes;
  status.sent_bytes = watched_.sent_bytes;
  status.acknowledged_again = coordinator.acknowledged_again();
  for (std::size_t reason = 0; reason < wire::kRefusals; ++reason) {
    const auto refusal = static_cast<wire::Refusal>(reason);
    status.refusals.push_back({name_of(refusal), coordinator.refused(refusal)});
  }
  status.version = watched_.version;
  status.present = watched_.present;
  for (std::size_t worker = 0; worker < coordinator.workers(); ++worker) {
    const auto id = static_cast<WorkerId>(worker);
    status.workers.push_back(status_of(coordinator, id));
    if (!watched_.begun) status.present += coordinator.is_coming(id);
  }
  if (status.present == 0) status.alone = to_seconds(now - watched_.alone_since);
}

std::string NetworkRuntime::status() { return is_watched() ? to_json(options_.serve->monitor->status()) : ""; }

void NetworkRuntime::report(const ServeEvent& event) const {
  if (is_watched()) options_.serve->monitor->report(event);
}

// What people want to read at once, too.
void NetworkRuntime::tell(const ServeEvent& event) const {
  report(event);
  if (!is_local() && options_.serve->on_event) options_.serve->on_event(event);
}

// One that was silent is told so as well, and its loss is an event of its own.
// Pre  the mutex is held
void NetworkRuntime::report_refusal(ConnectionId connection, const wire::Refused& refused) const {
  const auto peer = peers_.find(connection);
  const std::string name = peer == peers_.end() ? "" : peer->second.name;
  if (!name.empty() && refused.reason == wire::Refusal::timeout) return;
  report({.kind = ServeEvent::Kind::refused,
          .worker = visible(name),
          .reason = name_of(refused.reason),
          .text = refused.text});
}

std::string NetworkRuntime::name_of_worker(WorkerId worker) const {
  const std::scoped_lock lock(mutex_);
  return visible(coordinator_->name(worker));
}

// Who is there has changed, or is noticed for the first time.
void NetworkRuntime::note_presence(bool begun) {
  if (begun && !std::exchange(told_that_begun_, true)) report({.kind = ServeEvent::Kind::begun});
  const std::scoped_lock lock(mutex_);
  watched_.begun = begun;
  if (present_ == 0 && watched_.present > 0) watched_.alone_since = real_now();
  watched_.present = present_;
}

}  // namespace tardigrad::network
