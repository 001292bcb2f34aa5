// SPDX-License-Identifier: Apache-2.0
// The contract of runtime.hpp in whole runs through the driver, for every runtime of the catalogue that has a server;
// and what holds of every row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <set>
#include <stdexcept>

#include "contract/runtime_contract.hpp"
#include "support/settings.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using test::Bowl;
using test::FixedTimes;
using test::OneLeaves;
using test::settings_of;
using test::World;
using testing::HasSubstr;

/// Runs vanilla-asgd until `gradients` have arrived.
RunResult train(const RuntimeRow& row, World::Options options, std::uint64_t gradients, test::Recorder& seen,
                std::uint64_t put_aside_after = 3) {
  const Bowl problem(options.problem);
  const FixedTimes times(options.seconds.empty() ? std::vector<double>(options.workers, 1.0) : options.seconds);
  BufferPool buffers(problem.layout().dimension());
  const std::unique_ptr<Method> method =
      test::make({{"name", {"vanilla-asgd"}}, {"step_size", {0.01}}}, options.workers);
  Buffer x0 = buffers.take();
  problem.initial_point(x0.view());
  const std::unique_ptr<Executor> executor = make_executor(row, {.problem = problem,
                                                                 .buffers = buffers,
                                                                 .x0 = std::move(x0),
                                                                 .workers = options.workers,
                                                                 .compute_time = &times,
                                                                 .availability = options.availability,
                                                                 .settings = settings_of(row),
                                                                 .method = method.get()});
  Observer* const observers[] = {&seen};
  const RunResult result = executor->run(
      {.stop = {.gradients = gradients}, .evaluate_every = {.updates = 10}, .put_aside_after = put_aside_after},
      {.observers = observers});
  EXPECT_TRUE(executor->comes_to_rest(std::chrono::seconds(60)));
  return result;
}

void expect_whole_accounts(const Counters& c) {
  EXPECT_LE(c.applied + c.discarded + c.cancelled + c.lost + c.not_finite, c.assigned);
  EXPECT_EQ(c.updates, c.applied);  // of a method that steps with each
}

class RuntimeRuns : public test::RuntimeContract {};

TEST_P(RuntimeRuns, ARunAccountsForEveryOrderOnce) {
  const OneLeaves availability(7.0);
  test::Recorder seen;
  const RunResult result =
      train(row(), {.workers = 3, .seconds = {1.0, 2.0, 3.0}, .availability = &availability}, 60, seen);
  EXPECT_EQ(result.reason, StopReason::gradients);
  expect_whole_accounts(result.counters);
  std::set<OrderId> ids;
  std::uint64_t lost = 0;
  for (const ArrivalRecord& record : seen.arrivals) {
    EXPECT_TRUE(ids.insert(record.order.id).second) << "order " << record.order.id << " came to its end twice";
    lost += record.outcome == Outcome::lost;
  }
  EXPECT_EQ(lost, result.counters.lost);
  EXPECT_EQ(seen.arrivals.size(), result.counters.arrived() + result.counters.lost);
  EXPECT_FALSE(seen.evaluations.empty());
}

TEST_P(RuntimeRuns, AWorkerThatThrowsIsLostAndTheOthersGoOn) {
  test::Recorder seen;
  const RunResult result = train(row(),
                                 {.workers = 3,
                                  .problem = {.on_gradient =
                                                  [](const Order& order) {
                                                    if (order.worker == 1 && order.index == 2)
                                                      throw std::runtime_error("a broken fan");
                                                  }}},
                                 30, seen);
  EXPECT_EQ(result.reason, StopReason::gradients);
  expect_whole_accounts(result.counters);
  EXPECT_GE(result.counters.lost, 1u);  // and what it was given before that was known
  ASSERT_FALSE(seen.warnings.empty());
  EXPECT_THAT(seen.warnings.front(), HasSubstr("worker 1 failed at order "));
  EXPECT_THAT(seen.warnings.front(), HasSubstr("a broken fan"));
  for (const ArrivalRecord& record : seen.arrivals)
    EXPECT_TRUE(record.order.worker != 1 || record.order.index < 2 || record.outcome == Outcome::lost)
        << record.order.index;
}

TEST_P(RuntimeRuns, WhatIsNotFiniteIsNeverAppliedAndItsWorkerIsPutAside) {
  test::Recorder seen;
  const RunResult result = train(
      row(), {.workers = 3, .problem = {.brings_nan = [](const Order& order) { return order.worker == 2; }}}, 30, seen);
  EXPECT_EQ(result.reason, StopReason::gradients);
  expect_whole_accounts(result.counters);
  EXPECT_EQ(result.counters.not_finite, 3u);
  EXPECT_EQ(result.put_aside, 1u);
  for (const ArrivalRecord& record : seen.arrivals)
    if (record.order.worker == 2) {
      EXPECT_NE(record.outcome, Outcome::applied);
    }
}

