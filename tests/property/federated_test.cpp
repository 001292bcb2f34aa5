// SPDX-License-Identifier: Apache-2.0
// Laws of the methods whose clients make local steps: what they become where their rule does nothing, whom they ask,
// and where client drift takes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
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

SettingValue::Table federated(const char* name, std::int64_t steps, double local_step, SettingValue::Table more = {}) {
  more["name"] = word(name);
  more["local_steps"] = whole(steps);
  more["local_step_size"] = num(local_step);
  return more;
}
SettingValue::Table and_also(SettingValue::Table settings, const char* key, SettingValue value) {
  settings[key] = std::move(value);
  return settings;
}

constexpr std::size_t kWorkers = 8;
constexpr double kStep = 0.03;

// Noisy gradients in R^3, times drawn at random, so that no two clients arrive at one instant.
test::Outcomes random_run(SettingValue::Table settings, std::size_t workers = kWorkers) {
  const test::Bowl bowl({.dimension = 3, .noise = 0.5});
  const auto method = test::make(std::move(settings), workers);
  return test::simulate(bowl, test::RandomTimes(5), *method,
                        {.workers = workers, .run = test::stop_after_updates(300)});
}
std::vector<float> x_of(SettingValue::Table settings, std::size_t workers = kWorkers) {
  return random_run(std::move(settings), workers).x;
}
std::string digest_of(SettingValue::Table settings, std::size_t workers = kWorkers) {
  return random_run(std::move(settings), workers).result.digest;
}

// One local step of a size that is a power of two scales g without rounding, and with everybody busy the only idle
// client is the one that has just delivered: a draw among the idle is then dispatch to the same. Only who is asked
// first at t = 0 differs, and with it the orders' numbers, so that x is compared.
TEST(Equivalence, FedBuffOfOneIsVanilla) {
  const std::vector<float> vanilla = x_of({{"name", word("vanilla-asgd")}, {"step_size", num(kStep)}});
  for (const double local : {1.0, 0.25}) {
    const SettingValue::Table settings =
        federated("fedbuff", 1, local, {{"buffer_size", whole(1)}, {"step_size", num(kStep / local)}});
    EXPECT_EQ(x_of(and_also(settings, "staleness_exponent", num(0))), vanilla);
    EXPECT_NE(x_of(settings), vanilla);
  }
}

TEST(Equivalence, FadasOnBuffersOfOneIsVanillaWithAmsgrad) {
  const SettingValue::Table vanilla = {
      {"name", word("vanilla-asgd")}, {"step_size", num(kStep)}, {"update", table({{"rule", word("amsgrad")}})}};
  const SettingValue::Table settings =
      federated("fadas", 1, 1.0, {{"buffer_size", whole(1)}, {"step_size", num(kStep)}});
  EXPECT_EQ(x_of(and_also(settings, "delay_threshold", whole(1'000'000))), x_of(vanilla));
  const SettingValue::Table shrinking =
      and_also(and_also(settings, "delay_threshold", whole(1)), "step_size", num(0.4));  // 1/tau for tau >= 3
  EXPECT_NE(x_of(shrinking), x_of(and_also(shrinking, "delay_threshold", whole(1'000'000))));
}

// Never above its threshold, FADAS is FedBuff without weights, whose server steps with AMSGrad.
TEST(Equivalence, FadasOfFreshBuffersIsFedBuffWithAmsgrad) {
  const SettingValue::Table own = {{"buffer_size", whole(3)}, {"step_size", num(kStep)}};
  SettingValue::Table fedbuff = federated("fedbuff", 4, 0.1, own), fadas = federated("fadas", 4, 0.1, own);
  fedbuff["staleness_exponent"] = num(0);
  fedbuff["update"] = table({{"rule", word("amsgrad")}});
  fadas["delay_threshold"] = whole(1'000'000);
  EXPECT_EQ(digest_of(fadas), digest_of(fedbuff));
}

// The mean of eight gradients, scaled by a power of two on the way.
TEST(Equivalence, FedAvgOfAllWithOneStepIsMinibatch) {
  const std::vector<float> minibatch = x_of({{"name", word("minibatch-sgd")}, {"step_size", num(kStep)}});
  EXPECT_EQ(x_of(federated("fedavg", 1, 0.25, {{"step_size", num(kStep / 0.25)}})), minibatch);
}

