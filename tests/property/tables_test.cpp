// SPDX-License-Identifier: Apache-2.0
// Laws of the methods that collect gradients of the present x, or keep a table with a row for every worker: what they
// become where their rule does nothing, what a round is made of, and what float32 does to sums of long runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "support/fake_world.hpp"
#include "support/settings.hpp"

namespace tardigrad {
namespace {

using test::num;
using test::table;
using test::whole;
using test::word;

constexpr double kStep = 0.03;  // with seven workers no product of the two is exact
constexpr double kRoundingUnit = 0x1p-24;

SettingValue::Table with(const char* name, SettingValue::Table more = {}) {
  more["name"] = word(name);
  more.insert({"step_size", num(kStep)});
  return more;
}
SettingValue::Table rennala(std::int64_t batch, bool stop) {
  return with("rennala-sgd", {{"batch_target", whole(batch)}, {"stop", {stop}}});
}

// Noisy gradients in R^3, times drawn at random, so that no two workers arrive at one instant.
std::string digest(SettingValue::Table settings, std::size_t workers = 7) {
  const test::Bowl bowl({.dimension = 3, .noise = 0.5});
  const auto method = test::make(std::move(settings), workers);
  const test::WorldOptions options{.workers = workers, .run = test::stop_after_updates(300)};
  return test::simulate(bowl, test::RandomTimes(5), *method, options).result.digest;
}

TEST(Equivalence, RennalaOfOneIsRingmasterOfOne) {
  for (const bool stop : {true, false}) {
    const SettingValue::Table ringmaster = with("ringmaster-asgd", {{"delay_limit", whole(1)}, {"stop", {stop}}});
    EXPECT_EQ(digest(rennala(1, stop)), digest(ringmaster)) << stop;
  }
  EXPECT_NE(digest(rennala(1, true)), digest(rennala(1, false)));
}

TEST(Equivalence, AsyncMinibatchOfConstantSizeIsRennalaWithoutStopping) {
  for (const std::int64_t batch : {1, 5}) {
    const SettingValue::Table constant = {{"batch_target", whole(batch)}},
                              growing = {{"batch_target", whole(batch)}, {"double_every", whole(10)}};
    EXPECT_EQ(digest(with("async-minibatch-sgd", constant)), digest(rennala(batch, false)));
    EXPECT_NE(digest(with("async-minibatch-sgd", growing)), digest(rennala(batch, false)));
  }
}

TEST(Equivalence, AloneTheyAreSerialSgd) {
  const std::string serial = digest(with("vanilla-asgd"), 1);
  EXPECT_EQ(digest(rennala(1, true), 1), serial);
  EXPECT_EQ(digest(with("async-minibatch-sgd", {{"batch_target", whole(1)}}), 1), serial);
  EXPECT_EQ(digest(with("malenia-sgd"), 1), serial);
  EXPECT_EQ(digest(with("ringleader-asgd"), 1), serial);
}

// (T + g) - T is g but for two roundings of numbers below 8, which 300 steps of 0.03 sum up, at most.
TEST(Equivalence, Ia2sgdAloneIsSerialSgdButForRounding) {
  const auto end = [](const char* name) {
    const auto method = test::make(with(name), 1);
    return test::simulate(test::Bowl({.dimension = 3, .noise = 0.5}), test::RandomTimes(5), *method,
                          {.workers = 1, .run = test::stop_after_updates(300)})
        .x;
  };
  const std::vector<float> serial = end("vanilla-asgd"), table = end("ia2sgd");
  for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(table[j], serial[j], 300 * kStep * 2 * 8 * kRoundingUnit);
}

// --- On f_i = a_i/2 ||x - b_i||^2 without noise.

constexpr std::size_t kWorkers = 4;
const std::vector<float> kCurvatures = {1.0f, 0.25f, 0.5f, 2.0f}, kCentres = {2.0f, -1.0f, 0.5f, -3.0f};
test::Bowl unequal_bowl() { return test::Bowl({.curvatures = kCurvatures, .centres = kCentres}); }
double mean_gradient(double x) {
  double sum = 0.0;
  for (std::size_t i = 0; i < kWorkers; ++i) sum += kCurvatures[i] * (x - kCentres[i]) / kWorkers;
  return sum;
}
test::Outcomes exact_run(SettingValue::Table settings, const ComputeTime& times, std::uint64_t updates) {
  const auto method = test::make(std::move(settings), kWorkers);
  return test::simulate(unequal_bowl(), times, *method,
                        {.workers = kWorkers, .run = test::stop_after_updates(updates)});
}

// Everybody delivers once a round, in the order of the workers' numbers.
TEST(Equivalence, MaleniaOfEqualSpeedsIsMinibatch) {
  const test::FixedTimes equal({1.0, 1.0, 1.0, 1.0});
  for (const std::uint64_t updates : {1, 2, 50}) {
    const std::vector<float> minibatch = exact_run(with("minibatch-sgd"), equal, updates).x;
    EXPECT_EQ(exact_run(with("malenia-sgd"), equal, updates).x, minibatch);
    EXPECT_EQ(exact_run(with("malenia-sgd", {{"stop", {false}}}), equal, updates).x, minibatch);
  }
}

// So many workers that their rows, and the update, just fit into one pass or do not.
TEST(Equivalence, MaleniaOfManyEqualWorkersIsMinibatch) {
  const SettingValue adam = table({{"rule", word("adamw")}, {"weight_decay", num(0.1)}});
  const SettingValue::Table plain, clipped_adam = {{"clip_radius", num(0.5)}, {"update", adam}};
  for (const std::size_t workers : {11, 12, 13, 20, 21, 22, 23, 24, 50}) {
    test::Bowl::Options options;
    for (std::size_t i = 0; i < workers; ++i) {
      options.curvatures.push_back(0.1f + 0.01f * static_cast<float>(i % 7));
      options.centres.push_back(0.3f * static_cast<float>(i % 11) - 1.0f);
    }
    const auto end = [&](const char* name, const SettingValue::Table& more) {
      const auto method = test::make(with(name, more), workers);
      return test::simulate(test::Bowl(options), test::FixedTimes(std::vector<double>(workers, 1.0)), *method,
                            {.workers = workers, .run = test::stop_after_updates(20)})
          .x;
    };
    for (const SettingValue::Table& more : {plain, clipped_adam})
      EXPECT_EQ(end("malenia-sgd", more), end("minibatch-sgd", more)) << workers;
  }
}

// A mean of B equal gradients loses at most B roundings, the mean over the workers and the step another ten; |x| < 4
// and |g| < 16; what an update loses, the contraction by 1 - gamma 15/16 adds up to at most 16/15/gamma times that.
TEST(Malenia, StepsAlongTheExactGradientHoweverManyAWorkerBrings) {
  for (const std::int64_t batch : {4, 11, 30}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const auto run = exact_run(with("malenia-sgd", {{"batch_target", whole(batch)}}), test::RandomTimes(seed), 100);
      std::vector<std::uint64_t> counts(kWorkers * 101);
      for (const ArrivalRecord& a : run.arrivals)
        if (a.outcome == Outcome::applied) ++counts[a.order.version * kWorkers + a.order.worker];
      double x = 1.0;
      for (int k = 0; k < 100; ++k) x -= kStep * mean_gradient(x);
      const auto most = static_cast<double>(*std::ranges::max_element(counts));
      EXPECT_GT(most, 3);
      EXPECT_NEAR(run.x[0], x, 16.0 / 15 * (16 * (most + 10) + 4 / kStep) * kRoundingUnit);
    }
  }
}

// Every round ends as soon as the harmonic mean is S/n, and not before.
TEST(Malenia, RoundsAreAsLongAsTheyMustBe) {
  for (const std::int64_t batch : {4, 7, 13}) {
    const auto run = exact_run(with("malenia-sgd", {{"batch_target", whole(batch)}}), test::RandomTimes(7), 200);
    std::vector<double> counts(kWorkers, 0.0);
    std::uint64_t updates = 0;
    for (const ArrivalRecord& a : run.arrivals) {
      if (a.outcome != Outcome::applied) continue;
      ++counts[a.order.worker];
      double inverse = 0.0;
      for (const double count : counts) inverse += 1 / count;  // infinity where somebody is missing
      const bool ends = a.updates > updates;
      ASSERT_EQ(ends, kWorkers / inverse >= static_cast<double>(batch) / kWorkers * (1 - 1e-9));
      if (ends) counts.assign(kWorkers, 0.0);
      updates = a.updates;
    }
    EXPECT_EQ(updates, 200u);
  }
}

// Four updates of the first round, all of gradients at x0. Means of B equal gradients: a row and the sum are rounded at
// each arrival, at most 40 of them; 20 for the rest; |T| < 64.
TEST(Ringleader, TheFirstRoundIsAlongTheGradientAtTheStart) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const auto run = exact_run(with("ringleader-asgd"), test::RandomTimes(seed), kWorkers);
    ASSERT_LE(run.arrivals.size(), 40u);
    EXPECT_NEAR(run.x[0], 1 - kWorkers * kStep * mean_gradient(1), kWorkers * kStep * (40 + 20) * 16 * kRoundingUnit);
  }
}

