// SPDX-License-Identifier: Apache-2.0
// The contract of runtime.hpp, event by event, for every runtime of the catalogue that has a server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "contract/runtime_contract.hpp"
#include "core/state.hpp"

namespace tardigrad {
namespace {

using test::OneLeaves;
using test::World;
using testing::ElementsAre;
using testing::IsEmpty;

class RuntimeEvents : public test::RuntimeContract {};

TEST_P(RuntimeEvents, TheRowSaysWhatTheRuntimeCan) {
  World world(row());
  const Capabilities said = row().capabilities, has = world.runtime->capabilities();
  EXPECT_EQ(std::tie(said.cancel, said.queues, said.timers, said.local_steps, said.points),
            std::tie(has.cancel, has.queues, has.timers, has.local_steps, has.points));
  EXPECT_EQ(world.runtime->real_time(), row().clock == Clock::real_time);
}

TEST_P(RuntimeEvents, WorkersJoinFirstInTheOrderOfTheirNumbers) {
  World world(row(), {.workers = 5, .problem = {.examples = {1, 2, 3, 4, 5}}});
  for (WorkerId worker = 0; worker < 5; ++worker) {
    const std::optional<Event> event = world.next();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, Event::Kind::worker_joined);
    EXPECT_EQ(event->worker, worker);
    EXPECT_EQ(event->examples, worker + 1.0);
  }
}

TEST_P(RuntimeEvents, IsIdleWhenNothingWillHappen) {
  World world(row());
  EXPECT_FALSE(world.runtime->idle());  // they are still to join
  world.join_all(2);
  EXPECT_EQ(world.next(), std::nullopt);
  EXPECT_TRUE(world.runtime->idle());
  world.runtime->assign(0, world.x, {});
  EXPECT_FALSE(world.runtime->idle());
  EXPECT_EQ(world.runtime->in_flight(), 1u);
  ASSERT_TRUE(world.next());
  EXPECT_EQ(world.runtime->in_flight(), 0u);
  EXPECT_EQ(world.next(), std::nullopt);
}

// g = x: what arrives is of the version that the order was given at, whatever was made since.
TEST_P(RuntimeEvents, AnArrivalIsOfItsOrder) {
  World world(row());
  world.join_all(2);
  const Snapshot older = world.snapshot(3, 2.0f), newer = world.snapshot(7, 0.5f);
  const OrderId first = world.runtime->assign(1, older, {}), second = world.runtime->assign(0, newer, {});
  EXPECT_LT(first, second);
  std::map<OrderId, std::pair<Version, float>> expected = {{first, {3, 2.0f}}, {second, {7, 0.5f}}};
  for (int i = 0; i < 2; ++i) {
    const std::optional<Event> event = world.next();
    ASSERT_TRUE(event && event->kind == Event::Kind::gradient_arrived);
    const auto [version, value] = expected.at(event->order.id);
    EXPECT_EQ(event->order.version, version);
    EXPECT_EQ(event->order.index, 0u);
    EXPECT_EQ(event->worker, event->order.worker);
    EXPECT_GT(event->order.compute_time, Time{0});
    EXPECT_THAT(event->gradient->values(), ElementsAre(value, value));
    EXPECT_DOUBLE_EQ(event->gradient->norm(), std::sqrt(2.0) * static_cast<double>(value));
    if (row().capabilities.points) {
      EXPECT_THAT(event->gradient->point(), ElementsAre(value, value));
    }
    expected.erase(event->order.id);
  }
}

TEST_P(RuntimeEvents, AWorkerWorksOffItsQueueInOrder) {
  if (!row().capabilities.queues) GTEST_SKIP() << "has no queues";
  World world(row(), {.workers = 1});
  world.join_all(1);
  std::vector<OrderId> given, arrived;
  for (int i = 0; i < 4; ++i) given.push_back(world.runtime->assign(0, world.x, {}));
  EXPECT_EQ(world.runtime->in_flight(), 4u);
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::optional<Event> event = world.next();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->order.index, i);
    arrived.push_back(event->order.id);
  }
  EXPECT_EQ(arrived, given);
}