TEST(Equivalence, FedProxWithoutPullOrBudgetIsFedAvg) {
  for (const std::int64_t clients : {3, 8}) {
    const SettingValue::Table own = {{"clients_per_round", whole(clients)}};
    const std::string fedavg = digest_of(federated("fedavg", 5, 0.1, own));
    const SettingValue::Table fedprox = and_also(federated("fedprox", 5, 0.1, own), "proximal_weight", num(0));
    EXPECT_EQ(digest_of(fedprox), fedavg);
    EXPECT_EQ(digest_of(and_also(fedprox, "time_budget", num(1e6))), fedavg);
    EXPECT_NE(digest_of(and_also(fedprox, "time_budget", num(1))), fedavg);
    EXPECT_NE(digest_of(and_also(fedprox, "proximal_weight", num(0.1))), fedavg);
  }
}

TEST(Equivalence, PapayaWithoutOverSelectionIsFedAvg) {
  const SettingValue::Table own = {{"clients_per_round", whole(3)}};
  SettingValue::Table papaya = federated("papaya-sync", 5, 0.1, own);
  papaya["update"] = table({{"rule", word("sgd")}});
  papaya["over_selection"] = num(1);
  EXPECT_EQ(digest_of(papaya), digest_of(federated("fedavg", 5, 0.1, own)));
}

// Whom all clients visit for the first time, no calibration knows: with n = M = 4 equal clients the first update is
// FedBuff's without weights; dividing by 4 rounds nothing. From then on they differ.
TEST(Equivalence, FirstUpdateOfCa2flIsFedBuffs) {
  const auto after = [](const char* name, std::uint64_t updates, SettingValue::Table more) {
    more["buffer_size"] = whole(4);
    more["step_size"] = num(0.7);
    const test::Bowl bowl({.dimension = 3, .noise = 0.5});
    const auto method = test::make(federated(name, 3, 0.1, std::move(more)), 4);
    const test::FixedTimes times({1.0, 1.01, 1.02, 1.03});
    return test::simulate(bowl, times, *method, {.workers = 4, .run = test::stop_after_updates(updates)}).x;
  };
  const SettingValue::Table unweighted = {{"staleness_exponent", num(0)}};
  EXPECT_EQ(after("ca2fl", 1, {}), after("fedbuff", 1, unweighted));
  EXPECT_NE(after("ca2fl", 2, {}), after("fedbuff", 2, unweighted));
}

// Alone, everything is fresh, and h is what the buffer brought before: all of them are serial SGD with K = 1.
TEST(Equivalence, AloneWithOneStepTheyAreSerialSgd) {
  const std::vector<float> serial = x_of({{"name", word("vanilla-asgd")}, {"step_size", num(kStep)}}, 1);
  const SettingValue::Table step = {{"step_size", num(kStep / 0.5)}};
  const SettingValue::Table buffer = and_also(step, "buffer_size", whole(1));
  EXPECT_EQ(x_of(federated("fedavg", 1, 0.5, step), 1), serial);
  EXPECT_EQ(x_of(federated("fedbuff", 1, 0.5, buffer), 1), serial);
  EXPECT_EQ(x_of(federated("fedasync", 1, 0.5, step), 1), serial);  // x - x = 0: nothing is rounded
  // hbar + (D - hbar) is D but for three roundings of numbers below 4, at most 2^-22 each, times the step, 300 times.
  const std::vector<float> ca2fl = x_of(federated("ca2fl", 1, 0.5, buffer), 1);
  for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(ca2fl[j], serial[j], 300 * 0.06 * 3 * 0x1p-22);
}

// Every round has m different clients, and every client and pair the same chance: counts within five standard
// deviations of binomials.
TEST(FedAvg, DrawsUniformly) {
  constexpr int kRounds = 3000;
  const test::Bowl bowl({.dimension = 1});
  const auto method = test::make(federated("fedavg", 1, 0.01, {{"clients_per_round", whole(2)}}), 6);
  const auto run =
      test::simulate(bowl, test::RandomTimes(3), *method, {.workers = 6, .run = test::stop_after_updates(kRounds)});
  ASSERT_EQ(run.arrivals.size(), 2u * kRounds);
  std::map<WorkerId, int> clients;
  std::map<std::set<WorkerId>, int> pairs;
  for (std::size_t k = 0; k < run.arrivals.size(); k += 2) {
    const WorkerId a = run.arrivals[k].order.worker, b = run.arrivals[k + 1].order.worker;
    ASSERT_NE(a, b);
    ASSERT_EQ(run.arrivals[k].order.version, run.arrivals[k + 1].order.version);
    ++clients[a];
    ++clients[b];
    ++pairs[{a, b}];
  }
  const auto margin = [](double p) { return 5 * std::sqrt(kRounds * p * (1 - p)); };
  for (const auto& [client, count] : clients) EXPECT_NEAR(count, kRounds / 3.0, margin(1.0 / 3)) << client;
  EXPECT_EQ(pairs.size(), 15u);
  for (const auto& [pair, count] : pairs) EXPECT_NEAR(count, kRounds / 15.0, margin(1.0 / 15)) << *pair.begin();
}

