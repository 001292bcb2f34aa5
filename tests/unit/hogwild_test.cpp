// SPDX-License-Identifier: Apache-2.0
#include "engines/hogwild/hogwild.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <stdexcept>

#include "engines/hogwild/update_allocator.hpp"
#include "problems/logistic.hpp"
#include "support/thread_world.hpp"

namespace tardigrad {
namespace {

using test::Bowl;
using test::Custom;
using test::stop_after_updates;

struct HogwildRun {
  RunResult result;
  std::vector<float> x;
  std::vector<std::string> warnings;
};

HogwildRun train(const Problem& problem, std::size_t workers, const std::function<double(Version)>& step,
                 const RunOptions& options, const std::atomic<bool>* interrupted = nullptr) {
  BufferPool buffers(problem.layout().dimension());
  HogwildRun run;
  run.x.resize(problem.layout().dimension());
  problem.initial_point(run.x);
  test::Listener listener;
  Observer* const observers[] = {&listener};
  run.result = hogwild::train(problem, buffers, run.x, {.workers = workers, .step = step, .run = options},
                              {.observers = observers, .interrupted = interrupted});
  run.warnings = std::move(listener.warnings);
  EXPECT_EQ(buffers.in_use(), 0u);
  const Counters& c = run.result.counters;
  EXPECT_EQ(c.assigned, c.applied + c.not_finite + c.lost + run.result.runtime.gradients_wasted);
  EXPECT_EQ(c.updates, c.applied);
  EXPECT_FALSE(run.result.evaluations.empty());
  return run;
}

double one(Version) { return 1.0; }

/// Every gradient is -1 on a few coordinates: with the step 1 x counts, and floats count exactly up to 2^24.
class Counting final : public Problem {
 public:
  static constexpr std::uint32_t kDimension = 5, kSupport = 3;
  const Layout& layout() const override { return layout_; }
  void initial_point(std::span<float> x) const override { std::ranges::fill(x, 0.0f); }
  std::vector<std::string> metric_names() const override { return {"sum"}; }
  std::vector<Metric> metrics(std::span<const double> sums) const override { return {{"sum", sums[0]}}; }
  std::unique_ptr<Replica> make_replica() const override { return std::make_unique<Evaluator>(); }
  std::unique_ptr<SparseReplica> make_sparse_replica() const override { return std::make_unique<Counter>(*this); }

  std::array<std::atomic<std::uint64_t>, kDimension> mutable drawn{};  // by coordinate

 private:
  class Evaluator final : public Replica {
   public:
    double gradient(const Order&, std::span<const float>, std::span<float>) override {
      throw std::logic_error("dense");
    }
    std::vector<double> evaluate(std::span<const float> x, std::size_t, const void*) override {
      return {std::accumulate(x.begin(), x.end(), 0.0)};
    }
  };
  class Counter final : public SparseReplica {
   public:
    explicit Counter(const Counting& problem) : problem_(problem) {}
    std::span<const std::uint32_t> draw(const Order& order) override {
      const auto first = static_cast<std::uint32_t>(Stream(1, Purpose::test, order.worker, order.index).below(5));
      for (std::uint32_t i = 0; i < kSupport; ++i) {
        support_[i] = (first + i) % kDimension;
        problem_.drawn[support_[i]].fetch_add(1, std::memory_order_relaxed);
      }
      return support_;
    }
    void gradient(std::span<const float> x, std::span<float> g) override {
      EXPECT_EQ(x.size(), kSupport);
      std::ranges::fill(g, -1.0f);
    }