// Whatever the times: n updates a round, one of each worker; delays up to 2n - 2; every gradient is used.
TEST(Ringleader, EverybodyMakesOneUpdateARound) {
  constexpr std::size_t kMany = 6;
  std::uint64_t largest_delay = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const test::RandomTimes random(seed);
    const test::FixedTimes constant({1.0, 1.0, 1.5, 3.0, 7.0, 50.0});
    for (const ComputeTime* times :
         {static_cast<const ComputeTime*>(&random), static_cast<const ComputeTime*>(&constant)}) {
      const auto method = test::make(with("ringleader-asgd"), kMany);
      const auto run = test::simulate(test::Bowl({.noise = 0.5, .seed = seed}), *times, *method,
                                      {.workers = kMany, .run = test::stop_after_updates(50 * kMany)});
      std::set<WorkerId> updated;
      std::uint64_t updates = 0;
      for (const ArrivalRecord& a : run.arrivals) {
        ASSERT_EQ(a.outcome, Outcome::applied);
        ASSERT_GT(a.coefficient, 0.0);
        largest_delay = std::max(largest_delay, a.delay);
        if (a.updates == updates) continue;
        updates = a.updates;
        ASSERT_TRUE(updated.insert(a.order.worker).second) << "two updates of worker " << a.order.worker;
        if (updates % kMany == 0) {
          ASSERT_EQ(updated.size(), kMany);
          updated.clear();
        }
      }
      ASSERT_EQ(updates, 50 * kMany);
    }
  }
  EXPECT_LE(largest_delay, 2 * kMany - 2);
  EXPECT_GE(largest_delay, kMany);  // so that the bound is not met by accident
}

