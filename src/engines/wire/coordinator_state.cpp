// SPDX-License-Identifier: Apache-2.0
// What of a coordinator is saved: what its server has seen. What is under way on connections is asked for again.
#include <set>

#include "engines/wire/coordinator.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::wire {

void Coordinator::Worker::serialize(Archive& archive) {
  archive(name, incarnation, process, greeting, present, barred, offences, examples, steps_per_epoch, gradients, leases,
          acknowledged, taken, counters);
}

void Coordinator::serialize(Archive& archive) {
  archive.section("coordinator");
  if (archive.loading())
    TG_CHECK(connections_.empty() && next_order_ == options_.epoch << kOrdersOfAnEpoch,
             "a state is loaded into a coordinator that has begun");
  std::uint64_t epoch = options_.epoch;
  OrderId next = next_order_;
  archive(epoch, next, acknowledged_again_);
  for (std::uint64_t& count : refused_) archive(count);
  if (archive.loading()) {
    workers_.clear();
    names_.clear();
  }
  const std::size_t known = archive.size(workers_.size());
  for (std::size_t i = 0; i < known; ++i) {
    if (archive.loading()) workers_.push_back(std::make_unique<Worker>());
    archive(*workers_[i]);
  }
  if (!archive.loading()) return;
  if (epoch >= options_.epoch) Archive::fail("a coordinator of an epoch that is not over");
  take_over(next);
}

// Ids of orders that were given after it was saved are never given again: those of this epoch are greater.
void Coordinator::take_over(OrderId next) {
  if (next > next_order_) Archive::fail("orders of an epoch to come");
  std::set<OrderId> seen;
  for (const auto& worker : workers_) {
    worker->id = static_cast<WorkerId>(&worker - workers_.data());
    if (!names_.emplace(worker->name, worker->id).second) Archive::fail("two workers of one name");
    if (!worker->present && !worker->leases.empty()) Archive::fail("an order of a worker that is not there");
    worker->liveness = Liveness(options_.heartbeat, options_.lost_after, clock_.elapsed());
    OrderId least = 0;
    for (const Lease& lease : worker->leases) {
      const OrderId id = lease.order.id;
      if (lease.order.worker != worker->id || id < least || id >= next || !seen.insert(id).second ||
          !lease.snapshot.params || lease.snapshot.view().size() != dimension_)
        Archive::fail("an order that cannot be in flight");
      least = id + 1;
    }
  }
}

}  // namespace tardigrad::wire