   private:
    const Counting& problem_;
    std::array<std::uint32_t, kSupport> support_{};
  };
  Layout layout_{"x", kDimension};
};

#ifdef __SANITIZE_THREAD__
constexpr std::uint64_t kMany = 20'000;
#else
constexpr std::uint64_t kMany = 400'000;
#endif

TEST(Hogwild, NoAdditionIsLost) {
  const Counting problem;
  const HogwildRun run = train(problem, 8, one, stop_after_updates(kMany));
  EXPECT_EQ(run.result.counters.updates, kMany);
  for (std::size_t j = 0; j < Counting::kDimension; ++j) EXPECT_EQ(run.x[j], static_cast<float>(problem.drawn[j]));
  EXPECT_EQ(std::accumulate(run.x.begin(), run.x.end(), 0.0), static_cast<double>(Counting::kSupport * kMany));
  EXPECT_EQ(run.warnings, std::vector<std::string>{});
}

// A dense problem whose gradient is -1 everywhere.
TEST(Hogwild, NoAdditionIsLostWhereGradientsAreDense) {
  class Steps final : public Problem {
   public:
    const Layout& layout() const override { return layout_; }
    void initial_point(std::span<float> x) const override { std::ranges::fill(x, 0.0f); }
    std::vector<std::string> metric_names() const override { return {"sum"}; }
    std::vector<Metric> metrics(std::span<const double> sums) const override { return {{"sum", sums[0]}}; }
    std::unique_ptr<Replica> make_replica() const override { return std::make_unique<MinusOne>(); }

   private:
    class MinusOne final : public Replica {
      double gradient(const Order&, std::span<const float>, std::span<float> g) override {
        std::ranges::fill(g, -1.0f);
        return 0.0;
      }
      std::vector<double> evaluate(std::span<const float> x, std::size_t, const void*) override { return {x[0]}; }
    };
    Layout layout_{"x", 3};
  } steps;
  const HogwildRun run = train(steps, 4, one, stop_after_updates(kMany));
  EXPECT_EQ(run.x, std::vector<float>(3, static_cast<float>(kMany)));
}

// What is in a copy for sure: the updates that its record tells of.
TEST(Hogwild, AnEvaluationHoldsTheUpdatesOfItsRecord) {
  const Counting problem;
  RunOptions options = stop_after_updates(kMany);
  options.evaluate_every.updates = 1000;
  const HogwildRun run = train(problem, 4, one, options);
  Time last{};
  for (const EvaluationRecord& record : run.result.evaluations) {
    EXPECT_GE(record.metrics[0].value, static_cast<double>(Counting::kSupport * record.version));
    EXPECT_EQ(record.counters.updates, record.version);
    EXPECT_GE(record.time, last);
    last = record.time;
  }
  EXPECT_EQ(run.result.evaluations.front().version, 0u);
  EXPECT_EQ(run.result.evaluations.front().time, Time{0});
  EXPECT_EQ(run.result.evaluations.back().version, kMany);
  EXPECT_EQ(run.result.evaluations.back().metrics[0].value, static_cast<double>(Counting::kSupport * kMany));
}

class HogwildLogistic : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tardigrad-hogwild-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    file_ = std::filesystem::path(pattern) / "rows";
    std::ofstream out(file_);
    for (std::uint64_t row = 0; row < 200; ++row) {
      Stream stream(5, Purpose::test, 0, row);
      std::ostringstream features;
      double sum = 0.0;
      for (int feature = 1; feature <= 30; ++feature) {
        if (stream.uniform() > 0.15) continue;
        const double value = stream.normal();
        features << ' ' << feature << ':' << value;
        sum += feature % 2 == 0 ? value : -value;
      }
      out << (sum > 0 ? "+1" : "-1") << features.str() << '\n';
    }
  }
  void TearDown() override { std::filesystem::remove_all(file_.parent_path()); }
  std::unique_ptr<Problem> make(double l2, std::int64_t batch_size) const {
    Settings settings({{"data", {file_.string()}}, {"l2", {l2}}, {"batch_size", {batch_size}}}, "problem");
    return problems::make_logistic(settings, {.workers = 1, .seed = 7, .data_root = {}});
  }

 private:
  std::filesystem::path file_;
};

