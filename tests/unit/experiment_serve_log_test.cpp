// SPDX-License-Identifier: Apache-2.0
#include "experiment/serve_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace tardigrad {
namespace {

namespace fs = std::filesystem;
using network::ServeEvent;
using nlohmann::json;
using Kind = ServeEvent::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

class Log : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tardigrad-log-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  ServeLogOptions options(std::uint64_t most_lines = 60) {
    return {.path = folder_ / "l",
            .tell = [this](const std::string& text) { told_.push_back(text); },
            .most_lines = most_lines,
            .window = std::chrono::hours(1)};
  }
  std::vector<json> lines() const {
    std::ifstream file(folder_ / "l");
    std::vector<json> all;
    for (std::string line; std::getline(file, line);) {
      all.push_back(json::parse(line, nullptr, /*allow_exceptions=*/false));
      EXPECT_TRUE(all.back().is_object()) << line;
    }
    return all;
  }
  fs::path folder_;
  std::vector<std::string> told_;
};

TEST_F(Log, SaysWhatHappenedAndWhen) {
  {
    ServeLog log(options());
    log.add({.kind = Kind::started, .text = "127.0.0.1:1", .epoch = 3});
    log.add({.kind = Kind::lost, .worker = "a\\x0A\"", .reason = "silent\nfor long", .order = 7, .orders = 2});
    log.add({.kind = Kind::refused, .reason = "token", .text = "no token"});
  }
  std::vector<json> all = lines();
  ASSERT_EQ(all.size(), 3u);
  for (json& line : all) {
    EXPECT_THAT(line["time"].get<std::string>(), MatchesRegex("20..-..-..T..:..:..\\....Z"));
    line.erase("time");
  }
  EXPECT_EQ(all[0], json({{"event", "started"}, {"address", "127.0.0.1:1"}, {"epoch", 3}}));
  EXPECT_EQ(
      all[1],
      json({{"event", "lost"}, {"worker", "a\\x0A\""}, {"reason", "silent for long"}, {"order", 7}, {"orders", 2}}));
  EXPECT_EQ(all[2], json({{"event", "refused"}, {"reason", "token"}, {"text", "no token"}}));
}

TEST_F(Log, AFloodIsCounted) {
  {
    ServeLog log(options(3));
    for (int i = 0; i < 100000; ++i) log.add({.kind = Kind::refused, .reason = "token"});
    log.add({.kind = Kind::joined, .worker = "anna"});
  }
  const std::vector<json> all = lines();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[3]["event"], "joined") << "a flood of one kind hides no other";
  EXPECT_EQ(all[4]["event"], "refused");
  EXPECT_EQ(all[4]["more"], 99997);
}

TEST_F(Log, GoesOnBehindWholeLines) {
  std::ofstream(folder_ / "l") << "{\"event\":\"old\"}\n{\"event\":\"to";  // a kill tore it
  {
    ServeLog log(options());
    log.open();
    log.add({.kind = Kind::begun});
  }
  const std::vector<json> all = lines();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["event"], "old");
  EXPECT_EQ(all[1]["event"], "begun");
}

TEST_F(Log, WhatCannotBeWrittenEndsNothing) {
  fs::create_directory(folder_ / "l");
  {
    ServeLog log(options());
    EXPECT_THROW(log.open(), record::IoError);
    for (int i = 0; i < 30; ++i) log.add({.kind = Kind::begun});
  }
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_THAT(told_[0], HasSubstr("the run goes on"));
}

}  // namespace
}  // namespace tardigrad
