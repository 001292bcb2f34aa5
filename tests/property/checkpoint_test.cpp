// SPDX-License-Identifier: Apache-2.0
// A run that was broken off between any two events goes on, from its saved state alone, to the same end: every method,
// in every variant that has a stored trace, with workers that come late, vanish and return.
#include <gtest/gtest.h>

#include <deque>

#include "problems/catalogue.hpp"
#include "support/method_files.hpp"
#include "support/saved_run.hpp"

namespace tardigrad {
namespace {

using test::Leg;
using test::MemoryKeeper;
using test::MethodFile;
using test::num;
using test::SavedRun;
using test::whole;
using test::word;

// Noise, unequal workers, losses; evaluations by time, and a target on the way.
class SavedRuns : public testing::TestWithParam<MethodFile> {
 protected:
  std::unique_ptr<Leg> make_leg() const {
    const auto simulator = [&](BufferPool& buffers) {
      const sim::SimulatorOptions options{.workers = 5, .availability = &uptimes_};
      return std::make_unique<sim::Simulator>(*problem_, times_, buffers, options);
    };
    return std::make_unique<Leg>(Leg::Parts{*problem_, test::make(GetParam().table, 5), options_, simulator});
  }
  static std::unique_ptr<Problem> make_problem() {
    problems::ProblemCatalogue catalogue;
    const SettingValue::Table noise = {{"kind", word("gaussian")}, {"scale", num(0.3)}};
    Settings settings({{"dimension", whole(6)}, {"mu", num(0.25)}, {"noise", {noise}}}, "problem");
    return catalogue.row("quadratic").make(settings, {.workers = 5, .seed = 3, .data_root = {}});
  }
  static RunOptions make_options() {
    RunOptions options = test::stop_after_time(25);
    options.evaluate_every.time = from_seconds(2);
    options.target = Target{.metric = "loss", .threshold = 0.5, .hold = 2};
    return options;
  }
  static void expect_same_end(const RunResult& a, const RunResult& b) {
    EXPECT_EQ(a.digest, b.digest);
    EXPECT_EQ(a.time, b.time);
    EXPECT_EQ(a.reason, b.reason);
    EXPECT_EQ(a.counters.assigned, b.counters.assigned);
    EXPECT_EQ(a.counters.lost, b.counters.lost);
    EXPECT_EQ(a.counters.delay_sum, b.counters.delay_sum);
    EXPECT_EQ(a.time_to_target, b.time_to_target);
    EXPECT_EQ(a.updates_to_target, b.updates_to_target);
    EXPECT_EQ(a.hits.first, b.hits.first);
    EXPECT_EQ(a.hits.lasting, b.hits.lasting);
    EXPECT_EQ(a.hits.later, b.hits.later);
    EXPECT_EQ(a.hits.later_met, b.hits.later_met);
    EXPECT_EQ(a.runtime.gradients_computed, b.runtime.gradients_computed);
    EXPECT_EQ(a.runtime.gradients_wasted, b.runtime.gradients_wasted);
    EXPECT_EQ(a.runtime.utilisation, b.runtime.utilisation);
    ASSERT_EQ(a.evaluations.size(), b.evaluations.size());
    for (std::size_t i = 0; i < a.evaluations.size(); ++i) {
      EXPECT_EQ(a.evaluations[i].time, b.evaluations[i].time);
      EXPECT_EQ(a.evaluations[i].version, b.evaluations[i].version);
      EXPECT_EQ(a.evaluations[i].metrics.front().value, b.evaluations[i].metrics.front().value);
    }
    ASSERT_EQ(a.method.size(), b.method.size());
    for (std::size_t i = 0; i < a.method.size(); ++i) EXPECT_EQ(a.method[i].value, b.method[i].value);
  }

