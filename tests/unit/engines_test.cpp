// SPDX-License-Identifier: Apache-2.0
// The driver and the simulator: order of events, queues, cancellation, stopping, evaluation, memory, failure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/fake_world.hpp"
#include "support/no_evaluations.hpp"
#include "tardigrad/availability.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using test::Bowl;
using test::FixedTimes;
using test::make;
using test::num;
using test::simulate;
using test::stop_after_time;
using test::stop_after_updates;
using test::whole;
using test::word;
using testing::ElementsAre;
using testing::HasSubstr;

SettingValue::Table vanilla(double step = 0.01) { return {{"name", word("vanilla-asgd")}, {"step_size", num(step)}}; }

/// Does what it is told: for tests of the frame around methods.
class Scripted final : public Method {
 public:
  std::function<void(WorkerId, Commands&)> joined = [](WorkerId worker, Commands& c) { c.assign(worker); };
  std::function<Decision(const Order&, const Gradient&, Model&, Commands&)> arrived =
      [](const Order&, const Gradient&, Model&, Commands&) { return Decision{.outcome = Outcome::discarded}; };
  std::function<void(TimerId, Commands&)> timer = [](TimerId, Commands&) {};
  Capabilities wanted;
  Capabilities required_capabilities() const override { return wanted; }
  void on_worker_joined(const WorkerInfo& worker, Model&, Commands& commands) override { joined(worker.id, commands); }
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    return arrived(order, gradient, model, commands);
  }
  void on_worker_lost(WorkerId, std::size_t, Model&, Commands&) override {}
  void on_timer(TimerId id, Model&, Commands& commands) override { timer(id, commands); }
  void serialize(Archive&) override {}
};

TEST(Simulator, OneInstantIsHandledInTheOrderOfAssignment) {
  const Bowl bowl({});
  const FixedTimes times({2.0, 1.0, 1.0});
  const auto method = make(vanilla(), 3);
  const auto run = simulate(bowl, times, *method, {.workers = 3, .run = stop_after_time(2)});
  std::vector<std::pair<WorkerId, OrderId>> seen;
  for (const auto& a : run.arrivals) seen.emplace_back(a.order.worker, a.order.id);
  // t=1: orders 1, 2; t=2: order 0 of worker 0 was given first, then 3 and 4.
  EXPECT_THAT(seen, ElementsAre(std::pair{1u, 1ul}, std::pair{2u, 2ul}, std::pair{0u, 0ul}, std::pair{1u, 3ul},
                                std::pair{2u, 4ul}));
}

TEST(Simulator, AWorkerWorksOffItsQueueInOrder) {
  const Bowl bowl({});
  const FixedTimes times({1.0, 10.0});
  Scripted method;
  method.wanted.queues = true;
  method.joined = [](WorkerId worker, Commands& c) {
    if (worker == 0)
      for (int i = 0; i < 3; ++i) c.assign(0);
  };
  const auto run = simulate(bowl, times, method, {.workers = 2, .run = stop_after_time(100)});
  ASSERT_EQ(run.arrivals.size(), 3u);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(run.arrivals[i].time, from_seconds(static_cast<double>(i + 1)));
    EXPECT_EQ(run.arrivals[i].order.index, i);
    EXPECT_EQ(run.arrivals[i].order.compute_time, from_seconds(1.0)) << "waiting in the queue is no computing";
  }
  EXPECT_EQ(run.result.reason, StopReason::idle);
  EXPECT_EQ(run.result.time, from_seconds(3)) << "it ends when nothing happens any more, not at its limit";
}

