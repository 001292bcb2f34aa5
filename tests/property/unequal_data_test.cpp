// SPDX-License-Identifier: Apache-2.0
// Where methods come to rest when every worker has data of its own. On f_i(x) = 1/2 sum_j a_j (x_j - b_ij)^2, without
// noise, the minimiser of sum_i w_i f_i is the weighted mean of the b_i, and that of the plain mean is 0. Workers of
// 1, 1, 3 and 7 s, so that who follows the fast ones ends elsewhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "problems/catalogue.hpp"
#include "support/fake_world.hpp"
#include "support/method_files.hpp"

namespace tardigrad {
namespace {

using test::MethodFile;
using test::num;
using test::whole;
using test::word;

constexpr std::size_t kWorkers = 4, kDimension = 5;
const std::vector<double> kSeconds = {1.0, 1.0, 3.0, 7.0};

struct UnequalQuadratic {
  UnequalQuadratic() {
    problems::ProblemCatalogue catalogue;
    const SettingValue::Table shift = {{"shift", num(1.0)}};
    Settings settings({{"dimension", whole(kDimension)}, {"mu", num(0.25)}, {"heterogeneity", {shift}}}, "problem");
    problem = catalogue.row("quadratic").make(settings, {.workers = kWorkers, .seed = 1, .data_root = {}});
    const auto replica = problem->make_replica();
    const std::vector<float> zero(kDimension, 0.0f), one(kDimension, 1.0f);
    std::vector<float> at_zero(kDimension), at_one(kDimension);
    for (WorkerId worker = 0; worker < kWorkers; ++worker) {
      replica->gradient({.worker = worker}, zero, at_zero);
      replica->gradient({.worker = worker}, one, at_one);
      for (std::size_t j = 0; j < kDimension; ++j) {
        a[j] = at_one[j] - at_zero[j];
        b[worker][j] = -at_zero[j] / a[j];
        spread = std::max(spread, std::abs(b[worker][j]));
      }
    }
  }
  double weighted_minimiser(const std::array<double, kWorkers>& weights, std::size_t j) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < kWorkers; ++i) sum += weights[i] * b[i][j];
    return sum / std::accumulate(weights.begin(), weights.end(), 0.0);
  }

  std::unique_ptr<Problem> problem;
  std::array<double, kDimension> a{};
  std::array<std::array<double, kDimension>, kWorkers> b{};
  double spread = 0.0;  // the largest |b_ij|
};
const UnequalQuadratic& unequal() {
  static const UnequalQuadratic quadratic;
  return quadratic;
}

test::Outcomes run(const SettingValue::Table& settings, const RunOptions& options) {
  const auto method = test::make(settings, kWorkers);
  return test::simulate(*unequal().problem, test::FixedTimes(kSeconds), *method, {.workers = kWorkers, .run = options});
}

double number_or(const SettingValue::Table& table, const char* key, double fallback) {
  return table.contains(key) ? table.at(key).number() : fallback;
}

// How far an (effective) gradient pulls of its way, coordinate by coordinate: a_j, or 1 - (1 - eta a_j)^K.
double pull(const SettingValue::Table& settings, std::size_t j) {
  if (!settings.contains("local_step_size")) return unequal().a[j];
  const double steps = number_or(settings, "local_steps", 1.0);
  return 1 - std::pow(1 - settings.at("local_step_size").number() * unequal().a[j], steps);
}

// The table with a shorter step, and clipping at a radius that nothing reaches. Nothing for what comes to rest
// elsewhere by design: clipping that finds its radius or looks at blocks and coordinates, noise for privacy, update
// rules with regularisation or steps of their own; or would take longer, as falling schedules.
std::optional<SettingValue::Table> plain(SettingValue::Table settings, double scale) {
  for (const char* key : {"clipping", "privacy", "update", "local_clip_radius", "schedule"})
    if (settings.contains(key)) return std::nullopt;
  if (settings.contains("clip_radius")) {
    if (!settings.at("clip_radius").is_number()) return std::nullopt;
    settings["clip_radius"] = num(1e6);
  }
  settings["step_size"] = num(number_or(settings, "step_size", 1.0) * scale);
  return settings;
}

