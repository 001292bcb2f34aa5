// SPDX-License-Identifier: Apache-2.0
// Everything at once: queues, cancels, timers, failures, returns, slow gradients, on many more threads than cores.
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <thread>

#include "support/thread_world.hpp"

namespace tardigrad {
namespace {

using test::Custom;
using test::run_threads;
using test::stop_after_updates;
using test::ThreadRun;

class Chaos final : public Method {
 public:
  explicit Chaos(std::size_t workers) : orders_(workers, kAway) {}
  Capabilities required_capabilities() const override { return {.cancel = true, .queues = true, .timers = true}; }
  void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override {
    ASSERT_EQ(orders_[worker.id], kAway);
    orders_[worker.id] = 0;
    give(worker.id, commands);
  }
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    EXPECT_TRUE(seen_.insert(order.id).second);
    EXPECT_GT(orders_[order.worker], 0);
    --orders_[order.worker];
    if (dice_.uniform() < 0.1) cancel_somebody(commands);
    if (dice_.uniform() < 0.01) commands.set_timer(TimerId{1}, from_seconds(1e-4));
    give(order.worker, commands);
    if (dice_.uniform() < 0.2 && orders_[order.worker] < 3) give(order.worker, commands);
    if (dice_.uniform() < 0.1) return {.outcome = Outcome::discarded};
    model.step(1e-3, vec::kGradient, &gradient);
    return {.outcome = Outcome::applied, .coefficient = 1e-3};
  }
  void on_worker_lost(WorkerId worker, std::size_t orders, Model&, Commands&) override {
    EXPECT_EQ(orders_[worker], static_cast<int>(orders));
    orders_[worker] = kAway;
  }
  void on_timer(TimerId, Model&, Commands& commands) override { cancel_somebody(commands); }
  void serialize(Archive&) override {}

 private:
  static constexpr int kAway = -1;
  void give(WorkerId worker, Commands& commands) {
    commands.assign(worker);
    ++orders_[worker];
  }
  void cancel_somebody(Commands& commands) {
    const auto victim = static_cast<WorkerId>(dice_.below(orders_.size()));
    if (orders_[victim] == kAway) return;
    commands.cancel(victim);
    orders_[victim] = 0;
    give(victim, commands);
  }
  std::vector<int> orders_;
  std::set<OrderId> seen_;
  Stream dice_{3, Purpose::test, 0, 0};
};

TEST(Threads, Stress) {
#ifdef __SANITIZE_THREAD__
  constexpr std::uint64_t kUpdates = 10'000;
#else
  constexpr std::uint64_t kUpdates = 100'000;
#endif
  constexpr std::size_t kWorkers = 64;
  const test::ComingAndGoing availability({.seed = 4, .uptime = 0.05, .downtime = 0.002});
  const Custom problem([](const Order& order, const std::function<bool()>& cancelled) {
    Stream dice(5, Purpose::gradient_noise, order.worker, order.index);
    const double u = dice.uniform();
    if (u < 0.001) throw std::runtime_error("by chance");
    if (u < 0.01) std::this_thread::sleep_for(std::chrono::microseconds(100));
    for (int i = 0; u > 0.98 && i < 100 && !cancelled(); ++i) std::this_thread::yield();
  });
  Chaos method(kWorkers);
  RunOptions options = stop_after_updates(kUpdates);
  options.stop.time = from_seconds(500.0);  // a watch-dog
  options.evaluate_every.updates = 1000;
  const ThreadRun run =
      run_threads(problem, method,
                  {.threads = {.workers = kWorkers, .availability = &availability, .restart_after = from_seconds(1e-3)},
                   .run = options});
  EXPECT_EQ(run.result.reason, StopReason::updates);
  EXPECT_GT(run.result.counters.lost, 0u);
  EXPECT_GT(run.result.counters.cancelled, 0u);
  EXPECT_GT(run.warnings.size(), 0u);
}

}  // namespace
}  // namespace tardigrad
