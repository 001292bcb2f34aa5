// SPDX-License-Identifier: Apache-2.0
// Runs on real threads that were broken off and go on: every method, in every variant of tests/golden. Where one worker
// leaves nothing to chance, the end is that of the unbroken run, to the last bit; with several workers that vanish and
// return, all accounts hold, and the recording can be gone through from its first event to its last.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include "engines/threads/thread_runtime.hpp"
#include "support/method_files.hpp"
#include "support/recorded.hpp"
#include "support/saved_run.hpp"
#include "support/settings.hpp"
#include "support/watch.hpp"

namespace tardigrad {
namespace {

using test::Leg;
using test::MemoryKeeper;
using test::MethodFile;
using test::SavedRun;

class SavedThreads : public testing::TestWithParam<MethodFile> {
 protected:
  std::unique_ptr<Leg> make_leg(const threads::ThreadOptions& options, const RunOptions& run) const {
    const auto threads = [this, options](BufferPool& buffers) {
      return std::make_unique<threads::ThreadRuntime>(bowl_, buffers, options);
    };
    return std::make_unique<Leg>(Leg::Parts{bowl_, test::make(GetParam().table, options.workers), run, threads});
  }
  const test::Bowl bowl_{{.dimension = 3, .noise = 0.5}};
};

void expect_same_updates(std::span<const ArrivalRecord> a, std::span<const ArrivalRecord> b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].order.id, b[i].order.id);
    ASSERT_EQ(a[i].order.index, b[i].order.index);
    ASSERT_EQ(a[i].order.version, b[i].order.version);
    ASSERT_EQ(a[i].outcome, b[i].outcome);
    if (a[i].outcome != Outcome::applied) continue;
    ASSERT_EQ(a[i].norm, b[i].norm);
    ASSERT_EQ(a[i].coefficient, b[i].coefficient);
  }
}

TEST_P(SavedThreads, OneWorkerGoesOnFromEveryThirdEvent) {
  if (test::error_of(GetParam().table, 1) != "no error") GTEST_SKIP() << "is for several workers";
  if (GetParam().method() == "adaptive-sync" || GetParam().table.count("local_budget") > 0)
    GTEST_SKIP() << "decides by times";
  const RunOptions stop{.stop = {.updates = 60, .gradients = 600}};
  const auto alone = make_leg({.workers = 1}, stop);
  MemoryKeeper keeper;
  keeper.saves_every = true;
  const RunResult unbroken = alone->run(keeper);
  const std::vector<ArrivalRecord>& all = alone->recorder.arrivals;
  for (std::size_t i = 0; i < keeper.states.size() && !HasFailure(); i += 3) {
    const SavedRun& state = keeper.states[i];
    const auto resumed = make_leg({.workers = 1}, stop);
    MemoryKeeper from;
    from.from = &state;
    const RunResult result = resumed->run(from);
    EXPECT_EQ(result.reason, unbroken.reason);
    EXPECT_EQ(result.counters.assigned, unbroken.counters.assigned);
    EXPECT_GE(result.runtime.gradients_computed, result.runtime.gradients_wasted + result.counters.applied);
    expect_same_updates(resumed->recorder.arrivals, std::span(all).subspan(state.records()));
    EXPECT_EQ(std::memcmp(resumed->x.data(), alone->x.data(), alone->x.size() * sizeof(float)), 0);
  }
}

// Runs of four workers that come and go, recorded, in one leg or in many.
class RecordedThreads : public SavedThreads {
 protected:
  static constexpr std::size_t kWorkers = 4;

  // Breaks the run off after so many events, and goes on from one of the last states: a kill loses what came after it.
  void run_in_legs(const std::function<std::size_t()>& events) {
    for (const SavedRun* from = nullptr;;) {
      Leg& leg = *legs_.emplace_back(make_leg(options_, {.stop = {.gradients = 400}}));
      MemoryKeeper& keeper = keepers_.emplace_back();
      record::RecordingWriter recording(file_, {}, {.kept = from ? from->recording_bytes : 0});
      keeper.from = from;
      keeper.recording = &recording;
      keeper.saves_every = true;
      keeper.stop_after = events();
      result_ = leg.run(keeper);
      records_.insert(records_.end(), leg.recorder.arrivals.begin(), leg.recorder.arrivals.end());
      if (result_.reason != StopReason::interrupted) {
        recording.end({.time = result_.time, .reason = name_of(result_.reason), .digest = result_.digest});
        return recording.close();
      }
      from = &keeper.states[keeper.states.size() / 2 + dice_.below((keeper.states.size() + 1) / 2)];
      records_.resize(from->records());
    }
  }

