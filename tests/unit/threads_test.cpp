// SPDX-License-Identifier: Apache-2.0
// Real threads: what cancels, fails, leaves, waits and ends. Nothing here measures time: a wait of an hour that does
// not happen is the proof that nobody waited.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <thread>

#include "support/bowl_world.hpp"
#include "support/thread_world.hpp"

namespace tardigrad {
namespace {

using test::Bowl;
using test::Custom;
using test::FixedTimes;
using test::make;
using test::num;
using test::run_threads;
using test::stop_after_updates;
using test::ThreadRun;
using test::word;
using testing::ElementsAre;

constexpr double kHour = 3600.0;

SettingValue::Table vanilla(double step = 0.1) { return {{"name", word("vanilla-asgd")}, {"step_size", num(step)}}; }

// Applies every gradient, and does what a test wants at each event.
class Scripted final : public Method {
 public:
  Capabilities required_capabilities() const override {
    return {.cancel = true, .queues = true, .timers = true, .local_steps = true};
  }
  void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override {
    if (joined) return joined(worker.id, commands);
    commands.assign(worker.id);
  }
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    arrivals.push_back(order);
    model.step(0.01, vec::kGradient, &gradient);
    if (arrived)
      arrived(order, commands);
    else
      commands.assign(order.worker);
    return {.outcome = Outcome::applied, .coefficient = 0.01};
  }
  void on_worker_lost(WorkerId worker, std::size_t orders, Model&, Commands& commands) override {
    if (lost) lost(worker, orders, commands);
  }
  void on_timer(TimerId timer, Model&, Commands& commands) override { fired(timer, commands); }
  void serialize(Archive&) override {}