TEST_P(RuntimeRuns, ARunThatHasLostAllWorkersIsUnfinished) {
  test::Recorder seen;
  const RunResult result = train(row(),
                                 {.problem = {.on_gradient =
                                                  [](const Order& order) {
                                                    if (order.index == 1) throw std::runtime_error("gone");
                                                  }}},
                                 1000, seen);
  EXPECT_EQ(result.reason, StopReason::no_workers);
  EXPECT_EQ(result.counters.applied, 2u);
  EXPECT_GE(result.counters.lost, 2u);
}

/// Asks for one capability, and does nothing.
class Wanting final : public Method {
 public:
  explicit Wanting(Capabilities wanted) : wanted_(wanted) {}
  Capabilities required_capabilities() const override { return wanted_; }
  void on_worker_joined(const WorkerInfo&, Model&, Commands&) override {}
  Decision on_gradient(const Order&, const Gradient&, Model&, Commands&) override { return {}; }
  void on_worker_lost(WorkerId, std::size_t, Model&, Commands&) override {}
  void serialize(Archive&) override {}

 private:
  Capabilities wanted_;
};

TEST_P(RuntimeRuns, WhatItCannotDoIsRefusedBeforeTheRun) {
  const Capabilities has = row().capabilities;
  const std::pair<Capabilities, bool> each[] = {{{.cancel = true}, has.cancel},
                                                {{.queues = true}, has.queues},
                                                {{.timers = true}, has.timers},
                                                {{.local_steps = true}, has.local_steps},
                                                {{.points = true}, has.points}};
  for (const auto& [wanted, offered] : each) {
    const Bowl problem({});
    const FixedTimes times({1.0});
    BufferPool buffers(2);
    Wanting method(wanted);
    const std::unique_ptr<Executor> executor = make_executor(row(), {.problem = problem,
                                                                     .buffers = buffers,
                                                                     .x0 = buffers.take(),
                                                                     .compute_time = &times,
                                                                     .settings = settings_of(row()),
                                                                     .method = &method});
    const auto run = [&] { return executor->run({.stop = {.time = from_seconds(1.0)}}, {}); };
    if (offered)
      EXPECT_EQ(run().reason, StopReason::idle);
    else
      EXPECT_THROW(run(), Error);
  }
}

TEST_P(RuntimeRuns, AnInterruptEndsTheRun) {
  const Bowl problem({});
  const FixedTimes times({1e4});
  BufferPool buffers(2);
  const std::unique_ptr<Method> method = test::make({{"name", {"vanilla-asgd"}}, {"step_size", {0.01}}}, 1);
  std::atomic<bool> interrupted{true};
  const std::unique_ptr<Executor> executor = make_executor(row(), {.problem = problem,
                                                                   .buffers = buffers,
                                                                   .x0 = buffers.take(),
                                                                   .compute_time = &times,
                                                                   .settings = settings_of(row()),
                                                                   .method = method.get()});
  const RunResult result =
      executor->run({.stop = {.gradients = 1000000}}, {.observers = {}, .interrupted = &interrupted});
  EXPECT_EQ(result.reason, StopReason::interrupted);
  EXPECT_TRUE(executor->comes_to_rest(std::chrono::seconds(60)));
}

INSTANTIATE_TEST_SUITE_P(Rows, RuntimeRuns, testing::ValuesIn(test::rows_with_a_server()),
                         [](const auto& row) { return row.param->name; });

// Of all rows, those without a server included.

TEST(RuntimeCatalogue, NamesAreUniqueAndEveryRowCanBeMade) {
  std::set<std::string> names;
  for (const RuntimeRow& row : runtimes()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.summary.empty());
    EXPECT_EQ(row.has_server, static_cast<bool>(row.make)) << row.name;
    EXPECT_TRUE(row.has_server || row.make_executor) << row.name;
    using Kind = SettingRow::Kind;
    for (const auto& list : {row.run_settings, row.workers_settings})
      for (const SettingRow& setting : list) {
        EXPECT_THAT(setting.kind, testing::AnyOf(Kind::number, Kind::integer, Kind::boolean)) << setting.key;
        EXPECT_STRNE(setting.meaning, "") << setting.key;
      }
  }
}

TEST(RuntimeCatalogue, TooManyWorkersAreRefused) {
  for (const RuntimeRow& row : runtimes()) {
    if (row.most_workers == std::numeric_limits<std::size_t>::max()) continue;
    EXPECT_NO_THROW(check_workers(row, row.most_workers));
    EXPECT_THROW(check_workers(row, row.most_workers + 1), Error) << row.name;
  }
}

}  // namespace
}  // namespace tardigrad
