// SPDX-License-Identifier: Apache-2.0
// The account of privacy, attacked: random schedules of every method with a private form are run again with what one
// worker brings replaced by the worst, and how far each release moves, in deviations of its noise, is compared with
// what the account says. Nothing in here uses the formulas of the account but the last line: rho = half the sum of
// squares.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/zcdp.hpp"
#include "support/method_files.hpp"
#include "support/settings.hpp"

namespace tardigrad {
namespace {

using test::MethodFile;
using test::num;
using test::table;
using test::whole;
using test::word;

constexpr std::size_t kWorkers = 5, kDimension = 64, kFirstTensor = 16;

// Gradients that do not depend on x, of two tensors. The others move coordinate 1 of the first one, by norms on both
// sides of every radius; the attacked worker moves coordinate 0 of both tensors; noise alone moves the rest.
class Attack final : public Problem {
 public:
  Attack(WorkerId attacked, float size) : attacked_(attacked), size_(size) {
    layout_.add("first", {kFirstTensor});
    layout_.add("second", {kDimension - kFirstTensor});
  }
  const Layout& layout() const override { return layout_; }
  void initial_point(std::span<float> x) const override { std::ranges::fill(x, 0.0f); }
  std::vector<std::string> metric_names() const override { return std::vector<std::string>(kDimension, "x"); }
  std::vector<Metric> metrics(std::span<const double> sums) const override {
    std::vector<Metric> x;
    for (const double value : sums) x.push_back({"x", value});
    return x;
  }
  std::unique_ptr<Replica> make_replica() const override { return std::make_unique<Worker>(*this); }

 private:
  class Worker final : public Replica {
   public:
    explicit Worker(const Attack& attack) : attack_(attack) {}
    double gradient(const Order& order, std::span<const float>, std::span<float> g) override {
      std::ranges::fill(g, 0.0f);
      if (order.worker == attack_.attacked_)
        g[0] = g[kFirstTensor] = attack_.size_;
      else
        g[1] = static_cast<float>(0.05 * Stream(9, Purpose::gradient_noise, order.worker, order.index).exponential());
      return 0.0;
    }
    std::vector<double> evaluate(std::span<const float> x, std::size_t, const void*) override {
      return {x.begin(), x.end()};
    }

   private:
    const Attack& attack_;
  };
  WorkerId attacked_;
  float size_;
  Layout layout_;
};

// The radius after every event.
class Cancellable final : public Method {
 public:
  explicit Cancellable(Method& method) : method_(method) {}
  Capabilities required_capabilities() const override { return method_.required_capabilities(); }
  void on_worker_joined(const WorkerInfo& worker, Model& model, Commands& commands) override {
    method_.on_worker_joined(worker, model, commands);
  }
  Decision on_gradient(const Order& order, const Gradient& gradient, Model& model, Commands& commands) override {
    const Decision decision = method_.on_gradient(order, gradient, model, commands);
    for (const Metric& figure : method_.figures())
      if (figure.name == "clip_radius") log_radii.push_back(std::log(figure.value));
    return decision;
  }
  void on_worker_lost(WorkerId worker, std::size_t lost, Model& model, Commands& commands) override {
    method_.on_worker_lost(worker, lost, model, commands);
  }
  Version oldest_useful_version() const override { return method_.oldest_useful_version(); }
  void serialize(Archive& archive) override { method_.serialize(archive); }
  std::vector<Metric> figures() const override { return method_.figures(); }
  std::vector<double> log_radii;