// What is drawn is what a shuffle of all idle clients would draw, round after round, though only the drawn are looked
// at: the first places of Fisher and Yates on the list of those who are idle, here all of them.
TEST(FedAvg, DrawsWhatAShuffleOfAllDraws) {
  constexpr std::size_t kClients = 37, kAsked = 11;
  const auto method = test::make(federated("fedavg", 1, 0.01, {{"clients_per_round", whole(kAsked)}}), kClients, 5);
  const auto run = test::simulate(test::Bowl({.dimension = 1}), test::RandomTimes(3), *method,
                                  {.workers = kClients, .run = test::stop_after_updates(20)});
  for (std::size_t round = 0; round < 20; ++round) {
    std::vector<WorkerId> clients(kClients);
    std::iota(clients.begin(), clients.end(), 0);
    Stream stream(5, Purpose::dispatch, 0, round);
    for (std::size_t i = 0; i < kAsked; ++i) std::swap(clients[i], clients[i + stream.below(kClients - i)]);
    const std::set<WorkerId> drawn(clients.begin(), clients.begin() + kAsked);
    std::set<WorkerId> came;
    for (std::size_t k = 0; k < kAsked; ++k) came.insert(run.arrivals[round * kAsked + k].order.worker);
    EXPECT_EQ(came, drawn) << round;
  }
}

// Rounds that looked at everybody took minutes here.
TEST(Rounds, CostWhatTheirParticipantsCost) {
  constexpr std::size_t kClients = 500'000;
  for (const char* name : {"fedavg", "fedprox", "papaya-sync"}) {
    SettingValue::Table settings = federated(name, 1, 0.01, {{"clients_per_round", whole(4)}});
    if (name == std::string("fedprox")) settings["proximal_weight"] = num(0);
    const auto method = test::make(settings, kClients);
    const auto run = test::simulate(test::Bowl({.dimension = 1}), test::RandomTimes(3), *method,
                                    {.workers = kClients, .run = test::stop_after_updates(3000)});
    EXPECT_EQ(run.result.counters.applied, 4u * 3000);
  }
}

// --- Is a round of m < n clients the mean of all, on average over the draws? Four clients with 1, 2, 3 and 10
// examples, m = 2, K = 1, f_i = (x - b_i)^2/2, x0 = 1, without noise: where a round ends depends on who was drawn
// alone. Every draw that is possible is met by some seed, and the average over the draws, with their probabilities, is
// what the round steps by in expectation: to be compared with the step of all four.
struct Round {
  std::vector<WorkerId> drawn;
  double step = 0.0;  // x0 - x1
};
const std::vector<double> kExamples = {1, 2, 3, 10};
Round first_round(SettingValue::Table settings, std::uint64_t seed) {
  const test::Bowl bowl({.dimension = 1,
                         .curvatures = {1.0f, 1.0f, 1.0f, 1.0f},
                         .centres = {0.0f, 4.0f, -2.0f, 0.5f},
                         .examples = kExamples});
  const auto method = test::make(std::move(settings), 4, seed);
  const auto run = test::simulate(bowl, test::FixedTimes({1.0, 1.0, 1.0, 1.0}), *method,
                                  {.workers = 4, .run = test::stop_after_updates(1)});
  Round round;
  round.step = 1.0 - static_cast<double>(run.x[0]);
  double coefficients = 0.0;
  for (const ArrivalRecord& a : run.arrivals) {
    round.drawn.push_back(a.order.worker);
    coefficients += a.coefficient;
  }
  EXPECT_GT(coefficients, 0.0);
  return round;
}
// By who was drawn.
std::map<std::vector<WorkerId>, double> steps_of_all_draws(const SettingValue::Table& settings, std::size_t draws) {
  std::map<std::vector<WorkerId>, double> steps;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    const Round round = first_round(settings, seed);
    const auto [known, is_new] = steps.emplace(round.drawn, round.step);
    EXPECT_EQ(known->second, round.step) << "a round depends on more than who was drawn";
  }
  EXPECT_EQ(steps.size(), draws);
  return steps;
}
double mean_over_pairs(SettingValue::Table settings) {
  settings["clients_per_round"] = whole(2);
  double sum = 0.0;
  for (const auto& [drawn, step] : steps_of_all_draws(settings, 6)) sum += step / 6;
  return sum;
}
double step_of_all(SettingValue::Table settings) {
  settings["clients_per_round"] = whole(4);
  return first_round(std::move(settings), 1).step;
}

