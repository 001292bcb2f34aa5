// SPDX-License-Identifier: Apache-2.0
// Every method of the catalogue, in every variant of tests/golden: a recorded run can be replayed to the same digest,
// with workers that vanish and return, and with noise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "experiment/recorded_timings.hpp"
#include "problems/catalogue.hpp"
#include "support/method_files.hpp"
#include "support/recorded.hpp"

namespace tardigrad {
namespace {

using record::RecordingReader;
using test::MethodFile;
using test::num;
using test::whole;

constexpr std::size_t kWorkers = 4;
constexpr double kSeconds = 150;

// Workers 1 and 3 come and go all the time, each at its own pace.
class InAndOut final : public Availability {
 public:
  Time first_join(WorkerId worker) const override { return worker == 3 ? from_seconds(0.5) : Time{0}; }
  Time uptime(WorkerId worker, std::uint64_t) const override {
    return worker % 2 == 0 ? Time::max() : from_seconds(2.3 + worker);
  }
  Time downtime(WorkerId worker, std::uint64_t) const override { return from_seconds(1.0 + 0.3 * worker); }
};

class Replayed : public testing::TestWithParam<MethodFile> {
 protected:
  Replayed() {
    problems::ProblemCatalogue catalogue;
    const SettingValue noise{SettingValue::Table{{"kind", test::word("gaussian")}, {"scale", num(0.1)}}};
    Settings settings({{"dimension", whole(5)}, {"mu", num(0.25)}, {"smoothness", num(1.0)}, {"noise", noise}},
                      "problem");
    problem_ = catalogue.row("quadratic").make(settings, {.workers = kWorkers, .seed = 1, .data_root = {}});
  }
  std::unique_ptr<Method> method() const { return test::make(GetParam().table, kWorkers); }
  test::RecordedRun record(const Availability* availability) const {
    const auto recorded = method();
    const RunOptions end = test::stop_after_time(kSeconds);
    return test::record_run(*problem_, test::RandomTimes(5), *recorded,
                            {.workers = kWorkers, .run = end, .availability = availability});
  }
  void expect_the_same(const test::RecordedRun& run) const {
    RecordingReader reader(run.bytes, "test");
    const auto fresh = method();
    const test::Outcomes again = test::replay_run(*problem_, *fresh, reader);
    EXPECT_EQ(reader.status(), RecordingReader::Status::ended) << reader.trouble();
    EXPECT_EQ(again.result.digest, run.outcomes.result.digest);
    EXPECT_EQ(again.x, run.outcomes.x);
    ASSERT_TRUE(reader.end());
    EXPECT_EQ(reader.end()->digest, run.outcomes.result.digest);
    const Counters &now = again.result.counters, &then = run.outcomes.result.counters;
    EXPECT_EQ(now.updates, then.updates);
    EXPECT_EQ(now.used_seconds, then.used_seconds);
    EXPECT_EQ(now.wasted_seconds, then.wasted_seconds);
    const Counters read = read_timings(RecordingReader(run.bytes, "test"), kWorkers).counters;
    EXPECT_EQ(read.used_seconds, then.used_seconds);
    EXPECT_EQ(read.wasted_seconds, then.wasted_seconds);
  }
  std::unique_ptr<Problem> problem_;
};

TEST_P(Replayed, MeetsEveryHashAndTheDigest) {
  const test::RecordedRun run = record(nullptr);
  EXPECT_GT(run.outcomes.arrivals.size(), 50u);
  expect_the_same(run);
}

TEST_P(Replayed, AlsoWhenAWorkerVanishesAndReturns) {
  const InAndOut away;
  const test::RecordedRun run = record(&away);
  EXPECT_GT(run.outcomes.result.counters.lost, 0u);
  expect_the_same(run);
}

// Recording changes no bit, and a recording that was cut off anywhere replays up to there.
TEST_P(Replayed, TornRecordingsGoUpToTheirEnd) {
  const InAndOut away;
  const test::RecordedRun run = record(&away);
  const auto plain = method();
  EXPECT_EQ(test::simulate(*problem_, test::RandomTimes(5), *plain,
                           {.workers = kWorkers, .run = test::stop_after_time(kSeconds), .availability = &away})
                .result.digest,
            run.outcomes.result.digest);
  std::size_t before = 0;
  for (std::size_t size = run.bytes.size() / 8; size < run.bytes.size(); size += run.bytes.size() / 8) {
    RecordingReader reader(run.bytes.substr(0, size), "test");
    const auto fresh = method();
    const test::Outcomes part = test::replay_run(*problem_, *fresh, reader);
    EXPECT_EQ(reader.status(), RecordingReader::Status::torn);
    EXPECT_GE(part.arrivals.size(), before);
    before = part.arrivals.size();
    for (std::size_t i = 0; i < part.arrivals.size(); ++i)
      ASSERT_EQ(part.arrivals[i].order.id, run.outcomes.arrivals[i].order.id);
  }
}

// What-if of the recorded method itself: the recorded times, joins and losses are enough to have the run again.
TEST_P(Replayed, RecordedTimingsAreEnoughToHaveTheRunAgain) {
  const InAndOut away;
  const test::RecordedRun run = record(&away);
  const RecordedTimings timings = read_timings(RecordingReader(run.bytes, "test"), kWorkers);
  EXPECT_TRUE(timings.ended);
  EXPECT_EQ(timings.counters.assigned, run.outcomes.result.counters.assigned);
  EXPECT_EQ(timings.counters.applied, run.outcomes.result.counters.applied);
  EXPECT_EQ(timings.counters.lost, run.outcomes.result.counters.lost);
  EXPECT_EQ(timings.counters.cancelled, run.outcomes.result.counters.cancelled);
  EXPECT_EQ(timings.counters.delay_sum, run.outcomes.result.counters.delay_sum);
  const auto again = method();
  const test::Outcomes simulated = test::simulate(
      *problem_, *timings.compute_time, *again,
      {.workers = kWorkers, .run = test::stop_after_time(kSeconds), .availability = timings.availability.get()});
  EXPECT_EQ(simulated.result.digest, run.outcomes.result.digest);
}

// What a method says of its decisions is what it did: a reason for every gradient that is discarded, and the factors
// of every coefficient.
class Questioned final : public Method {
 public:
  explicit Questioned(Method& method) : method_(method) {}
  Capabilities required_capabilities() const override { return method_.required_capabilities(); }
  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override {
    method_.on_worker_joined(worker, model, commands);
  }
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    const std::uint64_t delay = model.version() - order.version;
    const Decision decision = method_.on_gradient(order, gradient, model, commands);
    const Reason& reason = decision.reason;
    if (decision.outcome == Outcome::discarded) {
      EXPECT_STRNE(reason.rule, "");
      const std::string rule = reason.rule;
      EXPECT_TRUE(!rule.starts_with("its delay") || reason.value == static_cast<double>(delay));
      EXPECT_TRUE(rule != "its delay must be below" || reason.value >= reason.limit);
      EXPECT_TRUE(rule != "its delay must be" || reason.value != reason.limit);
    } else {
      EXPECT_STREQ(reason.rule, "");
    }
    if (decision.outcome == Outcome::applied) {
      EXPECT_TRUE(std::isfinite(decision.step));
      EXPECT_GT(decision.weight, 0.0);
      EXPECT_LE(decision.weight, 1.0);
    }
    return decision;
  }
  void on_worker_lost(WorkerId worker, std::size_t orders_lost, Model& model, Commands& commands) override {
    method_.on_worker_lost(worker, orders_lost, model, commands);
  }
  void on_timer(TimerId timer, Model& model, Commands& commands) override { method_.on_timer(timer, model, commands); }
  Version oldest_useful_version() const override { return method_.oldest_useful_version(); }
  void serialize(Archive& archive) override { method_.serialize(archive); }

 private:
  Method& method_;
};

TEST_P(Replayed, DecisionsHaveTheirReasons) {
  const InAndOut away;
  const auto plain = method();
  Questioned questioned(*plain);
  test::simulate(*problem_, test::RandomTimes(5), questioned,
                 {.workers = kWorkers, .run = test::stop_after_time(kSeconds), .availability = &away});
}

INSTANTIATE_TEST_SUITE_P(Methods, Replayed, testing::ValuesIn(test::method_files()), test::name_of_method_file);

}  // namespace
}  // namespace tardigrad