TEST_P(RuntimeEvents, TimeNeverGoesBackNorBeyondTheLimit) {
  World world(row(), {.workers = 3, .seconds = {1.0, 2.5, 4.0}});
  world.join_all(3);
  for (WorkerId worker = 0; worker < 3; ++worker) world.runtime->assign(worker, world.x, {});
  Time last{};
  for (double limit = 0.5; limit < 40.0; limit += 0.5) {
    const Time until = from_seconds(limit);
    while (const std::optional<Event> event = world.next(until)) {
      EXPECT_GE(event->time, last);
      EXPECT_EQ(event->time, world.runtime->now());
      if (row().clock == Clock::virtual_time) {
        EXPECT_LE(event->time, until);
      }
      last = event->time;
      world.runtime->assign(event->worker, world.x, {});
    }
    EXPECT_GE(world.runtime->now(), until);
    if (row().clock == Clock::virtual_time) {
      EXPECT_EQ(world.runtime->now(), until);
    }
  }
}

TEST_P(RuntimeEvents, WhatIsCancelledIsGivenBackAndNeverArrives) {
  if (!row().capabilities.cancel) GTEST_SKIP() << "cannot cancel";
  World world(row());
  world.join_all(2);
  std::set<OrderId> withdrawn;
  for (int i = 0; i < (row().capabilities.queues ? 3 : 1); ++i) withdrawn.insert(world.runtime->assign(0, world.x, {}));
  const OrderId kept = world.runtime->assign(1, world.x, {});
  std::vector<Order> cancelled;
  world.runtime->cancel(0, cancelled);
  std::set<OrderId> given_back;
  for (const Order& order : cancelled) given_back.insert(order.id);
  EXPECT_EQ(given_back, withdrawn);
  EXPECT_EQ(world.runtime->in_flight(), 1u);
  const OrderId again = world.runtime->assign(0, world.x, {});
  std::set<OrderId> arrived;
  while (const std::optional<Event> event = world.next()) arrived.insert(event->order.id);
  EXPECT_EQ(arrived, (std::set<OrderId>{kept, again}));
  cancelled.clear();
  world.runtime->cancel(1, cancelled);  // it has nothing
  EXPECT_THAT(cancelled, IsEmpty());
}

TEST_P(RuntimeEvents, TimersFireInTheirOrder) {
  if (!row().capabilities.timers) GTEST_SKIP() << "has no timers";
  World world(row());
  world.join_all(2);
  world.runtime->set_timer(TimerId{7}, from_seconds(20.0));
  world.runtime->set_timer(TimerId{8}, from_seconds(5.0));
  world.runtime->set_timer(TimerId{9}, from_seconds(12.0));
  const Time begin = world.runtime->now();
  for (const auto& [timer, after] :
       std::vector<std::pair<TimerId, double>>{{TimerId{8}, 5.0}, {TimerId{9}, 12.0}, {TimerId{7}, 20.0}}) {
    const std::optional<Event> event = world.next();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, Event::Kind::timer_fired);
    EXPECT_EQ(event->timer, timer);
    EXPECT_GE(event->time, begin + from_seconds(after));
  }
}

TEST_P(RuntimeEvents, StepsOfLocalWorkComeAsOneArrival) {
  if (!row().capabilities.local_steps) GTEST_SKIP() << "makes no local steps";
  World world(row());
  world.join_all(2);
  // y <- y - 1/2 y, twice, from x = 1: x - y = 3/4.
  world.runtime->assign(0, world.x, {.steps = 2, .step_size = 0.5});
  const std::optional<Event> event = world.next();
  ASSERT_TRUE(event);
  EXPECT_THAT(event->gradient->values(), ElementsAre(0.75f, 0.75f));
}

