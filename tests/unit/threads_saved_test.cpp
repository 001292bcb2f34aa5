// SPDX-License-Identifier: Apache-2.0
// What a runtime of threads knows again when it is made anew from a saved state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "core/state.hpp"
#include "support/thread_world.hpp"

namespace tardigrad {
namespace {

using test::Custom;
using testing::ElementsAre;
using testing::UnorderedElementsAre;
using threads::ThreadOptions;
using threads::ThreadRuntime;

constexpr Time kNever = Time::max();

// A runtime, the problem of which returns x, at once or only when it is given up.
struct World {
  explicit World(const ThreadOptions& options) : runtime(problem, buffers, options) {}

  Event next() {
    for (;;)
      if (const std::optional<Event> event = runtime.next(kNever)) return *event;
  }
  Snapshot snapshot(Version version) {
    Buffer x = buffers.take();
    std::ranges::fill(x.view(), static_cast<float>(version));
    return {version, std::make_shared<const Buffer>(std::move(x))};
  }
  SavedState save() {
    StateWriter writer;
    runtime.saveable()->serialize(writer);
    return writer.take();
  }
  void load(const SavedState& state) {
    StateReader reader(state);
    runtime.saveable()->serialize(reader);
    reader.finish();
  }

  std::atomic<bool> holds{false}, begun{false};
  const Custom problem{[this](const Order&, const std::function<bool()>& cancelled) {
    begun = true;
    while (holds && !cancelled()) std::this_thread::yield();
  }};
  BufferPool buffers{2};
  ThreadRuntime runtime;
};

TEST(SavedThreadRuntime, GivesOrdersInFlightAgain) {
  World first({.workers = 2}), second({.workers = 2});
  first.holds = true;
  first.next();
  first.next();
  {
    const Snapshot old = first.snapshot(3), young = first.snapshot(4);
    first.runtime.assign(0, old, {});
    first.runtime.assign(0, young, {.steps = 2, .step_size = 0.5});
    first.runtime.assign(1, young, {});
  }
  const SavedState state = first.save();
  EXPECT_EQ(state.vectors.size(), 2u);  // a version is saved once

  second.load(state);
  EXPECT_EQ(second.runtime.in_flight(), 3u);
  std::vector<std::vector<Order>> arrived(2);
  for (int i = 0; i < 3; ++i) {
    const Event event = second.next();
    ASSERT_EQ(event.kind, Event::Kind::gradient_arrived);
    arrived[event.worker].push_back(event.order);
    EXPECT_EQ(event.gradient->point()[1], static_cast<float>(event.order.version));
    if (event.order.work.steps == 0) {
      EXPECT_EQ(event.gradient->values()[1], static_cast<float>(event.order.version));
    }
  }
  ASSERT_EQ(arrived[0].size(), 2u);
  EXPECT_EQ(arrived[0][0].id, 0u);
  EXPECT_EQ(arrived[0][0].version, 3u);
  EXPECT_EQ(arrived[0][1].id, 1u);
  EXPECT_EQ(arrived[0][1].index, 1u);
  EXPECT_EQ(arrived[0][1].steps_done, 2u);
  EXPECT_EQ(arrived[1].at(0).id, 2u);
  EXPECT_TRUE(second.runtime.idle());
  EXPECT_EQ(second.runtime.assign(0, second.snapshot(5), {}), 3u);
  EXPECT_EQ(second.next().order.index, 3u);  // 1 + 2 local steps were asked for before
}

// What was computed and not taken is computed again: one gradient too many.
TEST(SavedThreadRuntime, RecomputesWhatHadNotArrived) {
  World first({.workers = 1}), second({.workers = 1});
  first.next();
  first.runtime.assign(0, first.snapshot(1), {});
  while (first.runtime.counters().gradients_computed == 0) std::this_thread::yield();
  const SavedState state = first.save();
  EXPECT_EQ(first.runtime.counters().gradients_wasted, 0u);
  second.load(state);
  EXPECT_EQ(second.next().gradient->norm(), std::sqrt(2.0));
  second.save();  // between two events: the arrival is over
  EXPECT_EQ(second.runtime.counters().gradients_computed, 2u);
  EXPECT_EQ(second.runtime.counters().gradients_wasted, 1u);
}

TEST(SavedThreadRuntime, ForgetsWhatWasWithdrawn) {
  World first({.workers = 1}), second({.workers = 1});
  first.holds = true;
  first.next();
  for (const Version version : {1, 2}) first.runtime.assign(0, first.snapshot(version), {});
  std::vector<Order> cancelled;
  first.runtime.cancel(0, cancelled);
  ASSERT_EQ(cancelled.size(), 2u);
  first.runtime.assign(0, first.snapshot(3), {});
  second.load(first.save());
  EXPECT_EQ(second.next().order.id, 2u);
  EXPECT_TRUE(second.runtime.idle());
  EXPECT_FALSE(second.runtime.next(kNever));
}

// The second clock stands nearly still: a second of it takes eleven days.
TEST(SavedThreadRuntime, LeavesOutTheTimeInWhichNobodyRanIt) {
  World first({.workers = 1, .time_scale = 1e-6}), second({.workers = 1, .time_scale = 1e6});
  first.next();
  first.runtime.assign(0, first.snapshot(1), {});
  const Time saved_at = first.next().time;
  EXPECT_GT(saved_at, Time{0});
  first.runtime.assign(0, first.snapshot(1), {});
  second.load(first.save());
  EXPECT_EQ(second.runtime.now(), saved_at);
  const Event event = second.next();
  EXPECT_GE(event.time, saved_at);
  EXPECT_LT(event.time - saved_at, from_seconds(1e-3));
}

// Worker 0 leaves once, after 1.5 seconds, and is away for two.
class OneStay final : public Availability {
 public:
  Time first_join(WorkerId worker) const override { return from_seconds(worker); }
  Time uptime(WorkerId worker, std::uint64_t episode) const override {
    return worker == 0 && episode == 0 ? from_seconds(1.5) : kNever;
  }
  Time downtime(WorkerId, std::uint64_t) const override { return from_seconds(2.0); }
};

TEST(SavedThreadRuntime, KeepsItsAppointments) {
  const OneStay availability;
  const ThreadOptions options{.workers = 2, .availability = &availability, .time_scale = 1e-3};
  ThreadOptions still = options;
  still.time_scale = 1e6;  // the clock stands nearly still, so the timers are due a second apart however slow we are
  World first(still), second(options), third(options);
  first.next();
  first.runtime.set_timer(TimerId{8}, from_seconds(5.0));
  first.runtime.set_timer(TimerId{9}, from_seconds(4.0));
  std::vector<std::string> seen;
  const auto watch = [&](World& world) {
    const Event event = world.next();
    const char* const kinds[] = {"join", "arrival", "loss", "timer"};
    seen.push_back(kinds[static_cast<int>(event.kind)] + std::to_string(event.worker) +
                   std::to_string(static_cast<int>(event.timer)));
  };
  second.load(first.save());  // before the second worker joins
  watch(second);
  watch(second);
  third.load(second.save());  // while the first is away
  EXPECT_FALSE(third.runtime.idle());
  EXPECT_THAT(seen, ElementsAre("join10", "loss00"));
  seen.clear();
  for (int i = 0; i < 3; ++i) watch(third);
  EXPECT_THAT(seen, UnorderedElementsAre("join00", "timer09", "timer08"));
  EXPECT_LT(std::ranges::find(seen, "timer09"), std::ranges::find(seen, "timer08"));
  EXPECT_TRUE(third.runtime.idle());
}

// Nobody has an order, but somebody is there to be given one when the timer fires.
TEST(SavedThreadRuntime, WaitsForATimerWhereSomebodyIs) {
  World first({.workers = 1}), second({.workers = 1});
  first.next();
  first.runtime.set_timer(TimerId{3}, Time{1});
  second.load(first.save());
  EXPECT_FALSE(second.runtime.idle());
  EXPECT_EQ(second.next().timer, TimerId{3});
}

// The stay that a worker is in is known by its number: the second of worker 0 has no end.
TEST(SavedThreadRuntime, KnowsHowOftenAWorkerHasLeft) {
  const OneStay availability;
  const ThreadOptions options{.workers = 1, .availability = &availability, .time_scale = 1e-3};
  World first(options), second(options);
  first.holds = true;
  first.next();
  first.runtime.assign(0, first.snapshot(1), {});
  while (!first.begun) std::this_thread::yield();
  ASSERT_EQ(first.next().kind, Event::Kind::worker_lost);
  while (first.runtime.counters().utilisation == 0.0) std::this_thread::yield();
  second.load(first.save());
  EXPECT_GT(second.runtime.counters().utilisation, 0.0);
  ASSERT_EQ(second.next().kind, Event::Kind::worker_joined);
  second.holds = true;
  second.runtime.assign(0, second.snapshot(1), {});
  const Time later = second.runtime.now() + from_seconds(100.0);
  do ASSERT_FALSE(second.runtime.next(later));
  while (second.runtime.now() < later);
}

TEST(SavedThreadRuntime, TakesNothingForAStateThatIsNone) {
  World first({.workers = 2});
  first.holds = true;
  first.next();
  first.runtime.assign(0, first.snapshot(1), {});
  first.runtime.set_timer(TimerId{1}, from_seconds(1.0));
  const SavedState state = first.save();
  EXPECT_THROW(World({.workers = 3}).load(state), Error);
  for (std::size_t length = 0; length < state.bytes.size(); ++length) {
    SavedState torn = state;
    torn.bytes.resize(length);
    EXPECT_THROW(World({.workers = 2}).load(torn), Error) << length;
  }
  // Any bit may have changed: an Error, or a state in which every number may be.
  for (std::size_t bit = 0; bit < 8 * state.bytes.size(); ++bit) {
    SavedState changed = state;
    changed.bytes[bit / 8] ^= std::byte{1} << bit % 8;
    try {
      World world({.workers = 2});
      world.load(changed);
      EXPECT_LE(world.runtime.in_flight(), 1u);
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace tardigrad
