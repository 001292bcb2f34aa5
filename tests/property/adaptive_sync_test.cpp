// SPDX-License-Identifier: Apache-2.0
// adaptive-sync: what it is equal to in each of its modes, and how far it is behind the better of both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "problems/catalogue.hpp"
#include "support/fake_world.hpp"

namespace tardigrad {
namespace {

using test::make;
using test::num;
using test::Outcomes;
using test::simulate;
using test::whole;
using test::word;

SettingValue::Table adaptive(double step_size, double noise_ratio) {
  return {{"name", word("adaptive-sync")}, {"step_size", num(step_size)}, {"noise_ratio", num(noise_ratio)}};
}

// A gain that nothing promises keeps it where it begins.
TEST(AdaptiveSync, EachArrivalIsVanilla) {
  for (const double radius : {0.5, std::numeric_limits<double>::infinity()}) {
    const test::Bowl bowl({.dimension = 3, .noise = 1.0});
    const test::RandomTimes times(5);
    SettingValue::Table stays = adaptive(0.5, 3.0);
    stays["gain"] = num(0.999);
    stays["clip_radius"] = num(radius);
    const auto method = make(stays, 7);
    const auto run = simulate(bowl, times, *method, {.workers = 7, .run = test::stop_after_updates(400)});
    // gamma (1 + S/n)/(1/sin(pi/(4n - 2)) + S)
    const double step = 0.5 * (1.0 + 3.0 / 7) / (1.0 / std::sin(std::numbers::pi / 26) + 3.0);
    const auto vanilla =
        make({{"name", word("clipped-asgd")}, {"step_size", num(step)}, {"clip_radius", num(radius)}}, 7);
    const auto plain = simulate(bowl, times, *vanilla, {.workers = 7, .run = test::stop_after_updates(400)});
    EXPECT_EQ(run.x, plain.x);
    EXPECT_EQ(test::delays(run), test::delays(plain));
  }
}

// Equal workers: 4 (1 + S/4) = 8 for rounds of all against k + S = 1/sin(pi/14) + 4 = 8.49: rounds, from the first
// weighing on, after four arrivals. Their steps are minibatch SGD's, bit by bit.
TEST(AdaptiveSync, RoundsOfAllAreMinibatch) {
  const test::Bowl bowl({.dimension = 3, .noise = 1.0});
  const test::FixedTimes times({1.0, 1.0, 1.0, 1.0});
  const auto method = make(adaptive(0.25, 4.0), 4);
  const auto run = simulate(bowl, times, *method, {.workers = 4, .run = test::stop_after_time(30)});
  std::size_t in_rounds = 0;
  std::set<WorkerId> of_round;
  for (const ArrivalRecord& a : run.arrivals) {
    if (a.time <= from_seconds(1)) continue;
    EXPECT_EQ(a.outcome, Outcome::applied);
    EXPECT_EQ(a.delay, 0u);
    EXPECT_EQ(a.coefficient, 0.25 / 4);
    EXPECT_TRUE(of_round.insert(a.order.worker).second) << "twice in a round";
    if (of_round.size() == 4) of_round.clear();
    ++in_rounds;
  }
  EXPECT_EQ(in_rounds, 29u * 4);
}

// Whatever it chooses, with random times: the step is that of a mode, and only the orders of a change are stale.
TEST(AdaptiveSync, StepsAreThoseOfItsModes) {
  constexpr double kStep = 0.5, kNoise = 6.0;
  constexpr std::size_t kWorkers = 8;
  std::size_t modes = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const test::Bowl bowl({.dimension = 3, .noise = 1.0, .seed = seed});
    const test::RandomTimes times(seed);
    const auto method = make(adaptive(kStep, kNoise), kWorkers);
    const auto run = simulate(bowl, times, *method, {.workers = kWorkers, .run = test::stop_after_time(200)});
    const double all = 1.0 + kNoise / kWorkers;
    std::set<std::size_t> seen;
    for (const ArrivalRecord& a : run.arrivals) {
      if (a.outcome != Outcome::applied) continue;
      bool known =
          std::abs(a.coefficient * (1.0 / std::sin(std::numbers::pi / 30) + kNoise) / (kStep * all) - 1) < 1e-12;
      if (known) seen.insert(0);
      for (std::size_t m = 1; m <= kWorkers && !known; ++m) {
        const auto size = static_cast<double>(m);
        known = std::abs(a.coefficient * size * (1.0 + kNoise / size) / (kStep * all) - 1) < 1e-12;
        if (!known) continue;
        seen.insert(m);
        EXPECT_EQ(a.delay, 0u);
      }
      ASSERT_TRUE(known) << a.coefficient;
    }
    modes = std::max(modes, seen.size());
  }
  EXPECT_GE(modes, 2u) << "this test has seen no change";
}

// ---- within 15 % of the better of both ----

constexpr std::size_t kWorkers = 8;
constexpr double kNoiseRatio = 12.0;
constexpr std::uint64_t kSeeds = 16;
constexpr double kGoal = 1.15;
/// Workers that become eight times slower in the midst of rounds of all are noticed after two such rounds, and this run
/// takes but four times as long.
constexpr double kMiss = 1.2;

struct Law {
  const char* name;
  double bound;
  double (*seconds)(WorkerId worker, std::uint64_t index, Stream& stream);
};
void PrintTo(const Law& law, std::ostream* out) { *out << law.name; }

class Times final : public ComputeTime {
 public:
  Times(const Law& law, std::uint64_t seed) : law_(law), seed_(seed) {}
  Time sample(WorkerId worker, std::uint64_t index) const override {
    Stream stream(seed_, Purpose::compute_time, worker, index);
    return from_seconds(1e-9 + law_.seconds(worker, index, stream));
  }