TEST_P(RuntimeEvents, AWorkerThatVanishesTakesItsOrdersAlongAndReturns) {
  const OneLeaves availability(10.0);
  World world(row(), {.seconds = {1.0, 1e4}, .availability = &availability});
  world.join_all(2);
  const OrderId lost = world.runtime->assign(1, world.x, {});
  const std::optional<Event> leaves = world.next();
  ASSERT_TRUE(leaves);
  EXPECT_EQ(leaves->kind, Event::Kind::worker_lost);
  EXPECT_EQ(leaves->worker, 1u);
  EXPECT_FALSE(leaves->put_aside);
  ASSERT_EQ(leaves->lost.size(), 1u);
  EXPECT_EQ(leaves->lost.front().id, lost);
  EXPECT_EQ(world.runtime->in_flight(), 0u);
  const std::optional<Event> returns = world.next();
  ASSERT_TRUE(returns);
  EXPECT_EQ(returns->kind, Event::Kind::worker_joined);
  EXPECT_EQ(returns->worker, 1u);
}

TEST_P(RuntimeEvents, EvaluationsAreOfTheirSnapshotWhateverIsTrainedBeside) {
  World world(row(), {.problem = {.evaluation_parts = 3}});
  world.join_all(2);
  world.runtime->assign(0, world.x, {});
  Evaluator& evaluator = world.runtime->evaluator();
  const EvaluationId ones = evaluator.start(world.x), twos = evaluator.start(world.snapshot(1, 2.0f));
  ASSERT_TRUE(world.next());
  const std::vector<Metric> second = evaluator.take(twos), first = evaluator.take(ones);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].name, "loss");
  EXPECT_EQ(first[0].value, 1.0);  // 1/2 ||x||^2 in the plane, whose parts are alike
  EXPECT_EQ(second[0].value, 4.0);
}

TEST_P(RuntimeEvents, WhatIsSavedGoesOn) {
  World first(row(), {.seconds = {1.0, 50.0}});
  Saveable* const saveable = first.runtime->saveable();
  if (!saveable) GTEST_SKIP() << "cannot be saved";
  first.join_all(2);
  std::map<OrderId, Version> given;
  for (const auto& [worker, version] : std::vector<std::pair<WorkerId, Version>>{{0, 0}, {1, 2}, {0, 5}})
    given[first.runtime->assign(worker, first.snapshot(version, 1.0f), {})] = version;
  const std::optional<Event> arrived = first.next();
  ASSERT_TRUE(arrived);
  given.erase(arrived->order.id);
  const Time then = first.runtime->now();
  first.next(then);  // the arrival is over
  StateWriter writer;
  saveable->serialize(writer);
  const SavedState saved = writer.take();

  World second(row(), {.seconds = {1.0, 50.0}});
  StateReader reader(saved);
  second.runtime->saveable()->serialize(reader);
  reader.finish();
  EXPECT_GE(second.runtime->now(), then);
  EXPECT_EQ(second.runtime->in_flight(), given.size());
  std::map<OrderId, Version> came;
  while (const std::optional<Event> event = second.next()) {
    ASSERT_EQ(event->kind, Event::Kind::gradient_arrived);
    came[event->order.id] = event->order.version;
    EXPECT_THAT(event->gradient->values(), ElementsAre(1.0f, 1.0f));
  }
  EXPECT_EQ(came, given);
}

TEST_P(RuntimeEvents, ComesToRestWhenItIsWoundDown) {
  World world(row(), {.problem = {.cost = std::chrono::milliseconds(1)}});
  world.join_all(2);
  world.runtime->assign(0, world.x, {});
  world.runtime->evaluator().start(world.x);
  world.runtime->wind_down();
  EXPECT_TRUE(world.runtime->comes_to_rest(std::chrono::seconds(60)));
}

INSTANTIATE_TEST_SUITE_P(Rows, RuntimeEvents, testing::ValuesIn(test::rows_with_a_server()),
                         [](const auto& row) { return row.param->name; });

}  // namespace
}  // namespace tardigrad
