// SPDX-License-Identifier: Apache-2.0
// A file that a run writes while it goes on: full disks, removed directories, and what is told of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "record/appending_file.hpp"
#include "record_test_support.hpp"

namespace tardigrad::record {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using AfterGap = AppendingOptions::AfterGap;

class AppendingFileTest : public testing::Test {
 protected:
  AppendingOptions options() { return test_options(told_); }
  std::string said(const std::string& text) const { return path_.string() + ": " + text; }

  TemporaryDirectory directory_;
  fs::path path_ = directory_ / "log";
  std::vector<std::string> told_;
};

TEST_F(AppendingFileTest, WritesAtOnce) {
  AppendingFile file(path_, options());
  file.append("one\n", 1);
  EXPECT_EQ(read_file(path_), "one\n");
  file.append("two\nthree\n", 2);
  EXPECT_EQ(read_file(path_), "one\ntwo\nthree\n");
  EXPECT_EQ(file.bytes(), 14u);
  file.close();
  file.close();
  EXPECT_THAT(told_, ElementsAre());
}

// The disk takes half of a row, and later the other half: no row is torn, none is there twice.
TEST_F(AppendingFileTest, GoesOnWhereTheDiskWasFull) {
  AppendingFile file(path_, options());
  file.append("one\n", 1);
  {
    const FullDisk full(6);
    for (const char* row : {"two\n", "three\n"}) file.append(row, 1);
    EXPECT_EQ(read_file(path_), "one\ntw");
    EXPECT_TRUE(file.is_behind());
    EXPECT_EQ(file.bytes(), 14u);
    EXPECT_THAT([&] { file.sync_task()(); },
                ThrowsMessage<IoError>(said("cannot write: File too large, and a checkpoint goes on from it")));
  }
  file.retry();
  EXPECT_EQ(read_file(path_), "one\ntwo\nthree\n");
  EXPECT_FALSE(file.is_behind());
  EXPECT_EQ(file.missing(), 0u);
  file.sync_task()();
  EXPECT_THAT(told_, ElementsAre(said("cannot write: File too large; the run goes on, up to 64 MiB of it wait in "
                                      "memory, and this is tried again every 0 s"),
                                 said("is written again, and nothing of it is missing")));
}

TEST_F(AppendingFileTest, TriesAgainWhenItIsTimeTo) {
  AppendingOptions rarely = options();
  rarely.retry_every = std::chrono::hours(1);
  AppendingFile file(path_, rarely);
  {
    const FullDisk full(0);
    file.append("one\n", 1);
  }
  file.retry();
  file.append("two\n", 1);
  EXPECT_EQ(read_file(path_), "");
  file.flush();  // whatever the time
  EXPECT_EQ(read_file(path_), "one\ntwo\n");
}

// What waited is written, what did not fit is missing, and what comes later is written again.
TEST_F(AppendingFileTest, WhatDoesNotFitIntoMemoryIsMissing) {
  AppendingOptions little = options();
  little.most_waiting = 9;
  AppendingFile file(path_, little);
  {
    const FullDisk full(1);
    for (const char* row : {"one\n", "two\n", "three\nfour\n", "5\n"}) file.append(row, row[0] == 't' ? 2 : 1);
    EXPECT_EQ(file.missing(), 3u);
  }
  file.append("six\n", 1);
  EXPECT_EQ(read_file(path_), "one\ntwo\nsix\n");
  EXPECT_EQ(file.missing(), 3u);
  EXPECT_THAT(told_, ElementsAre(HasSubstr("up to 0 MiB"),
                                 said("no more of it can wait in memory: rows are missing from now on"),
                                 said("is written again; 3 rows are missing")));
}

TEST_F(AppendingFileTest, WhereAGapMakesTheRestUselessItEndsThere) {
  AppendingOptions little = options();
  little.most_waiting = 5;
  little.after_gap = AfterGap::end;
  AppendingFile file(path_, little);
  {
    const FullDisk full(1);
    for (const char* row : {"one\n", "two\n"}) file.append(row, 1);
  }
  file.append("three\n", 1);
  file.close();
  EXPECT_EQ(read_file(path_), "one\n");
  EXPECT_EQ(file.missing(), 2u);
  EXPECT_THAT(told_,
              ElementsAre(HasSubstr("cannot write"), said("no more of it can wait in memory: it ends with what does"),
                          said("what waited is written, and there it ends")));
}

TEST_F(AppendingFileTest, WhatIsTornInTheEndIsCutOff) {
  const FullDisk full(6);
  AppendingFile file(path_, options());
  for (const char* row : {"one\n", "two\n", "three\n"}) file.append(row, 1);
  EXPECT_EQ(read_file(path_), "one\ntw");
  file.close();
  EXPECT_EQ(read_file(path_), "one\n");
  EXPECT_EQ(file.missing(), 2u);
  EXPECT_EQ(told_.back(), said("cannot write: File too large; 2 rows are missing at its end"));
}

TEST_F(AppendingFileTest, IsMadeAgainWithItsDirectory) {
  const fs::path folder = directory_ / "run";
  path_ = folder / "log";
  fs::create_directory(folder);
  std::ofstream(path_) << "kept and cut";
  AppendingOptions made = options();
  made.kept = 5;
  made.claim_directory = [&] { fs::create_directories(folder); };
  AppendingFile file(path_, made);
  file.append("one\n", 1);
  fs::remove_all(folder);
  file.append("two\n", 1);
  EXPECT_EQ(read_file(path_), "kept one\ntwo\n");
  file.append("three\n", 1);
  EXPECT_EQ(read_file(path_), "kept one\ntwo\nthree\n");
  EXPECT_EQ(file.bytes(), 19u);
  EXPECT_THAT(told_, ElementsAre(said("had gone; it is made again, with all that was in it")));
}

// Nothing waits, and still there is something to be made good.
TEST_F(AppendingFileTest, WhatCannotBeMadeAgainIsTriedAgain) {
  const fs::path folder = directory_ / "run";
  path_ = folder / "log";
  fs::create_directory(folder);
  AppendingFile file(path_, options());
  file.append("one\n", 1);
  fs::remove_all(folder);
  file.flush();
  EXPECT_TRUE(file.is_behind());
  EXPECT_THROW(file.sync_task()(), IoError);
  fs::create_directory(folder);
  file.retry();
  EXPECT_EQ(read_file(path_), "one\n");
  EXPECT_THAT(told_, ElementsAre(HasSubstr("log: cannot write: No such file or directory; the run goes on"),
                                 said("had gone; it is made again, with all that was in it"),
                                 said("is written again, and nothing of it is missing")));
}

// A directory that was moved takes its files along; the run's own stay whole where they are asked for.
TEST_F(AppendingFileTest, StaysWhereItWasAskedFor) {
  AppendingFile file(path_, options());
  file.append("one\n", 1);
  fs::rename(path_, directory_ / "away");
  file.append("two\n", 1);
  EXPECT_EQ(read_file(path_), "one\ntwo\n");
  EXPECT_EQ(read_file(directory_ / "away"), "one\n");
}

TEST_F(AppendingFileTest, WhatCannotBeOpenedIsAnError) {
  path_ = directory_ / "nowhere" / "log";
  EXPECT_THAT([&] { AppendingFile file(path_, options()); },
              ThrowsMessage<IoError>(said("cannot write: No such file or directory")));
}

TEST(RetryPolicy, EndsAfterItsTime) {
  std::vector<std::string> told;
  RetryPolicy retry({.total = std::chrono::milliseconds(20),
                     .step = std::chrono::milliseconds(1),
                     .tell = [&](const std::string& text) { told.push_back(text); }});
  int attempts = 0;
  const auto fail = [&] {
    ++attempts;
    throw IoError("the disk: is full");
  };
  EXPECT_THROW(retry.run(fail), IoError);
  EXPECT_GE(attempts, 2);
  attempts = 0;
  EXPECT_THROW(retry.run(fail), IoError);  // one for all
  EXPECT_EQ(attempts, 1);
  EXPECT_THAT(told, ElementsAre("the disk: is full; this is tried again for 0.02 s"));
}

TEST(RetryPolicy, IsOverWhenItSucceeds) {
  RetryPolicy retry({.step = std::chrono::milliseconds(1), .tell = [](const std::string&) {}});
  int attempts = 0;
  retry.run([&] {
    if (++attempts < 3) throw IoError("not yet");
  });
  EXPECT_EQ(attempts, 3);
  EXPECT_THROW(retry.run([] { throw Error("a mistake"); }), Error);  // at once: the time is not over
}

}  // namespace
}  // namespace tardigrad::record
