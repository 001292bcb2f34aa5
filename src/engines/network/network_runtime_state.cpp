// SPDX-License-Identifier: Apache-2.0
// What of a run with workers elsewhere is saved: what its server knows, and of the protocol what the server has seen.
#include <algorithm>
#include <set>
#include <utility>

#include "engines/network/network_runtime.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::network {

void NetworkRuntime::serialize(Archive& archive) {
  finish_arrival();  // its gradient was valid during its event
  archive.section("network");
  if (archive.loading()) TG_CHECK(!started_, "a state is loaded into a run that has begun");
  std::uint64_t epoch = 0;
  const std::scoped_lock lock(mutex_);
  epoch = coordinator_->epoch();
  archive(now_, next_order_, scheduled_, used_, computed_, busy_, stayed_, begun_, epoch);
  if (archive.loading() && is_local())  // nobody else's orders can come back
    coordinator_ = std::make_unique<wire::Coordinator>(coordinator_options(epoch + 1));
  coordinator_->serialize(archive);
  if (archive.size(states_.size()) != states_.size()) Archive::fail("another number of workers");
  for (WorkerState& state : states_) archive(state);
  std::vector<OrderNumbers> orders;
  for (const auto& [protocol, run] : orders_) orders.push_back({protocol, run});
  std::vector<ScheduledEvent> scheduled;
  for (auto rest = schedule_; !rest.empty(); rest.pop()) scheduled.push_back(rest.top());
  archive(orders, scheduled);
  if (archive.loading()) take_over(orders, scheduled);
}

void NetworkRuntime::take_over(const std::vector<OrderNumbers>& orders, const std::vector<ScheduledEvent>& scheduled) {
  if (coordinator_->workers() > states_.size()) Archive::fail("more workers than there may be");
  std::set<OrderId> seen;
  for (const auto& [protocol, run] : orders)
    if (run >= next_order_ || !seen.insert(run).second || !orders_.emplace(protocol, run).second)
      Archive::fail("an order that cannot be in flight");
  std::size_t in_flight = 0;
  for (std::size_t worker = 0; worker < states_.size(); ++worker) {
    const auto id = static_cast<WorkerId>(worker);
    const bool known = worker < coordinator_->workers();
    const WorkerState& state = states_[worker];
    if ((state.since != kAbsent) != (known && coordinator_->present(id)) ||
        state.orders != (known ? coordinator_->in_flight(id) : 0))
      Archive::fail("a worker of whom two things are said");
    present_ += state.since != kAbsent;
    in_flight += state.orders;
  }
  const std::vector<OrderId> known = coordinator_->orders_in_flight();
  if (in_flight != orders_.size() || !std::ranges::all_of(known, [&](OrderId id) { return orders_.contains(id); }))
    Archive::fail("an order that was never given");
  for (const ScheduledEvent& event : scheduled) {
    const bool is_timer = event.kind == ScheduledEvent::Kind::timer;
    if (event.kind > ScheduledEvent::Kind::readmission || (!is_timer && event.number >= states_.size()))
      Archive::fail("a scheduled event that cannot be");
    timers_set_ += is_timer;
    schedule_.push(event);
  }
  if (begun_)  // those who were there are waited for as for silent ones
    clock_.start(now_);
}

}  // namespace tardigrad::network