  void expect_to_go_on_from_every_event() const {
    const auto alone = make_leg();
    MemoryKeeper nobody;
    const RunResult unbroken = alone->run(nobody);
    const auto saved = make_leg();
    MemoryKeeper keeper;
    keeper.saves_every = true;
    expect_same_end(saved->run(keeper), unbroken);  // saving changes nothing
    ASSERT_GT(unbroken.counters.lost, 0u);
    ASSERT_GT(keeper.states.size(), 30u);
    for (const SavedRun& state : keeper.states) {
      const auto resumed = make_leg();
      MemoryKeeper from;
      from.from = &state;
      expect_same_end(resumed->run(from), unbroken);
      ASSERT_EQ(resumed->method_state, alone->method_state);
      if (HasFailure()) break;
    }
  }

  const std::unique_ptr<Problem> problem_ = make_problem();
  const test::RandomTimes times_{11};
  const test::RandomUptimes uptimes_{5, 6.0, 2.0};
  RunOptions options_ = make_options();
};

TEST_P(SavedRuns, GoOnFromEveryEvent) { expect_to_go_on_from_every_event(); }

// Evaluations by updates, and an end where one may just have been made.
TEST_P(SavedRuns, GoOnWhateverEndsThem) {
  options_ = {.stop = {.gradients = 41}, .evaluate_every = {.updates = 2}};
  expect_to_go_on_from_every_event();
}

// Each event in a world of its own: what a state was loaded into must be saved as well as what has always been there.
TEST_P(SavedRuns, AreBrokenOffAfterEveryEvent) {
  const auto alone = make_leg();
  MemoryKeeper nobody;
  const RunResult unbroken = alone->run(nobody);
  std::deque<std::unique_ptr<Leg>> legs;
  std::deque<MemoryKeeper> keepers;
  for (const SavedRun* last = nullptr;;) {
    Leg& leg = *legs.emplace_back(make_leg());
    MemoryKeeper& keeper = keepers.emplace_back();
    keeper.from = last;
    keeper.stop_after = 1;
    const RunResult result = leg.run(keeper);
    if (result.reason != StopReason::interrupted) {
      expect_same_end(result, unbroken);
      break;
    }
    last = &keeper.states.back();
  }
  EXPECT_GT(legs.size(), 50u);
}

INSTANTIATE_TEST_SUITE_P(Methods, SavedRuns, testing::ValuesIn(test::method_files()), test::name_of_method_file);

// Workers that wait for the next release, or have had their last; open buffers and counts.
MethodFile private_buffer() {
  const SettingValue::Table clipping = {{"rule", word("quantile")}, {"every", whole(2)}};
  const SettingValue::Table privacy = {
      {"noise_multiplier", num(0.5)}, {"contributions_per_release", whole(1)}, {"max_participations", whole(12)}};
  return {.name = "fedbuff-private",
          .table = {{"name", word("fedbuff")},
                    {"local_step_size", num(0.125)},
                    {"buffer_size", whole(4)},
                    {"clip_radius", num(0.125)},
                    {"clipping", {clipping}},
                    {"privacy", {privacy}}}};
}
// Rounds that wait for workers, and, with a deadline that passes often, for those who are late.
MethodFile waiting(const char* name, SettingValue::Table table) {
  table["min_workers"] = whole(4);
  table["deadline"] = num(0.25);
  return {.name = std::string(name) + "-waiting", .table = std::move(table)};
}
INSTANTIATE_TEST_SUITE_P(Waiting, SavedRuns,
                         testing::Values(waiting("fedavg", {{"name", word("fedavg")},
                                                            {"local_step_size", num(0.125)},
                                                            {"clients_per_round", whole(3)},
                                                            {"sampling", word("examples")}}),
                                         waiting("m-sync-sgd", {{"name", word("m-sync-sgd")},
                                                                {"step_size", num(0.125)},
                                                                {"m", whole(2)},
                                                                {"late", word("ignore")}})),
                         test::name_of_method_file);
INSTANTIATE_TEST_SUITE_P(Private, SavedRuns, testing::Values(private_buffer()), test::name_of_method_file);

}  // namespace
}  // namespace tardigrad