TEST(FedAvg, RoundsOfSomeAreTheMeanOfAllOnAverage) {
  const SettingValue::Table fedavg = federated("fedavg", 1, 0.5);
  // x0 - b_i = 1, -3, 3, 0.5, halved: by examples (1 - 6 + 9 + 5)/16/2, alike (1 - 3 + 3 + 0.5)/4/2.
  EXPECT_NEAR(step_of_all(fedavg), 9.0 / 32, 1e-6);
  EXPECT_NEAR(mean_over_pairs(fedavg), 9.0 / 32, 1e-6);
  const SettingValue::Table alike = and_also(fedavg, "weighting", word("uniform"));
  EXPECT_NEAR(step_of_all(alike), 1.5 / 8, 1e-6);
  EXPECT_NEAR(mean_over_pairs(alike), 1.5 / 8, 1e-6);
  // Divided by what was drawn: with everybody it is the same, with two it is not, and for m = 1 it is `uniform`.
  const SettingValue::Table ratio = and_also(fedavg, "weighting", word("examples-ratio"));
  EXPECT_NEAR(step_of_all(ratio), 9.0 / 32, 1e-6);
  double by_hand = 0.0;
  const double gradients[] = {1, -3, 3, 0.5};
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t k = i + 1; k < 4; ++k)
      by_hand += (kExamples[i] * gradients[i] + kExamples[k] * gradients[k]) / (kExamples[i] + kExamples[k]) / 2 / 6;
  EXPECT_NEAR(mean_over_pairs(ratio), by_hand, 1e-6);
  EXPECT_GT(std::abs(by_hand - 9.0 / 32), 0.03);
  const auto with = [&](const char* weighting) {
    SettingValue::Table settings = and_also(fedavg, "weighting", word(weighting));
    settings["clients_per_round"] = whole(1);
    return steps_of_all_draws(settings, 4);
  };
  EXPECT_EQ(with("examples-ratio"), with("uniform"));
  EXPECT_NE(with("examples"), with("uniform"));
}

// Drawn by examples, with replacement: a pair has twice the product of its shares, a client twice the square of its
// own. The plain mean is then the mean by examples.
TEST(FedAvg, DrawsByExamplesHaveThePlainMean) {
  SettingValue::Table settings = and_also(federated("fedavg", 1, 0.5), "sampling", word("examples"));
  settings["clients_per_round"] = whole(2);
  double mean = 0.0, probabilities = 0.0;
  for (const auto& [drawn, step] : steps_of_all_draws(settings, 10)) {
    double probability = drawn.size() == 2 ? 2.0 : 1.0;
    for (std::size_t k = 0; k < 2; ++k) probability *= kExamples[drawn[k % drawn.size()]] / 16;
    mean += probability * step;
    probabilities += probability;
  }
  EXPECT_NEAR(probabilities, 1.0, 1e-12);
  EXPECT_NEAR(mean, 9.0 / 32, 1e-6);
}

// How often each is drawn by its examples: within five standard deviations.
TEST(FedAvg, DrawsByExamplesAsOftenAsItSays) {
  constexpr int kRounds = 4000;
  const test::Bowl bowl({.dimension = 1, .examples = kExamples});
  SettingValue::Table settings = and_also(federated("fedavg", 1, 0.01), "sampling", word("examples"));
  settings["clients_per_round"] = whole(1);
  const auto method = test::make(settings, 4);
  const auto run =
      test::simulate(bowl, test::RandomTimes(3), *method, {.workers = 4, .run = test::stop_after_updates(kRounds)});
  std::array<double, 4> counts{};
  for (const ArrivalRecord& a : run.arrivals) counts[a.order.worker] += 1;
  for (std::size_t i = 0; i < 4; ++i) {
    const double p = kExamples[i] / 16;
    EXPECT_NEAR(counts[i], kRounds * p, 5 * std::sqrt(kRounds * p * (1 - p))) << i;
  }
}