TEST(Simulator, CancelDropsRunningAndQueuedOrders) {
  const Bowl bowl({});
  const FixedTimes times({1.0, 4.0});
  Scripted method;
  method.joined = [](WorkerId worker, Commands& c) {
    c.assign(worker);
    if (worker == 1) c.assign(worker);
  };
  int arrivals = 0;
  method.arrived = [&](const Order&, const Gradient&, Model&, Commands& c) {
    if (++arrivals == 1) {
      c.cancel(1);
      c.assign(1);  // starts afresh at t = 1
    }
    return Decision{.outcome = Outcome::discarded};
  };
  const auto run = simulate(bowl, times, method, {.workers = 2, .run = stop_after_time(100)});
  ASSERT_EQ(run.arrivals.size(), 4u);
  EXPECT_EQ(run.arrivals[1].outcome, Outcome::cancelled);
  EXPECT_EQ(run.arrivals[2].outcome, Outcome::cancelled);
  EXPECT_EQ(run.arrivals[3].time, from_seconds(5));
  EXPECT_EQ(run.result.counters.cancelled, 2u);
  // Busy: 1 s of worker 0; 1 s + 4 s of worker 1; it was idle after 5 s.
  EXPECT_EQ(run.result.reason, StopReason::idle);
}

TEST(Simulator, ManyCancellationsLeaveNoTrace) {
  const Bowl bowl({});
  std::vector<double> seconds(9, 1e6);
  seconds[0] = 1.0;
  const FixedTimes times(seconds);
  const auto method = make(
      {{"name", word("ringmaster-asgd")}, {"step_size", num(0.1)}, {"delay_limit", whole(1)}, {"stop", {true}}}, 9);
  const auto run = simulate(bowl, times, *method, {.workers = 9, .run = stop_after_updates(2000)});
  EXPECT_EQ(run.result.counters.cancelled, 8u * 2000);
  EXPECT_EQ(run.result.counters.applied, 2000u);
}

TEST(Simulator, TimersFireInTurn) {
  const Bowl bowl({});
  const FixedTimes times({3.0});
  Scripted method;
  method.wanted.timers = true;
  std::vector<std::string> seen;
  method.joined = [](WorkerId worker, Commands& c) {
    c.set_timer(TimerId{7}, from_seconds(2));
    c.set_timer(TimerId{8}, from_seconds(3));  // the same instant as the arrival, but set before it was assigned
    c.assign(worker);
  };
  method.arrived = [&](const Order&, const Gradient&, Model&, Commands&) {
    seen.push_back("arrival");
    return Decision{.outcome = Outcome::discarded};
  };
  method.timer = [&](TimerId id, Commands& c) {
    seen.push_back("timer " + std::to_string(static_cast<unsigned>(id)));
    if (id == TimerId{7}) c.set_timer(TimerId{9}, from_seconds(5));
    if (id == TimerId{9}) c.stop();
  };
  const auto run = simulate(bowl, times, method, {.workers = 1, .run = stop_after_time(100)});
  EXPECT_THAT(seen, ElementsAre("timer 7", "timer 8", "arrival", "timer 9"));
  EXPECT_EQ(run.result.reason, StopReason::method);
  EXPECT_EQ(run.result.time, from_seconds(7));
}

TEST(Simulator, UtilisationCountsBusyTime) {
  const Bowl bowl({});
  const FixedTimes times({1.0, 4.0});
  const auto synchronous = make({{"name", word("minibatch-sgd")}, {"step_size", num(0.1)}}, 2);
  EXPECT_DOUBLE_EQ(
      simulate(bowl, times, *synchronous, {.workers = 2, .run = stop_after_time(8)}).result.runtime.utilisation,
      (1.0 + 4.0) / 8.0);
  const auto asynchronous = make(vanilla(), 2);
  // In the middle of orders too.
  EXPECT_DOUBLE_EQ(
      simulate(bowl, times, *asynchronous, {.workers = 2, .run = stop_after_time(6.5)}).result.runtime.utilisation,
      1.0);
}

TEST(Simulator, OnlyVersionsInFlightAreAlive) {
  const Bowl bowl({.dimension = 4});
  const FixedTimes times = FixedTimes::fast_and_slow(8, 8, 4);
  BufferPool buffers(4);
  {
    Buffer x0 = buffers.take();
    bowl.initial_point(x0.view());
    ServerModel model(buffers, bowl.layout(), std::move(x0));
    sim::Simulator simulator(bowl, times, buffers, {.workers = 16});
    const auto method = make(vanilla(), 16);
    const RunOptions options = stop_after_updates(5000);
    drive(options, simulator, *method, model);
  }
  EXPECT_EQ(buffers.in_use(), 0u);
  // 16 versions in flight, the current one, the next one while it is written, one gradient.
  EXPECT_LE(buffers.allocated(), 19u);
}