// --- Sums of long runs. With a step of 1 and a weight decay of 1 the update is x <- x - (u + x): x shows -u but for
// four roundings.

struct Shown final : Gradient {
  explicit Shown(float value) : v{value} {}
  double norm() const override { return std::abs(v[0]); }
  std::span<const float> values() const override { return v; }
  std::span<const float> point() const override { return v; }
  std::vector<float> v;
};

// A method that is fed by hand, in R^1.
class Fed {
 public:
  Fed(SettingValue::Table settings, std::size_t workers) : buffers_(1), layout_("x", 1), model_(make_model()) {
    settings["step_size"] = num(1);
    settings["update"] = table({{"weight_decay", num(1)}});
    method_ = test::make(std::move(settings), workers);
    for (WorkerId worker = 0; worker < workers; ++worker) method_->on_worker_joined({.id = worker}, *model_, commands_);
  }
  // The direction of the update that was made; nothing if there was none.
  std::optional<double> arrives(WorkerId worker, float g) {
    commands_.clear();
    const Version before = model_->version();
    method_->on_gradient({.worker = worker, .version = before}, Shown(g), *model_, commands_);
    if (model_->version() == before) return std::nullopt;
    return -model_->snapshot().view()[0];
  }

 private:
  std::unique_ptr<ServerModel> make_model() {
    Buffer x0 = buffers_.take();
    x0.view()[0] = 0.0f;
    return std::make_unique<ServerModel>(buffers_, layout_, std::move(x0));
  }
  BufferPool buffers_;
  Layout layout_;
  std::unique_ptr<ServerModel> model_;
  std::unique_ptr<Method> method_;
  Commands commands_;
};

constexpr int kArrivals = 200'000;

double mean(const std::vector<double>& rows) {
  return std::accumulate(rows.begin(), rows.end(), 0.0) / static_cast<double>(rows.size());
}
struct Sums {
  const char* name;
  SettingValue::Table own;
  double (*direction)(const std::vector<double>& rows, WorkerId worker, double g);
};
double mean_with(const std::vector<double>& rows, WorkerId worker, double g) {
  return mean(rows) + (g - rows[worker]) / static_cast<double>(rows.size());
}
double calibrated(const std::vector<double>& rows, WorkerId worker, double g) { return mean(rows) + g - rows[worker]; }