 private:
  const Law& law_;
  std::uint64_t seed_;
};

class Timing : public testing::TestWithParam<Law> {
 protected:
  /// Mean time to the target over the seeds; infinity where one does not get there.
  static double time_of(const SettingValue::Table& settings) {
    double sum = 0.0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      problems::ProblemCatalogue catalogue;
      const SettingValue::Table noise = {{"kind", word("gaussian")}, {"scale", num(1.0)}};
      Settings table({{"dimension", whole(20)}, {"noise", {noise}}}, "problem");
      const auto problem =
          catalogue.row("quadratic-tridiagonal").make(table, {.workers = kWorkers, .seed = seed, .data_root = {}});
      const auto method = make(settings, kWorkers, seed);
      RunOptions options = test::stop_after_time(1000);
      options.stop.at_target = true;
      options.target = {.metric = "loss", .threshold = 0.05};
      options.evaluate_every.time = from_seconds(0.5);
      const auto run = simulate(*problem, Times(GetParam(), seed), *method, {.workers = kWorkers, .run = options});
      if (!run.result.time_to_target) return std::numeric_limits<double>::infinity();
      sum += to_seconds(*run.result.time_to_target);
    }
    return sum / kSeeds;
  }

  /// The best of steps a factor of sqrt(2) apart around `middle`.
  static double best_of(SettingValue::Table settings, double middle) {
    double best = std::numeric_limits<double>::infinity();
    for (int i = -3; i <= 3; ++i) {
      settings["step_size"] = num(middle * std::pow(2.0, i / 2.0));
      best = std::min(best, time_of(settings));
    }
    return best;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Laws, Timing,
    testing::Values(
        Law{"equal", kGoal, [](WorkerId, std::uint64_t, Stream&) { return 1.0; }},
        Law{"two_groups", kGoal, [](WorkerId i, std::uint64_t, Stream&) { return i < 4 ? 1.0 : 8.0; }},
        Law{"square_root", kGoal, [](WorkerId i, std::uint64_t, Stream&) { return 1.0 + std::sqrt(1.0 + i); }},
        Law{"exponential", kGoal, [](WorkerId, std::uint64_t, Stream& s) { return s.exponential(); }},
        Law{"half_normal", kGoal, [](WorkerId, std::uint64_t, Stream& s) { return 0.5 + std::abs(s.normal()); }},
        Law{"pareto", kGoal, [](WorkerId, std::uint64_t, Stream& s) { return 0.5 * std::exp(s.exponential() / 1.5); }},
        Law{"changing", kMiss, [](WorkerId i, std::uint64_t k, Stream&) { return i < 4 || k < 12 ? 1.0 : 8.0; }}),
    [](const auto& law) { return std::string(law.param.name); });

// The noise ratio is the problem's: alone a worker needs about 140 steps, sixteen in rounds 21. Fixed seeds, so that
// this says whether the method has become worse, not how good it is: a mean of 16 seeds is known to a twelfth or so.
// With 40 seeds, a finer grid and a larger problem: docs/results/adaptive-sync.md.
TEST_P(Timing, IsNotFarBehindTheBetter) {
  constexpr double kMiddle = 0.6;  // of a round of all
  double rival = best_of({{"name", word("vanilla-asgd")}}, kMiddle / kWorkers);
  for (const std::size_t m : {1, 2, 4, 6, 8}) {
    const double step = kMiddle * (1 + kNoiseRatio / kWorkers) / (1 + kNoiseRatio / static_cast<double>(m));
    rival = std::min(rival, best_of({{"name", word("m-sync-sgd")}, {"m", whole(static_cast<std::int64_t>(m))}}, step));
  }
  const double ours = best_of(adaptive(1.0, kNoiseRatio), kMiddle);
  RecordProperty("ratio", std::to_string(ours / rival));
  EXPECT_LE(ours, GetParam().bound * rival) << "the better of both: " << rival;
}

}  // namespace
}  // namespace tardigrad