TEST(Simulator, DiscardedGradientsAreNeverComputed) {
  const Bowl bowl({});
  const FixedTimes times = FixedTimes::fast_and_slow(8, 8, 4);
  const auto method =
      make({{"name", word("ringmaster-asgd")}, {"step_size", num(0.1)}, {"delay_limit", whole(16)}}, 16);
  const auto run = simulate(bowl, times, *method, {.workers = 16, .run = stop_after_time(100)});
  EXPECT_GT(run.result.counters.discarded, 100u);
  EXPECT_EQ(bowl.computed(), run.result.counters.applied);
  EXPECT_EQ(run.result.runtime.gradients_computed, bowl.computed());
  EXPECT_EQ(run.result.runtime.gradients_wasted, 0u);
}

// Every round lasts 2 s: the fast two bring two gradients each, and what the slow two have begun is withdrawn.
// The digest covers every arrival and the final parameters.
class ThreadCount : public testing::TestWithParam<SettingValue::Table> {};

TEST_P(ThreadCount, NeverChangesARun) {
  const auto digest_with = [&](unsigned threads, int cost_us) {
    const Bowl bowl({.dimension = 7, .noise = 0.3, .cost = std::chrono::microseconds(cost_us), .evaluation_parts = 3});
    const FixedTimes times = FixedTimes::fast_and_slow(4, 4, 3);
    const auto method = make(GetParam(), 8);
    RunOptions options = stop_after_time(30);
    options.evaluate_every.time = from_seconds(2);
    const auto run = simulate(bowl, times, *method, {.workers = 8, .threads = threads, .run = options});
    EXPECT_EQ(run.evaluations.size(), 16u);
    return run.result.digest;
  };
  const std::string digest = digest_with(1, 0);
  for (const unsigned threads : {1u, 2u, 4u}) {
    EXPECT_EQ(digest_with(threads, 0), digest) << threads;    // too cheap for the pool
    EXPECT_EQ(digest_with(threads, 200), digest) << threads;  // computed ahead by the pool
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods, ThreadCount,
    testing::Values(
        vanilla(),
        SettingValue::Table{{"name", word("clipped-asgd")}, {"step_size", num(0.1)}, {"clip_radius", num(0.5)}},
        SettingValue::Table{{"name", word("clipped-asgd")},
                            {"step_size", num(0.1)},
                            {"clip_radius", num(0.5)},
                            {"dispatch", word("uniform")}},
        SettingValue::Table{{"name", word("delay-adaptive-asgd")}, {"step_size", num(0.1)}},
        SettingValue::Table{{"name", word("ringmaster-asgd")}, {"step_size", num(0.1)}, {"delay_limit", whole(6)}},
        SettingValue::Table{
            {"name", word("ringmaster-asgd")}, {"step_size", num(0.1)}, {"delay_limit", whole(6)}, {"stop", {true}}},
        SettingValue::Table{{"name", word("minibatch-sgd")}, {"step_size", num(0.1)}},
        SettingValue::Table{{"name", word("m-sync-sgd")}, {"step_size", num(0.1)}, {"m", whole(5)}},
        SettingValue::Table{
            {"name", word("m-sync-sgd")}, {"step_size", num(0.1)}, {"m", whole(5)}, {"late", word("ignore")}}),
    [](const auto& each) { return "method" + std::to_string(each.index); });

TEST(Driver, RunsInOneProcessDoNotTouchEachOther) {
  const auto digest = [] {
    const Bowl bowl({.noise = 0.3, .cost = std::chrono::microseconds(100)});
    const FixedTimes times({1.0, 2.0});
    const auto method = make(vanilla(), 2);
    return simulate(bowl, times, *method, {.workers = 2, .threads = 2, .run = stop_after_updates(200)}).result.digest;
  };
  const std::string alone = digest();
  std::vector<std::string> side_by_side(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& slot : side_by_side) threads.emplace_back([&] { slot = digest(); });
  }
  for (const std::string& other : side_by_side) EXPECT_EQ(other, alone);
}

