// SPDX-License-Identifier: Apache-2.0
// Laws that hold at every event, whatever the timing: conservation of delays, throughput, delay bounds, equivalences.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "support/fake_world.hpp"

namespace tardigrad {
namespace {

using test::FixedTimes;
using test::make;
using test::num;
using test::Outcomes;
using test::simulate;
using test::stop_after_time;
using test::whole;
using test::word;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

SettingValue::Table vanilla(double step = 0.01) { return {{"name", word("vanilla-asgd")}, {"step_size", num(step)}}; }
SettingValue::Table ringmaster(std::int64_t limit, bool stop) {
  return {{"name", word("ringmaster-asgd")}, {"step_size", num(0.01)}, {"delay_limit", whole(limit)}, {"stop", {stop}}};
}

Outcomes run_paper_setup(SettingValue::Table method, double factor, double units, double noise = 0.1) {
  const test::Bowl bowl({.dimension = 3, .noise = noise});
  const FixedTimes times = FixedTimes::fast_and_slow(8, 8, factor);
  const auto made = make(std::move(method), 16);
  return simulate(bowl, times, *made, {.workers = 16, .run = stop_after_time(units)});
}

class PaperSetup : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(SlowFactor, PaperSetup, testing::Values(4, 8));

// sum of applied delays + sum of ages in flight = (C-1) * T after every update, exactly.
TEST_P(PaperSetup, DelaysAreConserved) {
  const auto run = run_paper_setup(vanilla(), GetParam(), 200);
  std::vector<std::uint64_t> version_of(16, 0);  // of each worker's order in flight
  std::uint64_t delays = 0, updates = 0;
  for (const ArrivalRecord& a : run.arrivals) {
    ASSERT_EQ(a.order.version, version_of[a.order.worker]);
    delays += a.delay;
    version_of[a.order.worker] = ++updates;
    std::uint64_t ages = 0;
    for (const std::uint64_t version : version_of) ages += updates - version;
    ASSERT_EQ(delays + ages, 15 * updates);
  }
}

TEST(UniformDispatch, DelaysAreConserved) {
  SettingValue::Table method = vanilla();
  method["dispatch"] = word("uniform");
  const auto run = run_paper_setup(method, 4, 300);
  std::uint64_t delays = 0, updates = 0, versions = 0;  // versions: sum over the orders in flight
  for (const ArrivalRecord& a : run.arrivals) {
    delays += a.delay;
    ++updates;
    versions += updates - a.order.version;  // that order went, one at the new version came
    ASSERT_EQ(delays + (16 * updates - versions), 15 * updates);
  }
}

// Ties in the order of assignment: fast workers have delay 7, or 15 in the tick of the slow group; slow ones 39 or 71.
TEST_P(PaperSetup, DelaysAreThoseOfTheLiterature) {
  const int factor = GetParam();
  const std::uint64_t slow_delay = factor == 4 ? 39 : 71;
  const auto run = run_paper_setup(vanilla(), factor, 400);
  std::map<std::uint64_t, std::uint64_t> fast, slow;
  double sum = 0.0;
  for (const ArrivalRecord& a : run.arrivals) {
    sum += static_cast<double>(a.delay);
    if (a.time <= from_seconds(2.0 * factor)) continue;  // the first wave starts at version 0
    ++(a.order.worker < 8 ? fast : slow)[a.delay];
  }
  EXPECT_EQ(fast.size(), 2u);
  EXPECT_GT(fast[7], 0u);
  EXPECT_GT(fast[15], 0u);
  EXPECT_EQ(slow.size(), 1u);
  EXPECT_GT(slow[slow_delay], 0u);
  // mean = (15 T - ages)/T; ages are at most 16 * slow_delay.
  const double updates = static_cast<double>(run.arrivals.size());
  EXPECT_NEAR(sum / updates, 15.0, 16.0 * static_cast<double>(slow_delay) / updates);
}

TEST_P(PaperSetup, ThroughputIsExact) {
  const int factor = GetParam();
  const auto asynchronous = run_paper_setup(vanilla(), factor, 400);
  EXPECT_EQ(asynchronous.result.counters.applied, 8u * 400 + 8u * (400 / factor));
  const auto synchronous = run_paper_setup({{"name", word("minibatch-sgd")}, {"step_size", num(0.1)}}, factor, 400);
  EXPECT_EQ(synchronous.result.counters.updates, 400u / factor);
  EXPECT_EQ(synchronous.result.counters.applied, 16u * 400 / factor);  // D/16 time units a gradient
}

// 16 orders circulate among 16 queues. One run of 40,000 units spreads by 0.0011 (D = 4) and 0.0033 (D = 8), so that
// the mean of 20 seeds is known to 0.0003 and 0.0008.
TEST_P(PaperSetup, UniformDispatchThroughput) {
  const test::Bowl bowl({.dimension = 1});
  const FixedTimes times = FixedTimes::fast_and_slow(8, 8, GetParam());
  SettingValue::Table settings = vanilla();
  settings["dispatch"] = word("uniform");
  double time_per_call = 0.0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto method = make(settings, 16, seed);
    const auto run = simulate(bowl, times, *method, {.workers = 16, .run = stop_after_time(40000)});
    time_per_call += 40000.0 / static_cast<double>(run.arrivals.size()) / 20;
  }
  EXPECT_GE(time_per_call, GetParam() == 4 ? 0.327 : 0.643);
  EXPECT_LE(time_per_call, GetParam() == 4 ? 0.329 : 0.646);
  EXPECT_GE(time_per_call, GetParam() / 16.0);  // the slow half works off half of the orders
}

TEST(Equivalence, InfiniteRadiusIsVanilla) {
  for (const char* dispatch : {"same", "uniform"}) {
    SettingValue::Table plain = vanilla(), clipped = vanilla();
    clipped["name"] = word("clipped-asgd");
    clipped["clip_radius"] = num(kInfinity);
    plain["dispatch"] = clipped["dispatch"] = word(dispatch);
    EXPECT_EQ(run_paper_setup(plain, 4, 100).result.digest, run_paper_setup(clipped, 4, 100).result.digest);
  }
}

TEST(Equivalence, RingmasterWithoutLimitIsVanilla) {
  const std::string digest = run_paper_setup(vanilla(), 4, 100).result.digest;
  EXPECT_EQ(run_paper_setup(ringmaster(1'000'000'000, false), 4, 100).result.digest, digest);
  EXPECT_EQ(run_paper_setup(ringmaster(1'000'000'000, true), 4, 100).result.digest, digest);
  EXPECT_EQ(run_paper_setup(ringmaster(40, false), 4, 100).result.digest, digest);  // the largest delay is 39
  EXPECT_NE(run_paper_setup(ringmaster(39, false), 4, 100).result.digest, digest);
}

TEST(Equivalence, DelayAdaptiveWithinTheThresholdIsVanilla) {
  const std::string digest = run_paper_setup(vanilla(), 1, 100).result.digest;  // equal workers: delays <= 15
  EXPECT_EQ(run_paper_setup({{"name", word("delay-adaptive-asgd")}, {"step_size", num(0.01)}}, 1, 100).result.digest,
            digest);
}

TEST(Equivalence, MSyncWithAllIsMinibatch) {
  const SettingValue::Table minibatch = {{"name", word("minibatch-sgd")}, {"step_size", num(0.1)}};
  const std::string digest = run_paper_setup(minibatch, 4, 100).result.digest;
  for (const char* late : {"stop", "ignore"})
    EXPECT_EQ(
        run_paper_setup({{"name", word("m-sync-sgd")}, {"step_size", num(0.1)}, {"m", whole(16)}, {"late", word(late)}},
                        4, 100)
            .result.digest,
        digest);
}

TEST(Equivalence, RingmasterOfOneIsSerialSgdOfTheFastest) {
  const test::Bowl bowl({.noise = 0.1});
  const FixedTimes two({1.0, 1.5}), alone({1.0});
  const auto limited = make(ringmaster(1, true), 2);
  const auto serial = make(vanilla(), 1);
  const auto a = simulate(bowl, two, *limited, {.workers = 2, .run = stop_after_time(50)});
  const auto b = simulate(bowl, alone, *serial, {.workers = 1, .run = stop_after_time(50)});
  EXPECT_EQ(a.x, b.x);
}

// The regimes of the delay limit at n = 16 (D = 4 and 8), from the literature's set-up simulated.
TEST(Ringmaster, RegimesOfTheLimit) {
  const auto rate = [](int factor, std::int64_t limit, bool stop) {
    const auto run = run_paper_setup(ringmaster(limit, stop), factor, 400);
    return static_cast<double>(run.result.counters.updates) / 400.0;
  };
  for (const std::int64_t limit : {1, 2, 4}) EXPECT_NEAR(rate(4, limit, false), static_cast<double>(limit), 0.02);
  for (const std::int64_t limit : {8, 16, 31}) EXPECT_NEAR(rate(4, limit, false), 8.0, 0.02);
  for (const std::int64_t limit : {8, 63}) EXPECT_NEAR(rate(8, limit, false), 8.0, 0.02);
  EXPECT_NEAR(rate(4, 40, false), 10.0, 0.04);
  EXPECT_NEAR(rate(8, 72, false), 9.0, 0.04);
  EXPECT_NEAR(rate(4, 32, true), 9.12, 0.05);
  EXPECT_NEAR(rate(8, 64, true), 8.52, 0.05);
}

// In the first wave the slow group lands at t = 4 before the fast workers' fourth gradients (its orders are older),
// with delays of 24 and more; later, as rejected gradients make no version, with 32.
TEST(Ringmaster, SlowGradientsAreRejectedBelowTheirDelay) {
  for (const std::int64_t limit : {24, 31}) {
    const auto run = run_paper_setup(ringmaster(limit, false), 4, 200);
    for (const ArrivalRecord& a : run.arrivals) {
      if (limit == 31 && a.time == from_seconds(4)) continue;
      ASSERT_EQ(a.outcome, a.order.worker < 8 ? Outcome::applied : Outcome::discarded) << to_seconds(a.time);
    }
  }
  EXPECT_GT(run_paper_setup(ringmaster(39, false), 4, 200).result.counters.discarded, 0u);
  EXPECT_EQ(run_paper_setup(ringmaster(40, false), 4, 200).result.counters.discarded, 0u);
}

// Random timing, many seeds: limits hold at every event, stopping never rejects, accounting is checked by the driver.
TEST(Ringmaster, DelaysStayBelowTheLimit) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const test::Bowl bowl({.noise = 0.1, .seed = seed});
    const test::RandomTimes times(seed);
    for (const std::int64_t limit : {1, 2, 5, 9}) {
      for (const bool stop : {false, true}) {
        const auto method = make(ringmaster(limit, stop), 7);
        const auto run = simulate(bowl, times, *method, {.workers = 7, .run = stop_after_time(60)});
        ASSERT_LT(run.result.counters.delay_max, static_cast<std::uint64_t>(limit));
        if (stop)
          ASSERT_EQ(run.result.counters.discarded, 0u);
        else
          ASSERT_EQ(run.result.counters.cancelled, 0u);
      }
    }
  }
}

// A method with an eye on every version: forwards to another, copies x before and after each event.
class Cancellable final : public Method {
 public:
  Cancellable(std::unique_ptr<Method> inner, std::function<std::vector<float>()> read)
      : inner_(std::move(inner)), read_(std::move(read)) {}
  Capabilities required_capabilities() const override { return inner_->required_capabilities(); }
  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override {
    inner_->on_worker_joined(worker, model, commands);
    if (versions.empty()) versions.push_back(read_());
    for (const Command& command : commands.list()) orders.push_back({command.worker, 0});
  }
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    const Decision decision = inner_->on_gradient(order, gradient, model, commands);
    if (model.version() == versions.size()) versions.push_back(read_());
    for (const Command& command : commands.list())
      if (command.kind == Command::Kind::assign) orders.push_back({command.worker, model.version()});
    return decision;
  }
  void on_worker_lost(WorkerId, std::size_t, Model&, Commands&) override {}
  void serialize(Archive& archive) override { inner_->serialize(archive); }

  std::vector<std::vector<float>> versions;          // x_0, x_1, ...
  std::vector<std::pair<WorkerId, Version>> orders;  // in the order of their assignment

 private:
  std::unique_ptr<Method> inner_;
  std::function<std::vector<float>()> read_;
};

double distance(const std::vector<float>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return std::sqrt(sum);
}

// ||x_{t+1} - x_t|| <= gamma c, and ||x_t - x~_t|| <= gamma c (C - 1) for the virtual sequence x~ that receives each
// clipped gradient when its order is given (Lemma 4.1; the order just given counts as received).
TEST(ClippedAsgd, DisplacementIsBounded) {
  constexpr double kStep = 0.25, kRadius = 0.5;
  for (const char* dispatch : {"same", "uniform"}) {
    const test::Bowl bowl({.dimension = 5, .noise = 3.0});
    const test::RandomTimes times(3);
    BufferPool buffers(5);
    {
      Buffer x0 = buffers.take();
      bowl.initial_point(x0.view());
      ServerModel model(buffers, bowl.layout(), std::move(x0));
      sim::Simulator simulator(bowl, times, buffers, {.workers = 6});
      Cancellable method(make({{"name", word("clipped-asgd")},
                               {"step_size", num(kStep)},
                               {"clip_radius", num(kRadius)},
                               {"dispatch", word(dispatch)}},
                              6),
                         [&] {
                           const auto x = model.snapshot().view();
                           return std::vector<float>(x.begin(), x.end());
                         });
      const RunOptions options = test::stop_after_updates(500);
      const RunResult result = drive(options, simulator, method, model);
      ASSERT_EQ(method.versions.size(), 501u);
      ASSERT_EQ(method.orders.size(), 506u);

      // The clipped gradient of every order, from its coordinates alone.
      const auto replica = bowl.make_replica();
      std::vector<std::uint64_t> given(6, 0);
      std::vector<double> virtual_x(method.versions[0].begin(), method.versions[0].end());
      std::size_t received = 0;
      // Float32 rounding of 500 updates of 5 coordinates below 4: half an ulp each.
      const double rounding = 500 * std::sqrt(5.0) * 0x1p-22;
      for (std::size_t t = 0; t < method.versions.size(); ++t) {
        for (; received < std::min<std::size_t>(6 + t, method.orders.size()); ++received) {
          const auto [worker, version] = method.orders[received];
          std::vector<float> g(5);
          replica->gradient({.worker = worker, .index = given[worker]++, .version = version}, method.versions[version],
                            g);
          double norm = 0.0;
          for (const float value : g) norm += static_cast<double>(value) * value;
          const double scale = kStep * std::min(1.0, kRadius / std::sqrt(norm));
          for (std::size_t j = 0; j < 5; ++j) virtual_x[j] -= scale * g[j];
        }
        // With the order just given counted, C orders are in flight.
        ASSERT_LE(distance(method.versions[t], virtual_x), kStep * kRadius * 6 + rounding) << t;
        if (t > 0) {
          const std::vector<double> last(method.versions[t - 1].begin(), method.versions[t - 1].end());
          ASSERT_LE(distance(method.versions[t], last), kStep * kRadius + rounding) << t;
        }
      }
      EXPECT_GT(result.counters.clipped, 400u);
    }
  }
}

}  // namespace
}  // namespace tardigrad
