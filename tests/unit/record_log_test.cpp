// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <sstream>

#include "record/event_log.hpp"
#include "record/file.hpp"
#include "record/json.hpp"
#include "record/metrics_log.hpp"
#include "record_test_support.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string seconds(std::int64_t nanoseconds) {
  fmt::memory_buffer out;
  append_seconds(out, Time{nanoseconds});
  return fmt::to_string(out);
}

std::string row(const ArrivalRecord& record) {
  fmt::memory_buffer out;
  append_row(out, record);
  return fmt::to_string(out);
}

ArrivalRecord arrival(OrderId id) {
  return {
      .time = Time{1'500'000'000},
      .order = {.id = id, .worker = 3, .index = 4, .version = 12, .steps_done = 2, .compute_time = Time{750'000'000}},
      .delay = 3,
      .norm = 0.71,
      .coefficient = 0.1,
      .outcome = Outcome::applied};
}

TEST(RecordJson, SecondsAreTheExactDecimalOfTheNanoseconds) {
  EXPECT_EQ(seconds(0), "0");
  EXPECT_EQ(seconds(1), "0.000000001");
  EXPECT_EQ(seconds(1'500'000'000), "1.5");
  EXPECT_EQ(seconds(12'000'000'000), "12");
  EXPECT_EQ(seconds(100'000'000), "0.1");
  EXPECT_EQ(seconds(-1'000'000'010), "-1.00000001");
  EXPECT_EQ(seconds(std::numeric_limits<std::int64_t>::max()), "9223372036.854775807");
  EXPECT_EQ(seconds(std::numeric_limits<std::int64_t>::min()), "-9223372036.854775808");
}

TEST(RecordJson, NumbersReadBackAsTheSameDouble) {
  for (const double value : {0.0, 1.0, 0.1, 1e300, 5e-324, -2.5, 1e20, 123456789.125}) {
    fmt::memory_buffer out;
    append_number(out, value);
    EXPECT_EQ(Json::parse(fmt::to_string(out)).get<double>(), value);
  }
  fmt::memory_buffer out;
  for (const double value : {kNan, kInfinity, -kInfinity}) append_number(out, value);
  EXPECT_EQ(fmt::to_string(out), "nullnullnull");
}

TEST(EventLog, RowHasThisText) {
  EXPECT_EQ(row(arrival(17)),
            R"({"time":1.5,"worker":3,"order":17,"index":4,"version":12,"delay":3,"norm":0.71,"compute_time":0.75,)"
            R"("local_steps":2,"coefficient":0.1,"outcome":"applied"})"
            "\n");
  const ArrivalRecord cancelled{.time = Time{2}, .order = {.id = 5}, .outcome = Outcome::cancelled};
  EXPECT_EQ(
      row(cancelled),
      R"({"time":0.000000002,"worker":0,"order":5,"index":0,"version":0,"delay":0,"norm":null,"compute_time":null,)"
      R"("local_steps":0,"coefficient":0,"outcome":"cancelled"})"
      "\n");
}

// A remark is a row of its own, whatever it says, and thinning does not touch it.
TEST(EventLog, RemarksAreRows) {
  const TemporaryDirectory directory;
  EventLog log(directory / "events.jsonl", {.every = 1000});
  for (OrderId id = 0; id < 3; ++id) log.on_arrival(arrival(id));
  log.on_note(Time{1'250'000'000}, "m = 3, as \"2.5\" <\n3");
  log.on_note(Time{2'000'000'000}, "back");
  log.close();
  EXPECT_EQ(read_file(directory / "events.jsonl"), row(arrival(0)) + R"({"time":1.25,"note":"m = 3, as \"2.5\" <\n3"})"
                                                                     "\n"
                                                                     R"({"time":2,"note":"back"})"
                                                                     "\n");
}

TEST(EventLog, EveryRowIsJson) {
  for (const Outcome outcome :
       {Outcome::applied, Outcome::discarded, Outcome::cancelled, Outcome::lost, Outcome::not_finite}) {
    ArrivalRecord record = arrival(std::numeric_limits<OrderId>::max());
    record.outcome = outcome;
    record.norm = outcome == Outcome::not_finite ? kInfinity : 1e-30;
    const Json json = Json::parse(row(record));
    EXPECT_EQ(json["order"], std::numeric_limits<OrderId>::max());
    EXPECT_EQ(json["norm"].is_null(), outcome == Outcome::not_finite);
  }
}

TEST(EventLog, WritesAllRowsThroughASmallBuffer) {
  const TemporaryDirectory directory;
  EventLog log(directory / "events.jsonl", {.buffer_bytes = 300});
  std::string expected;
  for (OrderId id = 0; id < 100; ++id) {
    log.on_arrival(arrival(id));
    expected += row(arrival(id));
  }
  log.close();
  log.close();
  EXPECT_EQ(read_file(directory / "events.jsonl"), expected);
}

TEST(EventLog, ThinnedKeepsEveryKthOrderWhateverItsOutcome) {
  const TemporaryDirectory directory;
  {
    EventLog log(directory / "events.jsonl", {.every = 3});
    for (OrderId id = 0; id < 8; ++id) {
      ArrivalRecord record = arrival(id);
      if (id % 2) record.outcome = Outcome::discarded;
      log.on_arrival(record);
    }
  }  // what is not closed is written nevertheless
  std::istringstream lines(read_file(directory / "events.jsonl"));
  std::vector<int> orders;
  for (std::string line; std::getline(lines, line);) orders.push_back(Json::parse(line)["order"]);
  EXPECT_EQ(orders, (std::vector<int>{0, 3, 6}));
}

// What a resumed run would cut its log back to has whole rows alone, whatever the disk has taken.
TEST(EventLog, AFullDiskLosesNoRowWhenItHasRoomAgain) {
  const TemporaryDirectory directory;
  std::vector<std::string> told;
  EventLog log(directory / "events.jsonl", {.buffer_bytes = 300}, test_options(told));
  std::string expected;
  {
    const FullDisk full(1000);
    for (OrderId id = 0; id < 100; ++id) {
      log.on_arrival(arrival(id));
      expected += row(arrival(id));
    }
    EXPECT_TRUE(log.file().is_behind());
    EXPECT_EQ(read_file(directory / "events.jsonl"), expected.substr(0, 1000));
  }
  log.on_note(Time{2'000'000'000}, "room again");
  expected += R"({"time":2,"note":"room again"})"
              "\n";
  log.close();
  EXPECT_EQ(read_file(directory / "events.jsonl"), expected);
  EXPECT_EQ(log.file().missing(), 0u);
  EXPECT_EQ(told.size(), 2u);
}

TEST(EventLog, ADyingLogWarnsOfWhatItCouldNotWrite) {
  const TemporaryDirectory directory;
  const std::string file = (directory / "events.jsonl").string();
  std::vector<std::string> told;
  {
    const FullDisk full(0);
    EventLog log(file, {}, test_options(told));
    log.on_arrival(arrival(0));
  }
  EXPECT_THAT(told, testing::Contains(file + ": cannot write: File too large; 1 rows are missing at its end"));
}

TEST(EventLog, AMissingDirectoryIsAnError) {
  EXPECT_THAT([] { EventLog log("/nonexistent/events.jsonl"); },
              ThrowsMessage<Error>("/nonexistent/events.jsonl: cannot write: No such file or directory"));
}

TEST(MetricsLog, RowHasThisText) {
  EvaluationRecord record{.time = Time{250'000'000}, .version = 12, .metrics = {{"loss", 0.5}, {"accuracy", kNan}}};
  record.counters = {.assigned = 20,
                     .applied = 12,
                     .discarded = 2,
                     .cancelled = 1,
                     .clipped = 3,
                     .updates = 12,
                     .delay_sum = 6,
                     .delay_max = 2};
  EXPECT_EQ(metrics_row(record),
            R"({"time":0.25,"version":12,"counters":{"assigned":20,"applied":12,"discarded":2,"cancelled":1,"lost":0,)"
            R"("not_finite":0,"clipped":3,"updates":12,"delay_sum":6,"mean_delay":0.5,"delay_max":2,)"
            R"("used_seconds":0.0,"wasted_seconds":0.0},)"
            R"("metrics":{"loss":0.5,"accuracy":null},"finite":false})"
            "\n");
  record.metrics.pop_back();
  EXPECT_THAT(metrics_row(record), HasSubstr(R"("metrics":{"loss":0.5},"finite":true})"));
}

TEST(MetricsLog, EachRowIsThereAtOnce) {
  const TemporaryDirectory directory;
  MetricsLog log(directory / "metrics.jsonl");
  log.on_evaluation({.metrics = {{"loss", 1.0}}});
  EXPECT_THAT(read_file(directory / "metrics.jsonl"), HasSubstr(R"("loss":1.0)"));
  log.on_evaluation({.metrics = {{"loss", 2.0}}});
  EXPECT_THAT(read_file(directory / "metrics.jsonl"), HasSubstr(R"("loss":2.0)"));
}

// An event is enough to try again: the next evaluation may be an hour away.
TEST(MetricsLog, AFullDiskLosesNoRowWhenItHasRoomAgain) {
  const TemporaryDirectory directory;
  std::vector<std::string> told;
  MetricsLog log(directory / "metrics.jsonl", test_options(told));
  {
    const FullDisk full(10);
    log.on_evaluation({.metrics = {{"loss", 1.0}}});
    EXPECT_EQ(read_file(directory / "metrics.jsonl").size(), 10u);
  }
  log.on_arrival(arrival(0));
  EXPECT_EQ(read_file(directory / "metrics.jsonl"), metrics_row({.metrics = {{"loss", 1.0}}}));
}

TEST(MetricsLog, AnyMetricNameGivesJson) {
  const EvaluationRecord record{.metrics = {{"say \"loss\"\n", 1.0}, {"\xff", 2.0}}};
  EXPECT_EQ(Json::parse(metrics_row(record))["metrics"].size(), 2u);
}

}  // namespace
}  // namespace tardigrad::record