TEST(Driver, SharedPoolServesRunsSideBySide) {
  ComputePool pool(3);
  std::vector<std::string> digests(6);
  {
    std::vector<std::jthread> threads;
    for (std::string& slot : digests)
      threads.emplace_back([&] {
        const Bowl bowl({.noise = 0.3, .cost = std::chrono::microseconds(150)});
        const FixedTimes times({1.0, 2.0, 3.0});
        const auto method = make(vanilla(), 3);
        BufferPool buffers(2);
        Buffer x0 = buffers.take();
        bowl.initial_point(x0.view());
        ServerModel model(buffers, bowl.layout(), std::move(x0));
        sim::Simulator simulator(bowl, times, buffers, {.workers = 3, .pool = &pool});
        const RunOptions options = stop_after_updates(150);
        slot = drive(options, simulator, *method, model).digest;
      });
  }
  for (const std::string& digest : digests) EXPECT_EQ(digest, digests.front());
}

TEST(Driver, EvaluationNeverChangesTheTrajectory) {
  const Bowl bowl({.noise = 0.3});
  const FixedTimes times({1.0, 2.5});
  std::vector<std::string> digests;
  for (const double every : {0.5, 1.0, 7.0}) {
    RunOptions options = stop_after_time(50);
    options.evaluate_every.time = from_seconds(every);
    const auto method = make(vanilla(), 2);
    digests.push_back(simulate(bowl, times, *method, {.workers = 2, .run = options}).result.digest);
  }
  EXPECT_EQ(digests[0], digests[1]);
  EXPECT_EQ(digests[0], digests[2]);
}

// An evaluation at T sees all arrivals with time <= T; loss of (x, x) is x^2, x halves at t = 1, 2, ...
TEST(Driver, EvaluatesAtFixedTimes) {
  const Bowl bowl({});
  const FixedTimes times({1.0});
  const auto method = make(vanilla(0.5), 1);
  RunOptions options = stop_after_time(3);
  options.evaluate_every.time = from_seconds(1);
  const auto run = simulate(bowl, times, *method, {.workers = 1, .run = options});
  ASSERT_EQ(run.evaluations.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(run.evaluations[i].time, from_seconds(static_cast<double>(i)));
    EXPECT_EQ(run.evaluations[i].version, i);
    EXPECT_EQ(run.evaluations[i].metrics[0].value, std::pow(0.25, static_cast<double>(i)));
  }
}

TEST(Driver, EvaluatesEveryKUpdatesAndAtTheEnd) {
  const Bowl bowl({});
  const FixedTimes times({1.0});
  const auto method = make(vanilla(), 1);
  RunOptions options = stop_after_updates(7);
  options.evaluate_every.updates = 3;
  const auto run = simulate(bowl, times, *method, {.workers = 1, .run = options});
  std::vector<Version> versions;
  for (const auto& e : run.evaluations) versions.push_back(e.version);
  EXPECT_THAT(versions, ElementsAre(0, 3, 6, 7));
}

TEST(Driver, StopsAtTheTarget) {
  const Bowl bowl({});
  const FixedTimes times({1.0});
  for (const unsigned threads : {1u, 3u}) {
    const Bowl costly({.cost = std::chrono::microseconds(threads > 1 ? 300 : 0)});
    const auto method = make(vanilla(0.5), 1);
    RunOptions options = stop_after_time(100);
    options.stop.at_target = true;
    options.target = Target{.metric = "loss", .threshold = 0.01, .direction = Target::Direction::at_most};
    options.evaluate_every.time = from_seconds(2);
    const auto run = simulate(costly, times, *method, {.workers = 1, .threads = threads, .run = options});
    EXPECT_EQ(run.result.reason, StopReason::target);
    EXPECT_EQ(run.result.time_to_target, from_seconds(4));  // loss 1/256 at t = 4, 1/16 at t = 2
    EXPECT_EQ(run.result.time, from_seconds(4));
    EXPECT_EQ(run.result.updates_to_target, 4u);
  }
}