// Gradients of up to 2^20, then, for the second half, of up to 1: a sum that is never refreshed keeps the rounding of
// the first half. 2048 n arrivals after the change the last refresh is at most 1024 n arrivals old; each rounds the sum
// |T| <= (n + 1) G twice (ca2fl: the buffer and 1/n too, four times), beside n roundings of the refresh itself.
TEST(LongRuns, SumsThatAreKeptUpToDateDoNotDrift) {
  const SettingValue::Table buffer_of_one = {{"buffer_size", whole(1)}, {"local_step_size", num(1)}};
  for (const std::size_t workers : {8, 30}) {  // thirty rows do not fit into one pass
    for (const Sums& sums : {Sums{"ia2sgd", {}, mean_with}, Sums{"ca2fl", buffer_of_one, calibrated}}) {
      Fed fed(with(sums.name, sums.own), workers);
      Stream stream(1, Purpose::gradient_noise, 0, 0);
      std::vector<double> rows(workers, 0.0);
      double largest_error = 0.0;
      for (int k = 0; k < kArrivals; ++k) {
        const auto worker = static_cast<WorkerId>(stream.below(workers));
        const double scale = k < kArrivals / 2 ? 0x1p20 : 1.0;
        const auto g = static_cast<float>(scale * (2 * stream.uniform() - 1));
        const std::optional<double> direction = fed.arrives(worker, g);
        const double exact = sums.direction(rows, worker, g);
        rows[worker] = g;
        if (!direction) continue;  // the table is being filled
        if (k > kArrivals / 2 + 2 * 1024 * static_cast<int>(workers))
          largest_error = std::max(largest_error, std::abs(*direction - exact));
      }
      const auto n = static_cast<double>(workers);
      EXPECT_LE(largest_error, (4 * 1024 * n + n + 8) * (n + 1) * kRoundingUnit / n) << sums.name << workers;
      EXPECT_GT(largest_error, 0.0) << sums.name << workers;
    }
  }
}

// One worker of four is as good as always there, one comes in 500 arrivals: rounds of some hundred arrivals. A row of b
// gradients below 1 has lost at most b^2/2 roundings, its mean b/2; the sum at most 2 (2n - 1) + n of |T| <= n.
TEST(LongRuns, SumsOfARoundLoseNoMoreThanItsLength) {
  for (const char* name : {"malenia-sgd", "ringleader-asgd"}) {
    const bool keeps_two_tables = std::string(name) == "ringleader-asgd";
    Fed fed(with(name), kWorkers);
    Stream stream(1, Purpose::gradient_noise, 0, 0);
    struct Row {
      double sum = 0.0, count = 0.0;
    };
    std::vector<Row> now(kWorkers), next(kWorkers);
    std::set<WorkerId> updated;
    double longest = 0.0, largest_excess = -1.0;
    int updates = 0;
    for (int k = 0; k < kArrivals; ++k) {
      const double draw = stream.uniform();
      const WorkerId worker = draw < 0.002 ? 3 : draw < 0.1 ? 2 : draw < 0.3 ? 1 : 0;
      const auto g = static_cast<float>(stream.uniform());
      const std::optional<double> direction = fed.arrives(worker, g);
      Row& row = updated.contains(worker) ? next[worker] : now[worker];
      row.sum += g;
      row.count += 1;
      if (!direction) continue;
      double exact = 0.0;
      for (const Row& each : now) {
        exact += each.sum / each.count / kWorkers;
        longest = std::max(longest, each.count);
      }
      const double bound = (longest / 2 + 5 * kWorkers + 8) * kRoundingUnit * 2;
      largest_excess = std::max(largest_excess, std::abs(*direction - exact) - bound);
      ++updates;
      if (keeps_two_tables) updated.insert(worker);
      if (keeps_two_tables && updated.size() < kWorkers) continue;
      now = std::exchange(next, std::vector<Row>(kWorkers));
      updated.clear();
    }
    EXPECT_GT(updates, 300) << name;
    EXPECT_GT(longest, 500) << name;
    EXPECT_LE(largest_excess, 0.0) << name;
  }
}

}  // namespace
}  // namespace tardigrad
