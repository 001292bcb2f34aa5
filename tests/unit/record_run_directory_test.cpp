// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>

#include "core/hash.hpp"
#include "record/file.hpp"
#include "record/file_lock.hpp"
#include "record/json.hpp"
#include "record/run_directory.hpp"
#include "record/run_summary.hpp"
#include "record_test_support.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

RunSummary example() {
  RunResult result;
  result.reason = StopReason::target;
  result.time = Time{41'200'000'000};
  result.counters = {.assigned = 20,
                     .applied = 12,
                     .discarded = 2,
                     .clipped = 3,
                     .updates = 12,
                     .delay_sum = 6,
                     .delay_max = 2,
                     .used_seconds = 12.5,
                     .wasted_seconds = 0.1};
  result.runtime = {.gradients_computed = 14,
                    .gradients_wasted = 2,
                    .utilisation = 0.75,
                    .paced = 14,
                    .late = 3,
                    .pace = Time{70},
                    .paced_time = Time{90}};
  result.put_aside = 1;
  result.evaluations.push_back({.metrics = {{"loss", 3.0}}});
  result.evaluations.push_back({.metrics = {{"loss", 0.5}, {"accuracy", std::numeric_limits<double>::quiet_NaN()}}});
  result.method = {{"epsilon", 2.5}};
  result.time_to_target = Time{40'100'000'001};
  result.updates_to_target = 11;
  result.hits.first = Moment{Time{39'000'000'000}, 10};
  result.hits.later = 5;
  result.hits.later_met = 3;
  result.digest = "0123456789abcdef0123456789abcdef";
  result.wall_seconds = 1.25;
  RunSummary summary = summarize({.provenance = {.program = "tardigrad 0.1.0",
                                                 .commit = "c0ffee",
                                                 .dirty = true,
                                                 .sources = "5eed",
                                                 .build = "GNU 12.2.0, Release",
                                                 .library = "LibTorch 1.13.1",
                                                 .plugin = {{.name = "/lib/p.so", .hash = "aa", .bytes = 9}},
                                                 .data = {{.name = "/d.svm", .hash = "bb", .bytes = 12}}},
                                  .method = "clipped-asgd",
                                  .problem = "quadratic",
                                  .seed = 7,
                                  .scenario_hash = "ff00"},
                                 result);
  summary.workers = {{"loss_max", 0.75}};
  summary.missing = {{"events.jsonl", 12}};
  summary.logs = {{"metrics.jsonl", {.bytes = 345, .checksum = "cc"}}};
  return summary;
}

constexpr const char* kExampleText = R"({
  "format": 9,
  "provenance": {
    "program": "tardigrad 0.1.0",
    "commit": "c0ffee",
    "dirty": true,
    "sources": "5eed",
    "build": "GNU 12.2.0, Release",
    "library": "LibTorch 1.13.1",
    "plugin": {
      "name": "/lib/p.so",
      "hash": "aa",
      "bytes": 9
    },
    "data": [
      {
        "name": "/d.svm",
        "hash": "bb",
        "bytes": 12
      }
    ]
  },
  "method": "clipped-asgd",
  "problem": "quadratic",
  "seed": 7,
  "scenario_hash": "ff00",
  "reason": "target",
  "time": 41.2,
  "time_ns": 41200000000,
  "updates": 12,
  "time_to_target": 40.100000001,
  "time_to_target_ns": 40100000001,
  "updates_to_target": 11,
  "target_hits": {
    "first": {
      "time": 39.0,
      "time_ns": 39000000000,
      "updates": 10
    },
    "lasting": null,
    "later": 5,
    "later_met": 3
  },
  "metrics": {
    "loss": 0.5,
    "accuracy": null
  },
  "finite": false,
  "figures": {
    "epsilon": 2.5
  },
  "workers": {
    "loss_max": 0.75
  },
  "not_private": [
    "metrics",
    "finite",
    "reason",
    "time_to_target",
    "updates_to_target",
    "target_hits",
    "counters",
    "digest",
    "workers",
    "partition.jsonl",
    "workers.jsonl",
    "events.jsonl",
    "metrics.jsonl",
    "recording.bin",
    "checkpoints"
  ],
  "counters": {
    "assigned": 20,
    "applied": 12,
    "discarded": 2,
    "cancelled": 0,
    "lost": 0,
    "not_finite": 0,
    "clipped": 3,
    "updates": 12,
    "delay_sum": 6,
    "mean_delay": 0.5,
    "delay_max": 2,
    "used_seconds": 12.5,
    "wasted_seconds": 0.1
  },
  "workers_put_aside": 1,
  "runtime": {
    "name": "sim",
    "gradients_computed": 14,
    "gradients_wasted": 2,
    "utilisation": 0.75,
    "paced": 14,
    "late": 3,
    "pace_ns": 70,
    "paced_time_ns": 90
  },
  "missing": {
    "events.jsonl": 12
  },
  "logs": {
    "metrics.jsonl": {
      "bytes": 345,
      "checksum": "cc"
    }
  },
  "digest": "0123456789abcdef0123456789abcdef",
  "wall_seconds": 1.25,
  "checksum": "d4f9adbb03968a1a28b09f490eaee2e8"
}
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

std::string with_checksum(const std::string& changed) {
  Json json = Json::parse(changed);
  json.erase("checksum");
  Hasher hasher;
  hasher.add(to_page(json));
  json["checksum"] = hasher.hex();
  return to_page(json);
}

class RunSummaryFile : public testing::Test {
 protected:
  void refuses(const std::string& text, const std::string& why) {
    fs::remove(file_);  // a new file each time, not synced: there are thousands
    std::ofstream(file_) << text;
    EXPECT_THAT([&] { read_summary(file_); },
                ThrowsMessage<Error>(HasSubstr(file_.string() + ": not a run summary: " + why)));
  }
  TemporaryDirectory directory_;
  fs::path file_ = directory_ / "summary.json";
};

TEST_F(RunSummaryFile, HasThisText) {
  write_summary(file_, example());
  EXPECT_EQ(read_file(file_), kExampleText);
}

TEST_F(RunSummaryFile, ComesBack) {
  RunSummary summary = example();
  summary.time = Time{std::numeric_limits<std::int64_t>::max()};  // more digits than a double has
  write_summary(file_, summary);
  const RunSummary back = read_summary(file_);
  EXPECT_EQ(back.names, summary.names);
  EXPECT_EQ(back.reason, StopReason::target);
  EXPECT_EQ(back.time, summary.time);
  EXPECT_EQ(back.counters.delay_sum, 6u);
  EXPECT_EQ(back.runtime.utilisation, 0.75);
  EXPECT_EQ(back.runtime.late, 3u);
  EXPECT_EQ(back.runtime.paced_time, Time{90});
  EXPECT_EQ(back.put_aside, 1u);
  ASSERT_EQ(back.metrics.size(), 2u);
  EXPECT_EQ(back.metrics[0].name, "loss");
  EXPECT_EQ(back.metrics[0].value, 0.5);
  EXPECT_TRUE(std::isnan(back.metrics[1].value));
  EXPECT_EQ(back.time_to_target, summary.time_to_target);
  EXPECT_EQ(back.updates_to_target, summary.updates_to_target);
  EXPECT_EQ(back.hits.first, summary.hits.first);
  EXPECT_EQ(back.hits.lasting, std::nullopt);
  EXPECT_EQ(back.hits.later, 5u);
  EXPECT_EQ(back.hits.later_met, 3u);
  EXPECT_EQ(back.missing, summary.missing);
  EXPECT_EQ(back.logs, summary.logs);
  EXPECT_EQ(back.digest, summary.digest);
  EXPECT_EQ(back.wall_seconds, 1.25);
}

TEST_F(RunSummaryFile, ARunThatMissedItsTargetComesBackWithoutTimeToIt) {
  RunSummary summary = example();
  summary.time_to_target.reset();
  summary.updates_to_target.reset();
  summary.reason = StopReason::time;
  write_summary(file_, summary);
  EXPECT_THAT(read_file(file_), HasSubstr("\"time_to_target\": null,\n  \"time_to_target_ns\": null,"));
  EXPECT_EQ(read_summary(file_).time_to_target, std::nullopt);
  EXPECT_EQ(read_summary(file_).reason, StopReason::time);
}

TEST_F(RunSummaryFile, EveryTornFileIsRefused) {
  const std::string whole = kExampleText;
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) refuses(whole.substr(0, size), "it is torn, or not JSON");
}

TEST_F(RunSummaryFile, NothingIsTolerated) {
  const std::string text = kExampleText;
  refuses(replaced(text, R"("format": 9)", R"("format": 7)"), "format 7, only 8 and 9 are read");
  refuses(replaced(text, R"("digest":)", R"("disgust":)"), "key 'digest' not found");
  refuses(replaced(text, R"("reason": "target")", R"("reason": "boredom")"), "reason `boredom` is unknown");
  refuses(replaced(text, R"("seed": 7)", R"("seed": "7")"), "type must be number, but is string");
  refuses(replaced(text, R"("seed": 7)", R"("seed": 8)"), "its checksum does not hold: it was edited");
  refuses(replaced(text, R"("checksum": "d4)", R"("checksum": "d5)"), "its checksum does not hold: it was edited");
  // By somebody who has found out how to make checksums.
  EXPECT_EQ(with_checksum(text), text);
  for (const auto& [from, to] : {std::pair{R"("seed": 7)", R"("seed": -7)"},
                                 {R"("seed": 7)", R"("seed": 7, "extra": 1)"},
                                 {R"("mean_delay": 0.5)", R"("mean_delay": 0.6)"},
                                 {R"("updates": 12)", R"("updates": -12)"}})
    refuses(with_checksum(replaced(text, from, to)), "a key or a value in it is not as this program writes it");
  refuses("[]", "cannot use at()");
}

// Before logs had checksums in it.
TEST_F(RunSummaryFile, TheFormatBeforeIsRead) {
  Json json = Json::parse(kExampleText);
  json["format"] = 8;
  json.erase("logs");
  write_file(file_, with_checksum(to_page(json)));
  EXPECT_EQ(read_summary(file_).digest, example().digest);
  EXPECT_TRUE(read_summary(file_).logs.empty());
  json["logs"] = Json::object();
  refuses(with_checksum(to_page(json)), "a key or a value in it is not as this program writes it");
}

TEST_F(RunSummaryFile, AMissingOneIsAnError) {
  EXPECT_THAT([&] { read_summary(file_); },
              ThrowsMessage<Error>(file_.string() + ": cannot read: No such file or directory"));
}

class RunDirectoryTest : public testing::Test {
 protected:
  static void begin(const fs::path& path, IfFinished if_finished = IfFinished::refuse) {
    RunDirectory(path).begin(if_finished);
  }
  void finish_run() {
    begin(path_, IfFinished::overwrite);
    write_summary(path_ / "summary.json", example());
  }
  void refuses(const fs::path& path, const std::string& why, const std::vector<Remedy>& remedies = {}) {
    EXPECT_THAT([&] { begin(path); }, testing::Throws<Error>(testing::AllOf(
                                          testing::Property(&Error::what, testing::StrEq(path.string() + ": " + why)),
                                          testing::Property(&Error::remedies, remedies))));
  }
  TemporaryDirectory directory_;
  fs::path path_ = directory_ / "runs" / "a";
};

TEST_F(RunDirectoryTest, IsMadeWithItsParents) {
  const RunDirectory run(path_);
  run.begin(IfFinished::refuse);
  run.write_identity("seed = 1\n", {.program = "tardigrad 1"});
  EXPECT_EQ(read_file(path_ / "scenario.toml"), "seed = 1\n");
  EXPECT_EQ(read_file(path_ / "metrics.jsonl"), "");
  EXPECT_EQ(read_provenance(run.provenance())->provenance.program, "tardigrad 1");
  EXPECT_EQ(read_provenance(run.provenance())->directory, path_.string());
}

TEST_F(RunDirectoryTest, AFinishedRunIsNotOverwrittenUnasked) {
  finish_run();
  refuses(path_, "holds a finished run", {Remedy::other_directory, Remedy::begin_anew});
  EXPECT_EQ(read_summary(path_ / "summary.json").names, example().names);
}

TEST_F(RunDirectoryTest, OverwritingClearsTheOldRunAndNothingElse) {
  finish_run();
  write_file(path_ / "events.jsonl", "old");
  write_file(path_ / "notes.txt", "mine");
  const RunDirectory run(path_);
  run.begin(IfFinished::overwrite);
  EXPECT_FALSE(fs::exists(run.summary()));
  EXPECT_FALSE(fs::exists(run.events()));
  EXPECT_EQ(read_file(path_ / "notes.txt"), "mine");
}

TEST_F(RunDirectoryTest, AnUnfinishedRunMakesWayWhereItHasNothingToShow) {
  begin(path_);
  write_file(path_ / "metrics.jsonl", "a row\n");
  refuses(path_, "holds a run that was broken off", {Remedy::other_directory, Remedy::begin_anew});
  write_file(path_ / "metrics.jsonl", "");
  write_file(path_ / "recording.bin", "a header");
  write_file(path_ / "model.safetensors.0123456789abcdef.tmp", "half a model");
  begin(path_);
  EXPECT_EQ(read_file(path_ / "metrics.jsonl"), "");
  EXPECT_FALSE(fs::exists(path_ / "model.safetensors.0123456789abcdef.tmp"));
}

TEST_F(RunDirectoryTest, SomebodysOwnDirectoryIsRefused) {
  write_file(directory_ / "scenario.toml", "mine");
  refuses(directory_.path(), "the directory is not empty and holds no run; name a new or an empty one");
  EXPECT_THROW(begin(directory_.path(), IfFinished::overwrite), Error);
  EXPECT_EQ(read_file(directory_ / "scenario.toml"), "mine");
}

TEST_F(RunDirectoryTest, HoldsOneRunAtATime) {
  const auto first = std::make_unique<RunDirectory>(path_);
  first->begin(IfFinished::refuse);  // truncates the file that is locked
  write_file(first->events(), "a row");
  refuses(path_, "a run is going on in it; wait until it has ended, or name another directory");
  EXPECT_THROW(begin(path_, IfFinished::overwrite), Error);
  EXPECT_EQ(read_file(path_ / "events.jsonl"), "a row");
}

// Removed while the run goes on: it is the run's again, or that of whoever came first.
TEST_F(RunDirectoryTest, IsClaimedAgain) {
  RunDirectory first(path_);
  first.begin(IfFinished::refuse);
  fs::remove_all(path_);
  first.check_ours();
  EXPECT_TRUE(first.claim("a scenario", {}));
  EXPECT_FALSE(first.claim("a scenario", {}));
  EXPECT_EQ(read_file(first.scenario()), "a scenario");
  refuses(path_, "a run is going on in it; wait until it has ended, or name another directory");
  write_file(first.metrics(), "rows");  // a new file in the place of the locked one
  first.lock_again();
  first.check_ours();
  refuses(path_, "a run is going on in it; wait until it has ended, or name another directory");

  fs::remove_all(path_);
  RunDirectory{path_}.begin(IfFinished::refuse);  // somebody else's, and it has ended
  const auto has_become = ThrowsMessage<IoError>(path_.string() + ": has become another run's");
  EXPECT_THAT([&] { first.check_ours(); }, has_become);
  EXPECT_THAT([&] { first.claim("a scenario", {}); }, has_become);
  EXPECT_FALSE(fs::exists(first.scenario()));
}

TEST_F(RunDirectoryTest, IsFreeWhenTheRunHasEnded) {
  RunDirectory{path_};
  begin(path_);
}

TEST(FileLock, LeavesWhatIsInTheFileAndNamesItWhenItCannotBe) {
  const TemporaryDirectory directory;
  write_file(directory / "file", "text");
  {
    const FileLock first(directory / "file"), second(directory / "file");
    EXPECT_TRUE(first.is_ours());
    EXPECT_FALSE(second.is_ours());
  }
  EXPECT_TRUE(FileLock(directory / "file").is_ours());
  EXPECT_EQ(read_file(directory / "file"), "text");
  EXPECT_THAT([&] { FileLock(directory / "no/file"); },
              ThrowsMessage<Error>((directory / "no/file").string() + ": cannot lock: No such file or directory"));
}

TEST_F(RunDirectoryTest, PlacesThatCannotBe) {
  write_file(directory_ / "file", "");
  refuses(directory_ / "file", "cannot make the directory: Not a directory");
  refuses(directory_ / "file/run", "cannot make the directory: Not a directory");
  EXPECT_THAT([] { begin("/proc/nothing"); },
              ThrowsMessage<Error>(HasSubstr("/proc/nothing: cannot make the directory: ")));
}

TEST(AtomicFile, WithoutCommitTheOldFileStays) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "file";
  write_file(path, "old");
  { AtomicFile(path).write("new"); }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), {}), 1);
  write_file(path, "new");
  EXPECT_EQ(read_file(path), "new");
}

TEST(AtomicFile, ADirectoryInTheWayIsAnError) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "taken");
  EXPECT_THAT([&] { write_file(directory / "taken", "text"); },
              ThrowsMessage<Error>((directory / "taken").string() + ": cannot write: Is a directory"));
}

}  // namespace
}  // namespace tardigrad::record