  std::vector<Order> arrivals;
  std::function<void(WorkerId, Commands&)> joined;
  std::function<void(const Order&, Commands&)> arrived;
  std::function<void(WorkerId, std::size_t, Commands&)> lost;
  std::function<void(TimerId, Commands&)> fired;
};

void wait_for(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

// --- Cancelling. Worker 1 brings a gradient, upon which worker 0 is told to drop its first order and to begin another.

// What the method of these tests does: the run ends when worker 0 has brought its second order.
Scripted drops_the_first_order_of_worker_0(const LocalWork& first) {
  Scripted method;
  method.joined = [first](WorkerId worker, Commands& commands) {
    commands.assign(worker, worker == 0 ? first : LocalWork{});
  };
  method.arrived = [](const Order& order, Commands& commands) {
    if (order.worker == 0) return commands.stop();
    if (order.index == 0) {
      commands.cancel(0);
      commands.assign(0);
    }
    commands.assign(1);
  };
  return method;
}

void expect_only_the_second_order(const ThreadRun& run, const Scripted& method, std::uint64_t index) {
  EXPECT_EQ(run.result.reason, StopReason::method);
  EXPECT_EQ(run.result.counters.cancelled, 1u);
  std::vector<std::uint64_t> indices;
  for (const Order& order : method.arrivals)
    if (order.worker == 0) indices.push_back(order.index);
  EXPECT_THAT(indices, ElementsAre(index));
}

TEST(Threads, ACancelEndsAGradientThatLooks) {
  const Custom problem([](const Order& order, const std::function<bool()>& cancelled) {
    while (order.worker == 0 && order.index == 0 && !cancelled()) std::this_thread::yield();
  });
  Scripted method = drops_the_first_order_of_worker_0({});
  const ThreadRun run = run_threads(problem, method, {.threads = {.workers = 2}});
  expect_only_the_second_order(run, method, 1);
  EXPECT_LE(run.result.runtime.gradients_wasted, 1u);  // what worker 1 had in hand at the end
}

// Worker 0 would take an hour for its first order, and computes nothing before the hour is nearly over.
TEST(Threads, ACancelEndsAPaceAtOnce) {
  class Times final : public ComputeTime {
   public:
    Time sample(WorkerId worker, std::uint64_t index) const override {
      return from_seconds(worker == 0 && index == 0 ? kHour : 1e-3);
    }
  } times;
  std::atomic<bool> computed{false};
  const Bowl bowl({.on_gradient = [&](const Order& order) {
    if (order.worker == 0 && order.index == 0) computed = true;
  }});
  Scripted method = drops_the_first_order_of_worker_0({});
  const ThreadRun run = run_threads(bowl, method, {.threads = {.workers = 2, .pace = &times}});
  expect_only_the_second_order(run, method, 1);
  EXPECT_FALSE(computed);
}

// Of a thousand local steps the sixth is under way when the order is withdrawn: there is no seventh.
TEST(Threads, ACancelEndsLocalSteps) {
  std::atomic<bool> in_sixth{false}, withdrawn{false};
  std::atomic<int> steps{0};
  const Bowl bowl({.on_gradient = [&](const Order& order) {
    if (order.worker == 1) {
      wait_for(in_sixth);
      if (order.index == 1) withdrawn = true;  // the order that came with the cancel
    } else if (order.work.steps > 0 && ++steps == 6) {
      in_sixth = true;
      wait_for(withdrawn);
    }
  }});
  Scripted method = drops_the_first_order_of_worker_0({.steps = 1000, .step_size = 0.1});
  const ThreadRun run = run_threads(bowl, method, {.threads = {.workers = 2}});
  expect_only_the_second_order(run, method, 1000);
  EXPECT_EQ(steps, 6);
}

// The gradient is there, and on its way, when its order is cancelled: it does not count, but as computed for nothing.
TEST(Threads, ACancelledGradientNeverArrivesEvenWhenItIsDone) {
  std::atomic<int> done{0};
  const Bowl bowl({.on_gradient = [&](const Order&) { ++done; }});
  Scripted method;
  method.joined = [](WorkerId worker, Commands& commands) {
    for (int i = 0; i < 3; ++i) commands.assign(worker);
  };
  method.arrived = [&](const Order& order, Commands& commands) {
    if (order.index > 2) return commands.stop();
    while (done < 3) std::this_thread::yield();
    commands.cancel(0);
    commands.assign(0);
  };
  const ThreadRun run = run_threads(bowl, method, {.threads = {.workers = 1}});
  EXPECT_EQ(run.result.reason, StopReason::method);
  ASSERT_EQ(method.arrivals.size(), 2u);
  EXPECT_EQ(method.arrivals[1].index, 3u);
  EXPECT_EQ(run.result.counters.cancelled, 2u);
  // The third may have been withdrawn between its draw and its end.
  EXPECT_GE(run.result.runtime.gradients_wasted, 1u);
  EXPECT_LE(run.result.runtime.gradients_wasted, 2u);
}

// --- Time.

TEST(Threads, AnOrderTakesAtLeastItsComputeTime) {
  const Bowl bowl({});
  const FixedTimes times({1.0, 2.0});
  Scripted method;
  run_threads(bowl, method,
              {.threads = {.workers = 2, .pace = &times, .time_scale = 1e-3}, .run = stop_after_updates(30)});
  for (const Order& order : method.arrivals) EXPECT_GE(order.compute_time, from_seconds(order.worker == 0 ? 1.0 : 2.0));
}

TEST(Threads, LocalStepsAreMadeWhileTheBudgetLasts) {
  const Bowl bowl({});
  const FixedTimes times({1.0});
  for (const double budget : {0.5, 2.5, 1000.0}) {
    Scripted method;
    const LocalWork work{.steps = 3, .step_size = 0.1, .budget = from_seconds(budget)};
    method.joined = [&](WorkerId worker, Commands& commands) { commands.assign(worker, work); };
    run_threads(bowl, method,
                {.threads = {.workers = 1, .pace = &times, .time_scale = 1e-3}, .run = stop_after_updates(1)});
    const Order& order = method.arrivals.at(0);
    EXPECT_GE(order.compute_time, from_seconds(order.steps_done));
    if (budget == 0.5) {
      EXPECT_EQ(order.steps_done, 1u);  // at least one
    }
    if (budget == 2.5) {
      EXPECT_LE(order.steps_done, 2u);  // a third would end after 3 s
    }
    if (budget == 1000.0) {
      EXPECT_EQ(order.steps_done, 3u);
    }
  }
}

TEST(Threads, TimersFireInTheirOrderAndNotTooEarly) {
  const Custom problem([](const Order&, const std::function<bool()>& cancelled) {
    while (!cancelled()) std::this_thread::yield();
  });
  std::vector<std::uint32_t> fired;
  Scripted method;
  method.joined = [](WorkerId worker, Commands& commands) {
    commands.assign(worker);
    commands.set_timer(TimerId{7}, from_seconds(2e-3));
    commands.set_timer(TimerId{5}, from_seconds(1e-3));
  };
  method.fired = [&](TimerId timer, Commands& commands) {
    fired.push_back(static_cast<std::uint32_t>(timer));
    if (fired.size() == 2) commands.stop();
  };
  const ThreadRun run = run_threads(problem, method, {.threads = {.workers = 1}});
  EXPECT_THAT(fired, ElementsAre(5, 7));
  EXPECT_GE(run.result.time, from_seconds(2e-3));
}

TEST(Threads, TheCapEndsTheRun) {
  const Bowl bowl({});
  const FixedTimes hour({kHour});
  Scripted method;
  const ThreadRun run = run_threads(
      bowl, method, {.threads = {.workers = 1, .pace = &hour}, .run = {.stop = {.time = from_seconds(5e-3)}}});
  EXPECT_EQ(run.result.reason, StopReason::time);
  EXPECT_GE(run.result.time, from_seconds(5e-3));
  EXPECT_LE(run.result.runtime.utilisation, 1.0);
}

// --- Losses.

TEST(Threads, AFailingReplicaIsALostWorkerAndTheRunGoesOn) {
  const Custom problem([](const Order& order, const std::function<bool()>&) {
    if (order.worker == 0 && order.index == 3) throw std::runtime_error("out of order");
  });
  Scripted method;
  std::vector<std::size_t> lost;
  method.joined = [](WorkerId worker, Commands& commands) {
    commands.assign(worker);
    commands.assign(worker);  // one more in the queue
  };
  method.lost = [&](WorkerId worker, std::size_t orders, Commands&) {
    EXPECT_EQ(worker, 0u);
    lost.push_back(orders);
  };
  method.arrived = [&](const Order& order, Commands& commands) {
    if (!lost.empty() && order.worker == 0) ADD_FAILURE() << "it is dead";
    commands.assign(order.worker);
    if (!lost.empty() && order.index > 50) commands.stop();
  };
  const ThreadRun run = run_threads(problem, method, {.threads = {.workers = 2}});
  EXPECT_EQ(run.result.reason, StopReason::method);
  EXPECT_THAT(lost, ElementsAre(2u));
  EXPECT_EQ(run.result.counters.lost, 2u);
  EXPECT_THAT(run.warnings, ElementsAre(testing::ContainsRegex("^worker 0 failed at order [0-9]+: out of order$")));
}

TEST(Threads, AFailedWorkerReturnsWithANewReplica) {
  std::atomic<int> replicas{0};
  Custom problem([](const Order& order, const std::function<bool()>&) {
    if (order.index % 3 == 2) throw std::runtime_error("again");
  });
  problem.on_replica = [&] { ++replicas; };
  Scripted method;
  method.lost = [](WorkerId, std::size_t, Commands&) {};
  const ThreadRun run = run_threads(
      problem, method, {.threads = {.workers = 1, .restart_after = from_seconds(1e-3)}, .run = stop_after_updates(7)});
  EXPECT_EQ(run.result.reason, StopReason::updates);
  std::vector<std::uint64_t> indices;
  for (const Order& order : method.arrivals) indices.push_back(order.index);
  EXPECT_THAT(indices, ElementsAre(0, 1, 3, 4, 6, 7, 9));
  EXPECT_EQ(run.result.counters.lost, 3u);
  EXPECT_EQ(run.warnings.size(), 3u);
  EXPECT_EQ(replicas, 1 + 3 + 1);  // the first, one after each failure, and that of the evaluations
}

TEST(Threads, WhenAllAreDeadTheRunEnds) {
  Custom problem([](const Order& order, const std::function<bool()>&) {
    if (order.worker == 0) throw 42;
  });
  Scripted method;
  method.joined = [](WorkerId worker, Commands& commands) {
    commands.assign(worker);
    commands.set_timer(TimerId{1}, from_seconds(kHour));  // a timer alone leads nowhere
  };
  method.arrived = [](const Order& order, Commands& commands) { commands.assign(order.worker); };
  const ThreadRun run = run_threads(problem, method, {.threads = {.workers = 1}});
  EXPECT_EQ(run.result.reason, StopReason::no_workers);
  EXPECT_THAT(run.warnings, ElementsAre("worker 0 failed at order 0: something that is no std::exception was thrown",
                                        "no worker is left, and none will return"));
}

// The first replica is the evaluation's, the second that of the worker's first order.
TEST(Threads, AReplicaThatCannotBeMadeIsAFailure) {
  std::atomic<int> replicas{0};
  Custom problem([](const Order&, const std::function<bool()>&) {});
  problem.on_replica = [&] {
    if (++replicas == 2) throw std::runtime_error("no memory for it");
  };
  Scripted method;
  method.joined = [&](WorkerId worker, Commands& commands) {
    while (replicas == 0) std::this_thread::yield();
    commands.assign(worker);
  };
  const ThreadRun run =
      run_threads(problem, method, {.threads = {.workers = 1, .restart_after = Time{0}}, .run = stop_after_updates(5)});
  EXPECT_EQ(run.result.reason, StopReason::updates);
  EXPECT_THAT(run.warnings, ElementsAre("worker 0 failed at order 0: no memory for it"));
}

// Worker 1 is away from 1 s to 2 s of the run, whatever it has in hand; nothing of it arrives meanwhile.
TEST(Threads, WorkersVanishAndReturn) {
  const Bowl bowl({});
  const FixedTimes times({0.1, 0.1});
  const test::Away away(1, 1.0, 2.0);
  Scripted method;
  bool there = false;
  int returns = 0;
  method.joined = [&](WorkerId worker, Commands& commands) {
    commands.assign(worker);
    if (worker == 1 && ++returns == 2) commands.stop();
    there |= worker == 1;
  };
  method.lost = [&](WorkerId worker, std::size_t orders, Commands&) {
    EXPECT_EQ(worker, 1u);
    EXPECT_EQ(orders, 1u);
    there = false;
  };
  method.arrived = [&](const Order& order, Commands& commands) {
    EXPECT_TRUE(order.worker == 0 || there);
    commands.assign(order.worker);
  };
  const ThreadRun run =
      run_threads(bowl, method, {.threads = {.workers = 2, .pace = &times, .availability = &away, .time_scale = 0.01}});
  EXPECT_EQ(run.result.counters.lost, 1u);
  EXPECT_EQ(run.result.reason, StopReason::method);
  EXPECT_TRUE(run.warnings.empty());  // it did not fail
}

// One gradient hangs until the run is over: its round ends without it, and no other waits for its worker.
TEST(Threads, AWorkerThatHangsHoldsUpOneRound) {
  for (const char* name : {"minibatch-sgd", "fedavg"}) {
    for (const std::uint64_t hangs_at : {0u, 1u}) {
      std::atomic<int> hung{0};
      const Custom problem([&](const Order& order, const std::function<bool()>& cancelled) {
        if (order.worker != 2 || order.index != hangs_at) return;
        for (++hung; !cancelled();) std::this_thread::sleep_for(std::chrono::microseconds(100));
      });
      SettingValue::Table settings = {{"name", word(name)}, {"step_size", num(0.01)}, {"deadline", num(2)}};
      if (name == std::string("fedavg")) settings["local_step_size"] = num(0.5);
      const auto method = make(settings, 3);
      RunOptions end = stop_after_updates(300);
      end.stop.time = from_seconds(kHour);
      const ThreadRun run = run_threads(problem, *method, {.threads = {.workers = 3}, .run = end});
      EXPECT_EQ(run.result.reason, StopReason::updates);
      EXPECT_EQ(hung, 1);
      EXPECT_EQ(run.result.counters.cancelled, 0u);
      EXPECT_EQ(run.result.method.back().name, "deadlines_passed");
      EXPECT_GE(run.result.method.back().value, 1.0);
    }
  }
}

// --- The end.

TEST(Threads, AnInterruptEndsARunInWhichNothingHappens) {
  const Bowl bowl({});
  const FixedTimes hours({kHour, kHour});
  const auto method = make(vanilla(), 2);
  std::atomic<bool> interrupted{false};
  const std::jthread interrupter([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    interrupted = true;
  });
  const ThreadRun run = run_threads(bowl, *method,
                                    {.threads = {.workers = 2, .pace = &hours},
                                     .run = {.stop = {.time = from_seconds(2 * kHour)}},
                                     .interrupted = &interrupted});
  EXPECT_EQ(run.result.reason, StopReason::interrupted);
}

TEST(Threads, AnErrorOnTheServerEndsAllThreadsAndEvaluations) {
  std::atomic<bool> thrown{false};
  Custom problem([](const Order&, const std::function<bool()>&) {});
  problem.on_evaluation = [&] { wait_for(thrown); };
  const FixedTimes times({1e-3, kHour, kHour});
  Scripted method;
  method.arrived = [&](const Order&, Commands&) {
    thrown = true;
    throw std::runtime_error("the server's own");
  };
  EXPECT_THROW(run_threads(problem, method, {.threads = {.workers = 3, .pace = &times}}), std::runtime_error);
}

// The first evaluation is not over before fifty gradients have come: training does not wait for it.
TEST(Threads, EvaluationRunsBesideTraining) {
  std::atomic<bool> fifty{false};
  Custom problem([](const Order&, const std::function<bool()>&) {});
  problem.on_evaluation = [&] { wait_for(fifty); };
  Scripted method;
  method.arrived = [&](const Order& order, Commands& commands) {
    if (method.arrivals.size() == 50) fifty = true;
    commands.assign(order.worker);
  };
  RunOptions options = stop_after_updates(1'000'000);
  options.stop.at_target = true;
  options.target = Target{.metric = "loss", .threshold = 0.5, .direction = Target::Direction::at_most};
  options.evaluate_every.updates = 10;
  const ThreadRun run = run_threads(problem, method, {.threads = {.workers = 2}, .run = options});
  EXPECT_EQ(run.result.reason, StopReason::target);
  // 0.99^70 < 1/2: found at version 70 at the earliest, and recorded with the version that was measured.
  EXPECT_GE(run.result.updates_to_target, 69u);
  EXPECT_GE(run.result.counters.updates, *run.result.updates_to_target);
}

}  // namespace
}  // namespace tardigrad