  // Every order came to one end, and the counters say to which.
  void expect_all_accounts_to_hold() {
    std::set<OrderId> seen;
    std::map<Outcome, std::uint64_t> outcomes;
    for (const ArrivalRecord& record : records_) {
      EXPECT_TRUE(seen.insert(record.order.id).second) << "order " << record.order.id << " came to two ends";
      EXPECT_LT(record.order.id, result_.counters.assigned);
      ++outcomes[record.outcome];
    }
    const Counters& c = result_.counters;
    EXPECT_EQ(outcomes[Outcome::applied], c.applied);
    EXPECT_EQ(outcomes[Outcome::discarded], c.discarded);
    EXPECT_EQ(outcomes[Outcome::cancelled], c.cancelled);
    EXPECT_EQ(outcomes[Outcome::lost], c.lost);
    EXPECT_EQ(result_.evaluations.back().version, c.updates);
    EXPECT_GE(result_.runtime.gradients_computed, result_.runtime.gradients_wasted + c.applied);
    EXPECT_LE(c.delay_max, test::delay_bound(GetParam(), kWorkers));
    EXPECT_NE(result_.reason, StopReason::diverged);
    EXPECT_TRUE(std::ranges::all_of(legs_.back()->x, [](float value) { return std::isfinite(value); }));
  }

  void expect_the_recording_to_be_gone_through() {
    record::RecordingReader reader(file_);
    const std::unique_ptr<Method> method = test::make(GetParam().table, kWorkers);
    const test::Outcomes again = test::replay_run(bowl_, *method, reader);
    EXPECT_EQ(reader.status(), record::RecordingReader::Status::ended) << reader.trouble();
    EXPECT_EQ(again.result.digest, result_.digest);
    EXPECT_EQ(again.x, legs_.back()->x);
    expect_same_updates(again.arrivals, records_);
  }

  const test::RandomTimes times_{7};
  const test::ComingAndGoing availability_{{.seed = 3, .uptime = 16.0, .downtime = 3.0, .late = 3}};
  const threads::ThreadOptions options_{
      .workers = kWorkers, .pace = &times_, .availability = &availability_, .time_scale = 1e-4};
  const record::TemporaryDirectory directory_{};
  const std::filesystem::path file_ = directory_ / "recording.bin";
  Stream dice_{1, Purpose::test, 0, 0};
  std::deque<std::unique_ptr<Leg>> legs_;
  std::deque<MemoryKeeper> keepers_;  // after the legs, whose buffers they hold
  std::vector<ArrivalRecord> records_;
  RunResult result_;
};

TEST_P(RecordedThreads, ReplaysMeetEveryHashAndTheDigest) {
  run_in_legs([] { return ~std::size_t{0}; });
  EXPECT_EQ(legs_.size(), 1u);
  expect_all_accounts_to_hold();
  expect_the_recording_to_be_gone_through();
}

TEST_P(RecordedThreads, BrokenOffAgainAndAgainTheyLoseAndRepeatNothing) {
  run_in_legs([&] { return 20 + dice_.below(100); });
  EXPECT_GE(legs_.size(), 3u);
  EXPECT_GT(result_.counters.lost, 0u);
  expect_all_accounts_to_hold();
  expect_the_recording_to_be_gone_through();
}

INSTANTIATE_TEST_SUITE_P(Methods, RecordedThreads, testing::ValuesIn(test::method_files()), test::name_of_method_file);
INSTANTIATE_TEST_SUITE_P(Methods, SavedThreads, testing::ValuesIn(test::method_files()), test::name_of_method_file);

}  // namespace
}  // namespace tardigrad