// The table in which its row promises fairness: "yes; unless clipped ..." or "with KEY = VALUE, ...; unless clipped
// ...". Of "VALUE or VALUE" the first.
std::optional<SettingValue::Table> fair_form(SettingValue::Table settings, std::string promise) {
  const std::size_t unless = promise.find("; unless clipped");
  if (unless == std::string::npos) return std::nullopt;
  if (settings.contains("deadline")) {
    EXPECT_TRUE(promise.ends_with(" or with a deadline")) << promise;
    return std::nullopt;
  }
  promise.resize(unless);
  if (promise == "yes") return settings;
  EXPECT_TRUE(promise.starts_with("with ")) << promise;
  promise = promise.substr(4);
  const std::regex condition(R"re( (\w+) (?:= )?"?([\w-]+)"?(?: or "\w+")?(?:,|$))re");
  std::size_t understood = 0;
  for (std::sregex_iterator match(promise.begin(), promise.end(), condition), end; match != end; ++match) {
    understood += static_cast<std::size_t>(match->length());
    const std::string value = (*match)[2];
    const bool is_number = value.find_first_not_of("0123456789") == std::string::npos;
    settings[(*match)[1]] = value == "workers" ? whole(kWorkers)
                            : is_number        ? whole(std::stoi(value))
                                               : word(value.c_str());
  }
  EXPECT_EQ(understood, promise.size()) << promise;
  if (number_or(settings, "local_steps", 0.0) == 1.0) {  // these act on further steps only
    for (const char* key : {"time_budget", "normalise"}) settings.erase(key);
    if (settings.contains("proximal_weight")) settings["proximal_weight"] = num(0);
  }
  if (settings.contains("max_staleness")) return std::nullopt;  // discards who is slow
  return settings;
}

// Everybody has the same chance, but not the same share of every stretch of time.
bool draws(const SettingValue::Table& settings) {
  const auto dispatch = settings.find("dispatch");
  return settings.contains("clients_per_round") || (dispatch != settings.end() && dispatch->second == word("uniform"));
}

std::vector<MethodFile> fair_methods() {
  std::vector<MethodFile> list;
  for (const MethodFile& file : test::method_files()) {
    const auto row = std::ranges::find(methods::catalogue(), file.method(), &MethodRow::name);
    const auto settings = fair_form(file.table, row->heterogeneous);
    if (settings && plain(*settings, 1.0)) list.push_back({file.name, *settings});
  }
  return list;
}

class FairToAllData : public testing::TestWithParam<MethodFile> {};
INSTANTIATE_TEST_SUITE_P(Methods, FairToAllData, testing::ValuesIn(fair_methods()), test::name_of_method_file);