// With one order in flight everybody is idle when it is drawn, and slow clients take part as often as fast ones; with
// as many orders as clients, as often as they are done.
TEST(FedBuff, ParticipationDependsOnTheConcurrency) {
  const auto counts = [](std::int64_t concurrency) {
    const test::Bowl bowl({.dimension = 1});
    const SettingValue::Table own = {{"buffer_size", whole(1)}, {"concurrency", whole(concurrency)}};
    const auto method = test::make(federated("fedbuff", 1, 0.01, own), 4);
    const auto run = test::simulate(bowl, test::FixedTimes({1.0, 1.0, 3.0, 7.0}), *method,
                                    {.workers = 4, .run = test::stop_after_updates(4000)});
    std::array<double, 4> list{};
    for (const ArrivalRecord& a : run.arrivals) list[a.order.worker] += 1;
    return list;
  };
  for (const double count : counts(1)) EXPECT_NEAR(count, 1000, 5 * std::sqrt(4000 * 0.25 * 0.75));
  const std::array<double, 4> all = counts(4);
  const double rate = 4000 / (1 + 1 + 1.0 / 3 + 1.0 / 7);
  EXPECT_NEAR(all[0], rate, 2);
  EXPECT_NEAR(all[2], rate / 3, 2);
  EXPECT_NEAR(all[3], rate / 7, 2);
}

// Algorithm 2's queues: everybody is drawn alike, whoever is busy, with as many orders out as there are clients.
TEST(FedBuff, UniformDispatchDrawsAllAlike) {
  for (const char* name : {"fedbuff", "ca2fl", "fadas", "fedasync"}) {
    SettingValue::Table settings = federated(name, 1, 0.01, {{"dispatch", word("uniform")}, {"step_size", num(0.5)}});
    if (name != std::string("fedasync")) settings["buffer_size"] = whole(1);
    const test::Bowl bowl({.dimension = 1});
    const auto method = test::make(settings, 4);
    EXPECT_TRUE(method->required_capabilities().queues) << name;
    const auto run = test::simulate(bowl, test::FixedTimes({1.0, 1.0, 3.0, 7.0}), *method,
                                    {.workers = 4, .run = test::stop_after_updates(4000)});
    std::array<double, 4> counts{};
    for (const ArrivalRecord& a : run.arrivals) counts[a.order.worker] += 1;
    // Of orders given; what waits in the slowest queue has not arrived: at most what the others brought meanwhile.
    const double waiting = static_cast<double>(run.result.counters.assigned - run.result.counters.applied);
    for (const double count : counts) EXPECT_NEAR(count, 1000, 5 * std::sqrt(4000 * 0.25 * 0.75) + waiting) << name;
  }
}

// --- Client drift. On f_i = a_i/2 (x - b_i)^2 K local steps of size eta bring D_i = rho_i (x - b_i) with
//   rho_i = a_i/(a_i + mu) (1 - (1 - eta (a_i + mu))^K),
// as e = y - x goes e <- (1 - eta (a_i + mu)) e - eta a_i (x - b_i) from 0. A mean with weights w_i is at rest in
//   x* = sum w_i rho_i b_i / sum w_i rho_i,
// which is the minimiser of sum w_i f_i for K = 1 without mu, where rho_i = eta a_i, and for equal a_i, but no other.

struct Drift {
  std::vector<float> curvatures = {1.0f, 0.25f, 0.5f, 2.0f}, centres = {2.0f, -1.0f, 0.5f, -3.0f};
  double local_step = 0.25;

  double rho(std::size_t i, int steps, double mu = 0.0) const {
    const double a = curvatures[i];
    return a / (a + mu) * (1 - std::pow(1 - local_step * (a + mu), steps));
  }
  static double weighted_mean(const std::vector<float>& centres, const std::vector<double>& weights) {
    double sum = 0.0;
    for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * centres[i];
    return sum / std::accumulate(weights.begin(), weights.end(), 0.0);
  }
  double at_rest(const std::vector<double>& weights, int steps) const {
    std::vector<double> w = weights;
    for (std::size_t i = 0; i < w.size(); ++i) w[i] *= rho(i, steps);
    return weighted_mean(centres, w);
  }
  test::Bowl problem(std::vector<double> examples = {}) const {
    return test::Bowl({.curvatures = curvatures, .centres = centres, .examples = std::move(examples)});
  }
};

// Where x is at rest float32 leaves it: each update rounds numbers below 4 a dozen times, half an ulp of 2^-23 times 4
// each, and a contraction by a tenth or more an update adds up ten of them.
constexpr double kRounding = 12 * 10 * 0x1p-22;

