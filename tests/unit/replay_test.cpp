// SPDX-License-Identifier: Apache-2.0
// What a replay notices, and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/bowl_world.hpp"
#include "support/recorded.hpp"

namespace tardigrad {
namespace {

using record::RecordingReader;
using test::num;
using test::word;
using testing::HasSubstr;

SettingValue::Table clipped(double step_size) {
  return {{"name", word("clipped-asgd")}, {"step_size", num(step_size)}, {"clip_radius", num(1.0)}};
}
SettingValue::Table ringmaster(std::int64_t limit) {
  return {{"name", word("ringmaster-asgd")}, {"step_size", num(0.1)}, {"delay_limit", test::whole(limit)}};
}

// Two workers of 1 s and 2 s on f = ||x||^2/2 in R^2 from (1, 1).
test::RecordedRun record(SettingValue::Table settings, test::Bowl::Options bowl = {}, std::uint64_t updates = 6) {
  const auto method = test::make(std::move(settings), 2);
  return test::record_run(test::Bowl(std::move(bowl)), test::FixedTimes({1.0, 2.0}), *method,
                          {.workers = 2, .run = test::stop_after_updates(updates)});
}

// The message of the first difference; "" when there is none.
std::string difference(const std::string& bytes, SettingValue::Table settings, test::Bowl::Options bowl = {}) {
  RecordingReader reader(bytes, "FILE");
  const auto method = test::make(std::move(settings), 2);
  try {
    test::replay_run(test::Bowl(std::move(bowl)), *method, reader);
  } catch (const replay::Difference& found) {
    return found.what();
  }
  return "";
}

TEST(Replay, GoesThroughTheSameRun) {
  const test::RecordedRun run = record(clipped(0.1));
  EXPECT_EQ(difference(run.bytes, clipped(0.1)), "");
}

// Events: 1, 2 joins; 3 worker 0 at 1 s. ||g|| = ||x|| = sqrt(2) is clipped to 1: the coefficient is 0.1/sqrt(2).
TEST(Replay, NamesADecisionThatDiffers) {
  const test::RecordedRun run = record(clipped(0.1));
  EXPECT_EQ(difference(run.bytes, clipped(0.2)),
            "FILE: event 3 (worker 0 brings order 0, at 1 s) differs: the coefficient is 0.1414213562373095, recorded "
            "0.070710678118654752");
}

// The third gradient of worker 0 is another one.
TEST(Replay, NamesAGradientThatDiffers) {
  const test::RecordedRun run = record(clipped(0.1), {.noise = 0.5, .seed = 3});
  EXPECT_EQ(difference(run.bytes, clipped(0.1), {.noise = 0.5, .seed = 3}), "");
  EXPECT_THAT(difference(run.bytes, clipped(0.1), {.noise = 0.5, .seed = 4}),
              HasSubstr("FILE: event 3 (worker 0 brings order 0, at 1 s) differs: the gradient has the norm "));
  EXPECT_THAT(difference(run.bytes, clipped(0.1), {.noise = 0.5, .seed = 3, .explode_below_index = 1}),
              HasSubstr("differs: the gradient has the norm inf, recorded "));
}

// The same length, other bits: only the hash tells.
TEST(Replay, NamesBitsThatDifferAtTheSameNorm) {
  class Mirrored final : public Problem {
   public:
    explicit Mirrored(bool mirrored) : mirrored_(mirrored), layout_("x", 2) {}
    const Layout& layout() const override { return layout_; }
    void initial_point(std::span<float> x) const override { x[0] = 1.0f, x[1] = 2.0f; }
    std::vector<std::string> metric_names() const override { return {"loss"}; }
    std::vector<Metric> metrics(std::span<const double> sums) const override { return {{"loss", sums[0]}}; }
    std::unique_ptr<Replica> make_replica() const override { return std::make_unique<Worker>(*this); }

   private:
    class Worker final : public Replica {
     public:
      explicit Worker(const Mirrored& problem) : problem_(problem) {}
      double gradient(const Order&, std::span<const float> x, std::span<float> g) override {
        g[0] = x[problem_.mirrored_], g[1] = x[!problem_.mirrored_];
        return 0.0;
      }
      std::vector<double> evaluate(std::span<const float> x, std::size_t, const void*) override { return {x[0]}; }

     private:
      const Mirrored& problem_;
    };
    bool mirrored_;
    Layout layout_;
  };
  const auto method = test::make(clipped(0.1), 2), again = test::make(clipped(0.1), 2);
  const test::RecordedRun run = test::record_run(Mirrored(false), test::FixedTimes({1.0, 2.0}), *method,
                                                 {.workers = 2, .run = test::stop_after_updates(3)});
  RecordingReader reader(run.bytes, "FILE");
  try {
    test::replay_run(Mirrored(true), *again, reader);
    FAIL() << "other bits were not noticed";
  } catch (const replay::Difference& found) {
    EXPECT_EQ(found.event(), 3u);
    EXPECT_THAT(found.what(), HasSubstr("differs: the gradient's bits have the hash "));
  }
}

// Delays of worker 1: it starts at version 0 and arrives at 2 s, after two of worker 0.
TEST(Replay, NamesAnOutcomeThatDiffers) {
  const test::RecordedRun run = record(ringmaster(5));
  EXPECT_THAT(difference(run.bytes, ringmaster(1)), HasSubstr("differs: the gradient is discarded, recorded applied"));
  const test::RecordedRun strict = record(ringmaster(1));
  EXPECT_THAT(difference(strict.bytes, ringmaster(5)),
              HasSubstr("differs: the method asks for the gradient's norm, which it then did not"));
}

TEST(Replay, NamesCommandsThatDiffer) {
  const SettingValue::Table uniform = {{"name", word("vanilla-asgd")},
                                       {"step_size", num(0.1)},
                                       {"dispatch", word("uniform")},
                                       {"concurrency", test::whole(2)}};
  const SettingValue::Table same = {{"name", word("vanilla-asgd")}, {"step_size", num(0.1)}};
  EXPECT_THAT(difference(record(uniform).bytes, same), HasSubstr(" differs: "));
  const SettingValue::Table minibatch = {{"name", word("minibatch-sgd")}, {"step_size", num(0.1)}};
  const std::string found = difference(record(same).bytes, minibatch);
  EXPECT_THAT(found, HasSubstr("FILE: event 3 (worker 0 brings order 0, at 1 s) differs: the coefficient is 0.05"));
}

TEST(Replay, StopsWhereItIsTold) {
  const test::RecordedRun run = record(clipped(0.1));
  for (std::uint64_t until = 0; until <= 8; ++until) {
    RecordingReader reader(run.bytes, "FILE");
    const auto method = test::make(clipped(0.1), 2);
    const test::Outcomes part = test::replay_run(test::Bowl({}), *method, reader, until);
    EXPECT_EQ(part.arrivals.size(), until < 2 ? 0 : until - 2);
  }
}

// A gradient that nobody looked at is not computed in a replay either.
TEST(Replay, ComputesNoMoreThanWasUsed) {
  const test::RecordedRun run = record(ringmaster(1), {}, 20);
  ASSERT_GT(run.outcomes.result.counters.discarded, 0u);
  RecordingReader reader(run.bytes, "FILE");
  const auto method = test::make(ringmaster(1), 2);
  const test::Outcomes again = test::replay_run(test::Bowl({}), *method, reader);
  EXPECT_EQ(again.result.runtime.gradients_computed, run.outcomes.result.counters.applied);
  EXPECT_EQ(again.result.digest, run.outcomes.result.digest);
}

TEST(Replay, GoesOnToAGradientThatIsNotFinite) {
  const test::RecordedRun run = record(clipped(0.1), {.explode_below_index = 1});
  EXPECT_EQ(run.outcomes.result.reason, StopReason::diverged);
  EXPECT_EQ(difference(run.bytes, clipped(0.1), {.explode_below_index = 1}), "");
}

// Random compute times, threads that compute ahead: the recording is the same to the byte.
TEST(Recording, DoesNotDependOnThreads) {
  std::string first;
  for (const unsigned threads : {1u, 3u}) {
    const auto method = test::make(clipped(0.05), 4);
    const test::RecordedRun run =
        test::record_run(test::Bowl({.noise = 0.3, .cost = std::chrono::microseconds(60)}), test::RandomTimes(2),
                         *method, {.workers = 4, .threads = threads, .run = test::stop_after_updates(200)});
    if (first.empty()) first = run.bytes;
    EXPECT_EQ(run.bytes, first);
  }
}

}  // namespace
}  // namespace tardigrad