TEST(Driver, NotesTheTargetAndGoesOnUnlessToldToStop) {
  const Bowl bowl({});
  const FixedTimes times({1.0});
  const auto method = make(vanilla(0.5), 1);
  RunOptions options = stop_after_time(10);
  options.target = Target{.metric = "loss", .threshold = 0.01, .direction = Target::Direction::at_most};
  options.evaluate_every.time = from_seconds(2);
  const auto run = simulate(bowl, times, *method, {.workers = 1, .run = options});
  EXPECT_EQ(run.result.reason, StopReason::time);
  EXPECT_EQ(run.result.time_to_target, from_seconds(4));
}

TEST(Driver, TheFirstConditionThatIsMetEndsTheRun) {
  const Bowl bowl({});
  const FixedTimes times({1.0, 1.0});
  const auto run_with = [&](StopConditions stop) {
    const auto method = make({{"name", word("minibatch-sgd")}, {"step_size", num(0.1)}}, 2);
    RunOptions options;
    options.stop = stop;
    return simulate(bowl, times, *method, {.workers = 2, .run = options}).result;
  };
  EXPECT_EQ(run_with({.updates = 3, .gradients = 100, .time = from_seconds(50)}).reason, StopReason::updates);
  const RunResult by_gradients = run_with({.updates = 30, .gradients = 5, .time = from_seconds(50)});
  EXPECT_EQ(by_gradients.reason, StopReason::gradients);
  EXPECT_EQ(by_gradients.counters.arrived(), 5u);
  const RunResult by_time = run_with({.updates = 30, .gradients = 500, .time = from_seconds(4.5)});
  EXPECT_EQ(by_time.reason, StopReason::time);
  EXPECT_EQ(by_time.time, from_seconds(4.5));
  EXPECT_EQ(by_time.counters.updates, 4u);
}

TEST(Driver, InfinityInEveryGradientEndsTheRunAsDiverged) {
  const Bowl bowl({.explode_below_index = 3});
  const FixedTimes times({1.0});
  for (const char* name : {"vanilla-asgd", "minibatch-sgd", "delay-adaptive-asgd"}) {
    const auto method = make({{"name", word(name)}, {"step_size", num(0.1)}}, 1);
    const auto run = simulate(bowl, times, *method, {.workers = 1, .run = stop_after_time(50)});
    EXPECT_EQ(run.result.reason, StopReason::diverged);
    EXPECT_EQ(run.result.counters.not_finite, 3u);
    EXPECT_EQ(run.result.counters.applied, 4u);
    for (const float x : run.x) EXPECT_TRUE(std::isfinite(x));  // it was not applied
  }
}

// Worker 0 takes 1 s, worker 1 takes 2; worker 1 stays for 3 s, is away for 2.5, and so on. Its second order, given at
// 2, is lost at 3; back at 5.5 it delivers at 7.5; and the order that would arrive at 8.5 + ... is lost at 8.5.
TEST(Simulator, WorkersVanishAndReturn) {
  class Comings final : public Availability {
   public:
    Time first_join(WorkerId) const override { return Time{0}; }
    Time uptime(WorkerId worker, std::uint64_t) const override { return worker == 1 ? from_seconds(3.0) : Time::max(); }
    Time downtime(WorkerId, std::uint64_t) const override { return from_seconds(2.5); }
  } comings;
  const Bowl bowl({});
  const FixedTimes times({1.0, 2.0});
  BufferPool buffers(2);
  test::Recorder recorder;
  Buffer x0 = buffers.take();
  bowl.initial_point(x0.view());
  ServerModel model(buffers, bowl.layout(), std::move(x0));
  sim::Simulator simulator(bowl, times, buffers, {.workers = 2, .availability = &comings});
  const auto method = make(vanilla(), 2);
  Observer* const observers[] = {&recorder};
  const RunOptions options = test::stop_after_time(9);
  const RunResult result = drive(options, simulator, *method, model, {.observers = observers});
  std::vector<std::tuple<double, std::uint64_t, Outcome>> seen;  // of worker 1: time, index, outcome
  for (const ArrivalRecord& a : recorder.arrivals)
    if (a.order.worker == 1) seen.emplace_back(to_seconds(a.time), a.order.index, a.outcome);
  using T = std::tuple<double, std::uint64_t, Outcome>;
  EXPECT_THAT(seen, testing::ElementsAre(T{2, 0, Outcome::applied}, T{3, 1, Outcome::lost}, T{7.5, 2, Outcome::applied},
                                         T{8.5, 3, Outcome::lost}));
  EXPECT_EQ(result.counters.lost, 2u);
  // 9 s of worker 0, and 3 + 3 of worker 1, all of them busy.
  EXPECT_DOUBLE_EQ(result.runtime.utilisation, 1.0);
}