 private:
  Method& method_;
};

struct Schedule {
  std::uint64_t seed;
  bool comings_and_goings;
};

struct Trace {
  test::Outcomes outcomes;
  std::vector<double> log_radii;
  double figure(const std::string& name) const {
    for (const Metric& metric : outcomes.result.method)
      if (metric.name == name) return metric.value;
    return std::numeric_limits<double>::quiet_NaN();
  }
  const std::vector<Metric>& x(std::size_t version) const { return outcomes.evaluations[version].metrics; }
};

Trace run(const SettingValue::Table& settings, const Schedule& schedule, WorkerId attacked, float size) {
  const Attack problem(attacked, size);
  const test::RandomTimes times(schedule.seed);
  const test::ComingAndGoing availability({.seed = schedule.seed, .uptime = 12.0, .downtime = 3.0, .late = 2});
  const auto method = test::make(settings, kWorkers, schedule.seed, schedule.comings_and_goings ? 1 : 0);
  Cancellable watched(*method);
  Trace trace;
  trace.outcomes = test::simulate(problem, times, watched,
                                  {.workers = kWorkers,
                                   .run = {.stop = {.gradients = 70}, .evaluate_every = {.updates = 1}},
                                   .availability = schedule.comings_and_goings ? &availability : nullptr});
  trace.log_radii = std::move(watched.log_radii);
  auto& evaluations =
      trace.outcomes.evaluations;  // that of the end is of a version that was evaluated when it was made
  const auto twice = std::ranges::unique(evaluations, {}, &EvaluationRecord::version);
  evaluations.erase(twice.begin(), twice.end());
  for (std::size_t i = 0; i < evaluations.size(); ++i) EXPECT_EQ(evaluations[i].version, i);
  return trace;
}

// Who arrives when, and what becomes of it, is the same whatever the attacked worker brings.
void expect_same_schedule(const Trace& a, const Trace& b) {
  ASSERT_EQ(a.outcomes.arrivals.size(), b.outcomes.arrivals.size());
  for (std::size_t i = 0; i < a.outcomes.arrivals.size(); ++i) {
    const ArrivalRecord &own = a.outcomes.arrivals[i], &other = b.outcomes.arrivals[i];
    ASSERT_TRUE(own.order.id == other.order.id && own.time == other.time && own.outcome == other.outcome &&
                own.order.worker == other.order.worker && own.updates == other.updates);
  }
  EXPECT_EQ(a.figure("rho"), b.figure("rho"));
}

// The numbers that the noise of a version is made of.
std::vector<float> normals(std::uint64_t seed, Version version) {
  const Attack problem(0, 0.0f);
  BufferPool buffers(kDimension);
  Buffer zero = buffers.take();
  std::ranges::fill(zero.view(), 0.0f);
  ServerModel model(buffers, problem.layout(), std::move(zero));
  VectorProgram program;
  program.noise(vec::kModel, vec::kModel, 1.0, seed, version);
  model.run(program, nullptr);
  const auto x = model.snapshot().view();
  return {x.begin(), x.end()};
}

// Half the sum over the updates of (distance of the two x, grown by that update, over the deviation of its noise)^2.
// `scale`: 1 where b brings nothing, 1/2 where it brings the opposite.
double rho_of_updates(const Trace& a, const Trace& b, std::uint64_t seed, double scale) {
  double rho = 0.0;
  for (Version version = 0; version + 1 < a.outcomes.evaluations.size(); ++version) {
    double square = 0.0, noise = 0.0, norm = 0.0;
    const std::vector<float> draws = normals(seed, version);
    for (std::size_t j = 0; j < kDimension; ++j) {
      const double grown = a.x(version + 1)[j].value - a.x(version)[j].value,
                   other = b.x(version + 1)[j].value - b.x(version)[j].value;
      square += (grown - other) * (grown - other);
      if (j == 0 || j == 1 || j == kFirstTensor) continue;
      noise += grown * draws[j];
      norm += static_cast<double>(draws[j]) * draws[j];
    }
    const double deviation = noise / norm;
    rho += scale * scale * square / (deviation * deviation) / 2;
  }
  return rho;
}

// The same of counts of norms, whose radius tells the count: C <- C exp(-rate (count/every - quantile)). One with small
// norms and one with large ones are twice as far from each other as either is from nothing.
struct Counts {
  double rate, every, noise;
};
double rho_of_counts(const Trace& large, const Trace& small, const Counts& counts) {
  double rho = 0.0, before = 0.0;
  for (std::size_t i = 0; i < large.log_radii.size(); ++i) {
    const double apart = large.log_radii[i] - small.log_radii[i];
    const double moved = (apart - before) / counts.rate * counts.every / 2;
    rho += moved * moved / (counts.noise * counts.noise) / 2;
    before = apart;
  }
  return rho;
}

// The variants of tests/golden that have a private form, without what is set here: clipping, and update rules and
// schedules from whose steps a direction cannot be read off.
std::vector<MethodFile> private_methods() {
  std::vector<MethodFile> methods;
  for (MethodFile file : test::method_files()) {
    for (const char* key : {"update", "schedule", "clipping", "local_clip_radius", "privacy"}) file.table.erase(key);
    file.table["clip_radius"] = num(0.05);
    const auto same = [&](const MethodFile& other) { return other.table == file.table; };
    if (std::ranges::any_of(methods, same)) continue;
    SettingValue::Table settings = file.table;
    settings["privacy"] = table({{"noise_multiplier", num(2)}});
    const std::string error = test::error_of(settings, kWorkers);
    if (error == "no error")
      methods.push_back(file);
    else if (error.find("no private form") == std::string::npos)
      ADD_FAILURE() << error;
  }
  return methods;
}

class PrivacyAttack : public testing::TestWithParam<MethodFile> {
 protected:
  static SettingValue::Table settings_with(SettingValue::Table privacy, SettingValue::Table clipping) {
    SettingValue::Table settings = GetParam().table;
    settings["clipping"] = {std::move(clipping)};
    privacy["noise_multiplier"] = num(2);
    settings["privacy"] = {std::move(privacy)};
    return settings;
  }
  static bool has_buffer() { return GetParam().table.count("buffer_size") > 0; }
};
INSTANTIATE_TEST_SUITE_P(Methods, PrivacyAttack, testing::ValuesIn(private_methods()), test::name_of_method_file);

constexpr Schedule kSchedules[] = {{1, false}, {2, true}};

// What the account says is what the worst contributions do, of the worker that is attacked best.
TEST_P(PrivacyAttack, TheAccountIsWhatTheWorstContributionsMove) {
  for (const char* rule : {"norm", "block"})
    for (const std::int64_t bound : {0, 1, 2}) {  // 0: the default
      if (bound > 0 && !has_buffer()) continue;
      SettingValue::Table privacy;
      if (bound > 0) privacy["contributions_per_release"] = whole(bound);
      const auto settings = settings_with(privacy, {{"rule", word(rule)}});
      for (const Schedule& schedule : kSchedules) {
        double worst = 0.0, told = 0.0;
        for (WorkerId worker = 0; worker < kWorkers; ++worker) {
          const Trace nothing = run(settings, schedule, worker, 0.0f), large = run(settings, schedule, worker, 10.0f);
          expect_same_schedule(nothing, large);
          told = large.figure("rho");
          const double rho = rho_of_updates(large, nothing, schedule.seed, 1.0);
          EXPECT_LE(rho, told * 1.001) << rule << " worker " << worker << " bound " << bound;
          worst = std::max(worst, rho);
        }
        EXPECT_GT(told, 0.0);
        EXPECT_NEAR(worst, told, 1e-3 * told) << rule << " bound " << bound << " seed " << schedule.seed;
      }
    }
}

// Updates and counts together, where the radius hardly moves; where it does, the noise is for the largest radius.
TEST_P(PrivacyAttack, TheAccountCoversThePrivateRadius) {
  for (const double rate : {1e-7, 0.5})
    for (const std::int64_t every : {1, 4}) {
      constexpr double kNoise = 3.0;
      auto settings = settings_with(
          {}, {{"rule", word("quantile")}, {"rate", num(rate)}, {"every", whole(every)}, {"noise", num(kNoise)}});
      // Plus and minus are to be opposites of one length, and a correction is no odd function.
      if (settings.count("compensation")) settings["compensation"] = num(1e-6);
      for (const Schedule& schedule : kSchedules) {
        double worst = 0.0, told = 0.0;
        for (WorkerId worker = 0; worker < kWorkers; ++worker) {
          const Trace plus = run(settings, schedule, worker, 10.0f), minus = run(settings, schedule, worker, -10.0f);
          expect_same_schedule(plus, minus);
          told = plus.figure("rho");
          double rho = rho_of_updates(plus, minus, schedule.seed, 0.5);
          if (rate < 0.1) {  // or the radius, once it differs, lets others' norms be counted otherwise
            const Trace small = run(settings, schedule, worker, 0.0f);
            expect_same_schedule(plus, small);
            rho += rho_of_counts(plus, small, {.rate = rate, .every = static_cast<double>(every), .noise = kNoise});
          }
          EXPECT_LE(rho, told * 1.001) << rate << " every " << every << " worker " << worker;
          worst = std::max(worst, rho);
        }
        const double least = rate < 0.1 ? told : 0.0;
        EXPECT_GE(worst, least * 0.999) << " every " << every << " seed " << schedule.seed;
      }
    }
}

// However a schedule goes, and whatever a release holds, nobody pays more than the limit.
TEST_P(PrivacyAttack, TheLimitIsABound) {
  for (const std::int64_t limit : {1, 7})
    for (const bool radius : {false, true}) {
      const auto settings =
          settings_with({{"max_participations", whole(limit)}}, {{"rule", word(radius ? "quantile" : "norm")}});
      for (const Schedule& schedule : kSchedules) {
        const Trace trace = run(settings, schedule, 0, 10.0f);
        EXPECT_LE(trace.figure("largest_participations"), static_cast<double>(limit));
        EXPECT_LE(trace.figure("epsilon"), trace.figure("epsilon_limit"));
        EXPECT_EQ(trace.figure("epsilon"), zcdp_epsilon(trace.figure("rho"), trace.figure("delta")));
      }
    }
}

// With one contribution of each to a release that needs them all, workers that leave and return stop nobody: each gets
// work again, until it has had its last.
TEST_P(PrivacyAttack, NobodyWaitsForEver) {
  if (!has_buffer()) return;
  for (const bool limited : {false, true}) {
    SettingValue::Table privacy = {{"contributions_per_release", whole(1)}};
    if (limited) privacy["max_participations"] = whole(9);
    SettingValue::Table settings = settings_with(privacy, {{"rule", word("norm")}});
    settings["buffer_size"] = whole(kWorkers);
    settings[GetParam().method() == "fedbuff" ? "staleness_exponent" : "delay_exponent"] = num(0);
    settings.erase("concurrency");
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const Trace trace = run(settings, {seed, true}, 0, 10.0f);
      std::vector<std::uint64_t> applied(kWorkers);
      for (const ArrivalRecord& a : trace.outcomes.arrivals) applied[a.order.worker] += a.outcome == Outcome::applied;
      for (const std::uint64_t count : applied) EXPECT_GE(count, 5u) << seed;
      // z = 2: as many releases as contributions, but for one that is open.
      const double releases = trace.figure("rho") * 8, most = trace.figure("largest_participations");
      EXPECT_LE(releases, most) << seed;
      EXPECT_GE(releases, most - 1) << seed;
      if (limited) continue;
      EXPECT_EQ(trace.outcomes.result.reason, StopReason::gradients) << seed;
    }
  }
}

TEST(PrivacyAttacks, AreOfEveryMethodWithAPrivateForm) {
  std::vector<std::string> names;
  for (const MethodFile& file : private_methods()) names.push_back(file.method());
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"clipped-asgd", "delay-adaptive-asgd", "fedbuff", "ht-delay-comp",
                                             "ht-delay-lr", "vanilla-asgd"}));
}

}  // namespace
}  // namespace tardigrad