TEST(ClientDrift, FedAvg) {
  const Drift drift;
  const std::vector<double> examples = {1, 2, 3, 4};
  const test::Bowl problem = drift.problem(examples);
  const double minimiser = drift.at_rest(examples, 1);
  for (const int steps : {1, 2, 5}) {
    const auto method = test::make(federated("fedavg", steps, drift.local_step), 4);
    const auto run =
        test::simulate(problem, test::RandomTimes(1), *method, {.workers = 4, .run = test::stop_after_updates(300)});
    EXPECT_NEAR(run.x[0], drift.at_rest(examples, steps), kRounding) << steps;
  }
  EXPECT_GT(std::abs(drift.at_rest(examples, 5) - minimiser), 0.1);
}

// Clients of 1, 2, 3 and 6 s with a budget of 6 s make 6, 3, 2 steps and one.
TEST(ClientDrift, FedProxWithPartialWork) {
  const Drift drift;
  const test::Bowl problem = drift.problem();
  const double mu = 0.5;
  const auto method =
      test::make(federated("fedprox", 9, drift.local_step, {{"proximal_weight", num(mu)}, {"time_budget", num(6)}}), 4);
  const auto run = test::simulate(problem, test::FixedTimes({1.0, 2.0, 3.0, 6.0}), *method,
                                  {.workers = 4, .run = test::stop_after_updates(300)});
  std::vector<double> weights;
  const int steps[] = {6, 3, 2, 1};
  for (std::size_t i = 0; i < 4; ++i) weights.push_back(drift.rho(i, steps[i], mu));
  EXPECT_NEAR(run.x[0], Drift::weighted_mean(drift.centres, weights), kRounding);
}

// Clients of 1 s and 3 s: every buffer of 4 has three pieces of work of the first and one of the second. FedBuff comes
// to rest where they balance so, CA2FL where all clients count alike, whoever is fast.
TEST(ClientDrift, FedBuffFollowsTheFastAndCa2flDoesNot) {
  Drift drift;
  drift.curvatures = {1.0f, 0.25f};
  drift.centres = {2.0f, -1.0f};
  const test::Bowl problem = drift.problem();
  const auto end = [&](const char* name, SettingValue::Table more) {
    more["buffer_size"] = whole(4);
    more["step_size"] = num(0.25);
    const auto method = test::make(federated(name, 5, drift.local_step, std::move(more)), 2);
    return test::simulate(problem, test::FixedTimes({1.0, 3.0}), *method,
                          {.workers = 2, .run = test::stop_after_updates(500)})
        .x[0];
  };
  EXPECT_NEAR(end("fedbuff", {{"staleness_exponent", num(0)}}), drift.at_rest({3, 1}, 5), kRounding);
  EXPECT_NEAR(end("ca2fl", {}), drift.at_rest({1, 1}, 5), kRounding);
  EXPECT_GT(std::abs(drift.at_rest({3, 1}, 5) - drift.at_rest({1, 1}, 5)), 0.3);
}

// Two of four clients a round. The draw does not look at x, and D is linear in x: E x* is that of all clients. The mean
// of 400 runs is known to its standard error.
TEST(ClientDrift, FedAvgOfDrawnClientsInTheMean) {
  const Drift drift;
  const test::Bowl problem = drift.problem();
  const SettingValue::Table settings =
      federated("fedavg", 5, drift.local_step, {{"clients_per_round", whole(2)}, {"step_size", num(0.25)}});
  constexpr int kRuns = 400;
  double sum = 0.0, squares = 0.0;
  for (int seed = 1; seed <= kRuns; ++seed) {
    const auto method = test::make(settings, 4, static_cast<std::uint64_t>(seed));
    const double x = test::simulate(problem, test::FixedTimes({1.0, 1.0, 3.0, 7.0}), *method,
                                    {.workers = 4, .run = test::stop_after_updates(120)})
                         .x[0];
    sum += x;
    squares += x * x;
  }
  const double mean = sum / kRuns, error = std::sqrt((squares / kRuns - mean * mean) / kRuns);
  const double expected = drift.at_rest({1, 1, 1, 1}, 5);
  EXPECT_NEAR(mean, expected, 4 * error);
  EXPECT_LT(4 * error, std::abs(expected - drift.at_rest({1, 1, 1, 1}, 1)));  // it tells drift from the minimiser
}

}  // namespace
}  // namespace tardigrad