// Where nobody is drawn, 0 is a point of rest: every sum of gradients that is applied there is 0. What float32 leaves
// is the rounding of such sums: at most two of 5 G an arrival, G the largest local gradient, over at most 1024 n
// arrivals (then they are summed afresh), divided by n, over a_j.
// Draws make x a random walk with drift: of independent draws, with q = step * pull, it has the variance
// q/(2 - q) Var_i(b_ij). Draws whose orders wait in a queue, at most n of them, count later: n q (spread) each way.
// The first 16 time constants of the slowest coordinate forget x0.
struct Rest {
  test::Outcomes end;
  std::array<double, kDimension> margin{};
};
Rest rest_of(const SettingValue::Table& table, double clip_radius = 0.0) {
  const UnequalQuadratic& f = unequal();
  const bool drawn = draws(table);
  SettingValue::Table settings = *plain(table, drawn ? 0x1p-9 : 0x1p-3);
  if (clip_radius > 0.0) settings["clip_radius"] = num(clip_radius);
  const double step = settings.at("step_size").number();
  const auto updates = static_cast<std::uint64_t>(16 / (step * pull(settings, 0)));
  Rest rest{run(settings, drawn ? test::stop_after_updates(updates) : test::stop_after_time(40'000))};
  EXPECT_GE(rest.end.result.counters.updates, updates);
  for (std::size_t j = 0; j < kDimension; ++j) {
    rest.margin[j] = 2 * 1024 * kWorkers * 0x1p-24 * 5 * f.spread / kWorkers + std::exp(-16.0) * (1 + f.spread);
    if (!drawn) continue;
    const double q = step * pull(settings, j);
    double variance = 0.0;
    for (const auto& centre : f.b) variance += centre[j] * centre[j] / kWorkers;
    rest.margin[j] += 5 * std::sqrt(q / (2 - q) * variance) + 2 * kWorkers * q * f.spread;
  }
  return rest;
}

TEST_P(FairToAllData, EndsInTheMinimiserOfThePlainMean) {
  const Rest rest = rest_of(GetParam().table);
  double squared_margin = 0.0, squared_bias = 0.0;
  for (std::size_t j = 0; j < kDimension; ++j) {
    EXPECT_NEAR(rest.end.x[j], 0.0, rest.margin[j]) << j;
    squared_margin += rest.margin[j] * rest.margin[j];
    squared_bias += std::pow(unequal().weighted_minimiser({1, 1, 1.0 / 3, 1.0 / 7}, j), 2);
  }
  EXPECT_LT(4 * squared_margin, squared_bias) << "the margin does not tell it from a method that follows the fast";
}

// "unless clipped" is true of every one of them: with a radius of half the shortest of the workers' gradients at 0 all
// that arrive near 0 are clipped, so that every worker pulls alike, however far away its own minimiser is.
TEST_P(FairToAllData, EndsElsewhereWhenItClips) {
  const UnequalQuadratic& f = unequal();
  double shortest = std::numeric_limits<double>::infinity();
  for (const auto& centre : f.b) {
    double square = 0.0;
    for (std::size_t j = 0; j < kDimension; ++j) square += std::pow(f.a[j] * centre[j], 2);
    shortest = std::min(shortest, std::sqrt(square));
  }
  const Rest rest = rest_of(GetParam().table, shortest / 2 * number_or(GetParam().table, "local_step_size", 1.0));
  EXPECT_GT(rest.end.result.counters.clipped, rest.end.result.counters.applied / 2);
  double squared_margin = 0.0, squared_distance = 0.0;
  for (std::size_t j = 0; j < kDimension; ++j) {
    squared_margin += rest.margin[j] * rest.margin[j];
    squared_distance += std::pow(static_cast<double>(rest.end.x[j]), 2);
  }
  EXPECT_GT(squared_distance, squared_margin);
}

// --- Methods that use gradients as they come. Let c_k multiply the k-th gradient applied, of worker i_k. Then
//   e <- e - c_k a (e' - (b_{i_k} - x*))      e = x - x*, e' that of the point where the gradient was computed,
// with x* the mean of the b_i weighted by sum c_k. Let F_k = a sum_{l<=k} c_l (b_{i_l} - x*), which begins and ends at
// 0: e - F follows F as a low pass with gain 1 does (steps are small, so that delays make no overshoot), and so |e| is
// at most the range of F, beside what is left of the beginning.

struct Case {
  const char* file;
  double scale = 0x1p-7;
  bool follows_speed = false;  ///< every gradient counts alike: x* is the minimiser of sum f_i/tau_i
  double compensation = 0.0;   ///< lambda of a further term c lambda g^2 (x - x_{t-tau}), with |g| <= 2 a (spread)
};
// Not here: adaptive rules and normalised steps, which are not linear in the gradients (AdaDelay's steps for each
// coordinate, FADAS, Papaya's Adam, methods that step by the norm or by matrices), and FedAsync with a proximal term.
void PrintTo(const Case& c, std::ostream* out) { *out << c.file; }
class FollowsWhoComes : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(
    Methods, FollowsWhoComes,
    testing::Values(Case{.file = "vanilla-asgd", .follows_speed = true},
                    Case{.file = "clipped-asgd", .follows_speed = true},
                    Case{.file = "picky-sgd", .follows_speed = true}, Case{.file = "delay-adaptive-asgd"},
                    Case{.file = "mishchenko-asgd"}, Case{.file = "mishchenko-asgd-drop"}, Case{.file = "wu-asgd"},
                    Case{.file = "wu-asgd-2"}, Case{.file = "adadelay-asgd-scalar", .scale = 0.25},
                    Case{.file = "staleness-aware-asgd"}, Case{.file = "n-softsync"}, Case{.file = "ringmaster-asgd"},
                    Case{.file = "ringmaster-asgd-stop"}, Case{.file = "ht-delay-lr"},
                    Case{.file = "ht-delay-lr-buffered"}, Case{.file = "m-sync-sgd"}, Case{.file = "m-sync-sgd-ignore"},
                    Case{.file = "rennala-sgd"}, Case{.file = "rennala-sgd-ignore"},
                    Case{.file = "async-minibatch-sgd"}, Case{.file = "dc-asgd", .compensation = 0.5},
                    Case{.file = "fedbuff"}, Case{.file = "fedasync"}),
    [](const auto& one) {
      std::string name = one.param.file;
      std::ranges::replace(name, '-', '_');
      return name;
    });

TEST_P(FollowsWhoComes, EndsInTheMinimiserWeightedByWhatWasApplied) {
  const UnequalQuadratic& f = unequal();
  const auto file = std::ranges::find(test::method_files(), GetParam().file, &MethodFile::name);
  ASSERT_NE(file, test::method_files().end());
  const SettingValue::Table settings = *plain(file->table, GetParam().scale);

  // Long enough that the second half forgets where it began.
  std::vector<ArrivalRecord> half;
  std::vector<float> x;
  double total = 0.0;
  for (std::uint64_t gradients = 1 << 14; total * pull(settings, 0) < 16; gradients *= 2) {
    ASSERT_LE(gradients, 1u << 21);
    RunOptions options;
    options.stop.gradients = gradients;
    auto outcomes = run(settings, options);
    half.assign(outcomes.arrivals.begin() + static_cast<std::ptrdiff_t>(outcomes.arrivals.size() / 2),
                outcomes.arrivals.end());
    x = outcomes.x;
    total = 0.0;
    for (const ArrivalRecord& a : half) total += a.coefficient;
  }
  std::array<double, kWorkers> weights{};
  for (const ArrivalRecord& a : half) weights[a.order.worker] += a.coefficient;
  if (GetParam().follows_speed) {
    const double rate = 1 + 1 + 1.0 / 3 + 1.0 / 7;
    for (std::size_t i = 0; i < kWorkers; ++i)  // counts are known to one at each end
      EXPECT_NEAR(weights[i] / total, 1 / kSeconds[i] / rate, 2.0 / static_cast<double>(half.size())) << i;
  }

  double squared_margin = 0.0, squared_bias = 0.0;
  for (std::size_t j = 0; j < kDimension; ++j) {
    const double at_rest = f.weighted_minimiser(weights, j);
    double force = 0.0, low = 0.0, high = 0.0;
    for (const ArrivalRecord& a : half) {
      force += a.coefficient * pull(settings, j) * (f.b[a.order.worker][j] - at_rest);
      low = std::min(low, force);
      high = std::max(high, force);
    }
    const double further = GetParam().compensation * f.a[j] * std::pow(2 * f.spread, 2);
    const double margin = (high - low) * (1 + further) + std::exp(-16.0) * (1 + f.spread) + 1e-5;  // of float32
    EXPECT_NEAR(x[j], at_rest, margin) << j;
    squared_margin += margin * margin;
    squared_bias += at_rest * at_rest;
  }
  EXPECT_LT(9 * squared_margin, squared_bias) << "the margin does not tell it from a method that is fair";
}

}  // namespace
}  // namespace tardigrad