TEST(Driver, InterruptEndsCleanly) {
  const Bowl bowl({});
  const FixedTimes times({1.0});
  BufferPool buffers(2);
  Buffer x0 = buffers.take();
  bowl.initial_point(x0.view());
  ServerModel model(buffers, bowl.layout(), std::move(x0));
  sim::Simulator simulator(bowl, times, buffers, {.workers = 1});
  const auto method = make(vanilla(), 1);
  const RunOptions options = stop_after_updates(1'000'000'000);
  std::atomic<bool> interrupted{true};
  const RunResult result = drive(options, simulator, *method, model, {.observers = {}, .interrupted = &interrupted});
  EXPECT_EQ(result.reason, StopReason::interrupted);
  EXPECT_EQ(result.evaluations.size(), 1u);
}

TEST(Driver, RefusesAMethodThatNeedsMore) {
  class Poor final : public Runtime {
   public:
    Capabilities capabilities() const override { return {}; }
    Time now() const override { return {}; }
    std::optional<Event> next(Time) override { return std::nullopt; }
    bool idle() const override { return true; }
    OrderId assign(WorkerId, const Snapshot&, const LocalWork&) override { return 0; }
    void cancel(WorkerId, std::vector<Order>&) override {}
    void set_timer(TimerId, Time) override {}
    void set_oldest_useful_version(Version) override {}
    std::size_t in_flight() const override { return 0; }
    RuntimeCounters counters() const override { return {}; }
    Evaluator& evaluator() override { return none_; }

   private:
    test::NoEvaluations none_;
  } poor;
  BufferPool buffers(2);
  const Layout layout("x", 2);
  ServerModel model(buffers, layout, buffers.take());
  const RunOptions options;
  const auto complaint = [&](Capabilities capabilities) {
    Scripted method;
    method.wanted = capabilities;
    try {
      drive(options, poor, method, model);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(complaint({.cancel = true}), HasSubstr("needs to cancel orders"));
  EXPECT_THAT(complaint({.queues = true}), HasSubstr("needs queues on the workers"));
  EXPECT_THAT(complaint({.timers = true}), HasSubstr("needs timers"));
  EXPECT_EQ(complaint({}), "");
}

TEST(DriverDeathTest, AVersionFromTheFutureIsABug) {
  class Liar final : public Runtime {
   public:
    Capabilities capabilities() const override { return {}; }
    Time now() const override { return {}; }
    std::optional<Event> next(Time) override {
      return Event{.kind = Event::Kind::gradient_arrived, .order = {.id = 3, .worker = 1, .index = 0, .version = 9}};
    }
    bool idle() const override { return false; }
    OrderId assign(WorkerId, const Snapshot&, const LocalWork&) override { return 0; }
    void cancel(WorkerId, std::vector<Order>&) override {}
    void set_timer(TimerId, Time) override {}
    void set_oldest_useful_version(Version) override {}
    std::size_t in_flight() const override { return 0; }
    RuntimeCounters counters() const override { return {}; }
    Evaluator& evaluator() override { return none_; }

   private:
    test::NoEvaluations none_;
  };
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Liar liar;
        BufferPool buffers(2);
        const Layout layout("x", 2);
        ServerModel model(buffers, layout, buffers.take());
        Scripted method;
        RunOptions options;
        options.seed = 77;
        drive(options, liar, method, model);
      },
      "bug: .*version 9 from the future of 0\n.*seed 77");
}

}  // namespace
}  // namespace tardigrad