TEST_F(HogwildLogistic, OneWorkerIsAPlainLoop) {
  constexpr Version kUpdates = 2000;
  const auto step = [](Version t) { return 0.5 / std::sqrt(1.0 + static_cast<double>(t)); };
  const auto problem = make(1e-2, 3);
  std::vector<float> x(problem->layout().dimension(), 0.0f), at, g;
  const auto replica = problem->make_sparse_replica();
  for (Version t = 0; t < kUpdates; ++t) {
    const std::span<const std::uint32_t> support = replica->draw({.worker = 0, .index = t});
    at.assign(support.size(), 0.0f);
    g.assign(support.size(), 0.0f);
    for (std::size_t s = 0; s < support.size(); ++s) at[s] = x[support[s]];
    replica->gradient(at, g);
    for (std::size_t s = 0; s < support.size(); ++s) x[support[s]] -= static_cast<float>(step(t)) * g[s];
  }
  const HogwildRun first = train(*problem, 1, step, stop_after_updates(kUpdates));
  EXPECT_EQ(first.x, x);
  EXPECT_EQ(train(*problem, 1, step, stop_after_updates(kUpdates)).result.digest, first.result.digest);
}

// vanilla-asgd in the simulator, with one worker.
test::Outcomes simulate(const Problem& problem, const RunOptions& options) {
  const test::FixedTimes times({1.0});
  const auto method = test::make({{"name", {std::string("vanilla-asgd")}}, {"step_size", {0.3}}}, 1);
  return test::simulate(problem, times, *method, {.run = options});
}

TEST_F(HogwildLogistic, OneWorkerMakesTheUpdatesOfTheSimulator) {
  const auto problem = make(0.0, 3);
  const RunOptions options = stop_after_updates(2000);
  EXPECT_EQ(train(
                *problem, 1, [](Version) { return 0.3; }, options)
                .x,
            simulate(*problem, options).x);
}

