// SPDX-License-Identifier: Apache-2.0
// What must hold of every method in every runtime, looked at while it runs.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "engines/forwarding_runtime.hpp"
#include "support/fake_world.hpp"
#include "support/method_files.hpp"

namespace tardigrad::test {

// Workers of such methods wait for a round to end, or for their turn among more workers than the concurrency.
inline bool lets_workers_wait(const MethodFile& file) {
  static const std::set<std::string> rounds = {"minibatch-sgd", "m-sync-sgd",  "fedavg",
                                               "fedprox",       "papaya-sync", "adaptive-sync"};
  return rounds.count(file.method()) > 0 || file.table.count("concurrency") > 0;
}

// Methods that draw who works may leave somebody without an order while somebody else has a queue of them.
inline bool draws_workers(const MethodFile& file) {
  const auto dispatch = file.table.find("dispatch");
  return dispatch != file.table.end() && dispatch->second == word("uniform");
}

// Looks at every event: who is alive, who has how many orders.
class Watch final : public ForwardingRuntime {
 public:
  Watch(Runtime& inner, const MethodFile& file, std::size_t workers)
      : ForwardingRuntime(inner), file_(file), workers_(workers) {}
  std::optional<Event> next(Time limit) override {
    check_busy();
    const std::optional<Event> event = inner_.next(limit);
    if (!event) return event;
    switch (event->kind) {
      case Event::Kind::worker_joined:
        EXPECT_TRUE(orders_.emplace(event->worker, 0).second) << "joined twice";
        break;
      case Event::Kind::worker_lost:
        EXPECT_EQ(orders_.at(event->worker), event->lost.size());
        orders_.erase(event->worker);
        break;
      case Event::Kind::gradient_arrived:
        EXPECT_TRUE(arrived_.insert(event->order.id).second) << "order " << event->order.id << " arrived twice";
        --orders_.at(event->worker);
        break;
      case Event::Kind::timer_fired:
        break;
    }
    return event;
  }
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) override {
    begun_ = true;
    ++orders_.at(worker);
    return inner_.assign(worker, snapshot, work);
  }
  void cancel(WorkerId worker, std::vector<Order>& cancelled) override {
    inner_.cancel(worker, cancelled);
    orders_.at(worker) = 0;
  }

 private:
  void check_busy() {
    std::size_t total = 0;
    for (const auto& [worker, orders] : orders_) {
      total += orders;
      // All who are there at the beginning join before anybody can be drawn.
      if (!lets_workers_wait(file_) && !draws_workers(file_) && begun_) {
        EXPECT_EQ(orders, 1u) << "worker " << worker << " at " << to_seconds(inner_.now()) << " s";
      }
    }
    seen_all_ |= orders_.size() == workers_;
    if (!orders_.empty() && begun_ && seen_all_) {
      EXPECT_GT(total, 0u) << "everybody waits, at " << to_seconds(inner_.now()) << " s";
    }
  }

  const MethodFile& file_;
  const std::size_t workers_;
  std::map<WorkerId, std::size_t> orders_;  // of those alive
  std::set<OrderId> arrived_;
  bool begun_ = false, seen_all_ = false;
};

/// No gradient of this method is applied with a greater delay.
inline std::uint64_t delay_bound(const MethodFile& file, std::size_t workers) {
  const std::string name = file.method();
  if (name == "ringleader-asgd") return 2 * workers - 2;
  if (name == "ringmaster-asgd") return static_cast<std::uint64_t>(file.table.at("delay_limit").number()) - 1;
  for (const char* fresh : {"minibatch-sgd", "m-sync-sgd", "rennala-sgd", "async-minibatch-sgd", "malenia-sgd",
                            "fedavg", "fedprox", "papaya-sync"})
    if (name == fresh) return 0;
  return ~std::uint64_t{0};
}

}  // namespace tardigrad::test