TEST_F(HogwildLogistic, ManyWorkersLearnToo) {
  const auto problem = make(1e-3, 1);
  const HogwildRun run = train(
      *problem, 4, [](Version) { return 0.1; }, stop_after_updates(20'000));
  EXPECT_LT(run.result.evaluations.back().metrics[0].value, 0.3);  // it starts at log 2 = 0.69
}

TEST(Hogwild, OneWorkerMakesTheUpdatesAndEvaluationsOfTheSimulator) {
  const Bowl bowl({.dimension = 7, .noise = 0.5});
  RunOptions options = stop_after_updates(300);
  options.evaluate_every.updates = 150;
  const test::Outcomes simulated = simulate(bowl, options);
  const HogwildRun run = train(
      bowl, 1, [](Version) { return 0.3; }, options);
  EXPECT_EQ(run.x, simulated.x);
  ASSERT_EQ(run.result.evaluations.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(run.result.evaluations[i].version, simulated.evaluations[i].version);
    EXPECT_EQ(run.result.evaluations[i].metrics[0].value, simulated.evaluations[i].metrics[0].value);
  }
}

TEST(Hogwild, ABudgetIsMetExactly) {
  const Counting problem;
  RunOptions options;
  options.stop = {.updates = 2001, .gradients = 1001};
  const HogwildRun run = train(problem, 5, one, options);
  EXPECT_EQ(run.result.reason, StopReason::gradients);
  EXPECT_EQ(run.result.counters.updates, 1001u);
  options.stop = {.updates = 1001, .gradients = 1001};
  EXPECT_EQ(train(problem, 5, one, options).result.reason, StopReason::updates);
}

TEST(Hogwild, TimeEndsARun) {
  const Counting problem;
  RunOptions options;
  options.stop.time = from_seconds(0.05);
  options.evaluate_every.time = from_seconds(0.01);
  const HogwildRun run = train(
      problem, 2, [](Version) { return 0.0; }, options);
  EXPECT_EQ(run.result.reason, StopReason::time);
  EXPECT_GE(run.result.time, *options.stop.time);
  EXPECT_GE(run.result.evaluations.size(), 2u);
  EXPECT_GT(run.result.counters.updates, 0u);
  EXPECT_GT(run.result.runtime.utilisation, 0.0);
}

TEST(Hogwild, TheTargetEndsARun) {
  const Counting problem;
  RunOptions options;
  options.stop = {.time = from_seconds(300.0), .at_target = true};
  options.evaluate_every.time = from_seconds(0.002);
  options.target = {.metric = "sum", .threshold = 1000.0, .direction = Target::Direction::at_least};
  const HogwildRun run = train(problem, 2, one, options);
  EXPECT_EQ(run.result.reason, StopReason::target);
  ASSERT_TRUE(run.result.time_to_target);
  EXPECT_LE(*run.result.time_to_target, run.result.time);
  EXPECT_LE(*run.result.updates_to_target, run.result.counters.updates);
}

// Every gradient waits to be given up, and asks for the interruption that makes it so.
TEST(Hogwild, AnInterruptionEndsGradientsUnderWay) {
  std::atomic<bool> interrupted{false};
  const Custom problem([&](const Order&, const std::function<bool()>& cancelled) {
    interrupted = true;
    while (!cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  const HogwildRun run = train(problem, 3, one, {}, &interrupted);
  EXPECT_EQ(run.result.reason, StopReason::interrupted);
  EXPECT_EQ(run.result.counters.updates, 0u);
  EXPECT_EQ(run.x, (std::vector<float>{1.0f, 1.0f}));
}

TEST(Hogwild, InfinityIsNeverApplied) {
  const Bowl bowl({.explode_below_index = 20});
  const HogwildRun run = train(
      bowl, 3, [](Version) { return 0.01; }, stop_after_updates(100'000));
  EXPECT_EQ(run.result.reason, StopReason::diverged);
  EXPECT_GE(run.result.counters.not_finite, 6u);  // two of three workers were put aside
  EXPECT_LE(run.result.counters.not_finite, 9u);
  EXPECT_GE(run.result.put_aside, 2u);
  for (const float coordinate : run.x) EXPECT_TRUE(std::isfinite(coordinate));
}

TEST(Hogwild, OneWorkerThatBringsInfinityIsPutAside) {
  const Bowl bowl({.brings_nan = [](const Order& order) { return order.worker == 1 && order.index >= 5; }});
  const HogwildRun run = train(
      bowl, 3, [](Version) { return 0.01; }, stop_after_updates(2000));
  EXPECT_EQ(run.result.reason, StopReason::updates);
  EXPECT_EQ(run.result.counters.updates, 2000u);
  EXPECT_LE(run.result.counters.not_finite, 3u);
  EXPECT_LE(run.result.put_aside, 1u);  // the others may be done before it begins
  for (const float coordinate : run.x) EXPECT_TRUE(std::isfinite(coordinate));
}

TEST(Hogwild, AMetricThatIsNotFiniteMarksTheRun) {
  class NoNumber final : public Problem {
   public:
    const Layout& layout() const override { return bowl_.layout(); }
    void initial_point(std::span<float> x) const override { bowl_.initial_point(x); }
    std::vector<std::string> metric_names() const override { return {"loss"}; }
    std::vector<Metric> metrics(std::span<const double>) const override { return {{"loss", std::nan("")}}; }
    std::unique_ptr<Replica> make_replica() const override { return bowl_.make_replica(); }

   private:
    Bowl bowl_{{}};
  } problem;
  EXPECT_EQ(train(problem, 1, one, stop_after_updates(3)).result.reason, StopReason::diverged);
}

TEST(Hogwild, TheOthersMakeWhatAFailedWorkerDidNot) {
  std::atomic<bool> failed{false};
  const Custom problem([&](const Order& order, const std::function<bool()>&) {
    while (order.worker != 1 && !failed) std::this_thread::yield();
    if (order.worker != 1 || order.index < 3) return;
    failed = true;
    throw std::runtime_error("out of luck");
  });
  const HogwildRun run = train(
      problem, 3, [](Version) { return 1e-6; }, stop_after_updates(50'000));
  EXPECT_EQ(run.result.reason, StopReason::updates);
  EXPECT_EQ(run.result.counters.updates, 50'000u);
  EXPECT_EQ(run.result.counters.lost, 1u);
  ASSERT_EQ(run.warnings.size(), 2u);  // the first says that it is dense
  EXPECT_EQ(run.warnings[1], "worker 1 failed: out of luck");
}

// Worker 1 fails when worker 0 has made all that was left to it, and has probably ended.
TEST(Hogwild, TheOthersComeBackForWhatAFailedWorkerDidNot) {
  std::atomic<int> made{0};
  const Custom problem([&](const Order& order, const std::function<bool()>&) {
    if (order.worker == 0) {
      ++made;
      return;
    }
    while (made < 1000 - 7) std::this_thread::yield();  // 7 of the 1000 are a run: 1000 / (64 * 2)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    throw std::runtime_error("too late");
  });
  const HogwildRun run = train(
      problem, 2, [](Version) { return 1e-6; }, stop_after_updates(1000));
  EXPECT_EQ(run.result.reason, StopReason::updates);
  EXPECT_EQ(run.result.counters.updates, 1000u);
  EXPECT_EQ(made, 1000);
}

TEST(Hogwild, WithoutWorkersARunEnds) {
  Custom problem([](const Order&, const std::function<bool()>&) { throw std::runtime_error("no luck"); });
  const HogwildRun run = train(problem, 2, one, stop_after_updates(100));
  EXPECT_EQ(run.result.reason, StopReason::no_workers);
  EXPECT_EQ(run.result.counters.lost, 2u);
  EXPECT_EQ(run.warnings.back(), "no worker is left, and none will return");
}

TEST(Hogwild, AnEvaluationThatFailsEndsTheRunWithItsError) {
  Custom problem([](const Order&, const std::function<bool()>&) {});
  problem.on_evaluation = [] { throw std::runtime_error("cannot be evaluated"); };
  try {
    train(problem, 2, one, {});  // without an end of its own
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "cannot be evaluated");
  }
}

TEST(Hogwild, DenseGradientsAreWarnedOfOnce) {
  const Bowl bowl({.dimension = 7});
  EXPECT_EQ(train(bowl, 1, one, stop_after_updates(10)).warnings, std::vector<std::string>{});
  EXPECT_EQ(train(bowl, 2, one, stop_after_updates(1000)).warnings,
            std::vector<std::string>{
                "the gradients of this problem are dense: every update writes all 7 coordinates, so that the workers "
                "take each other's cache lines, and the theory of Hogwild! says nothing"});
}

TEST(HogwildClaims, EveryNumberIsDealtOnceUpToTheLimit) {
  hogwild::UpdateAllocator allocator(1000, 30, 2);
  Version next = 0;
  while (const auto range = allocator.next()) {
    EXPECT_EQ(range->begin, next);
    EXPECT_GT(range->end, range->begin);
    EXPECT_LE(range->end, (range->begin / 30 + 1) * 30);  // not beyond a multiple
    next = range->end;
  }
  EXPECT_EQ(next, 1000u);
  allocator.give_back(5);
  const auto more = allocator.next();
  ASSERT_TRUE(more);
  EXPECT_EQ(more->begin, 1000u);
  EXPECT_TRUE(allocator.is_multiple(30));
  EXPECT_FALSE(allocator.is_multiple(31));
}

TEST(HogwildClaims, WithoutLimitAndMultiplesRunsAreLong) {
  hogwild::UpdateAllocator allocator(std::nullopt, std::nullopt, 4);
  const auto range = allocator.next();
  ASSERT_TRUE(range);
  EXPECT_EQ(range->end, 64u);
  EXPECT_FALSE(allocator.is_multiple(64));
  allocator.give_back(3);  // there are always more
  EXPECT_EQ(allocator.next()->begin, 64u);
}

// Four workers share 1000 updates in at least 64 runs each, so that none waits long for the last.
TEST(HogwildClaims, RunsOfSmallBudgetsAreShort) {
  hogwild::UpdateAllocator allocator(1000, std::nullopt, 4);
  EXPECT_LE(allocator.next()->end, 1000u / 64 / 4);
}

}  // namespace
}  // namespace tardigrad
