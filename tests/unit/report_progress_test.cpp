// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <thread>

#include "record/file.hpp"
#include "record_test_support.hpp"
#include "report/numbers.hpp"
#include "report/progress.hpp"

namespace tardigrad::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

ProgressRow running(const std::string& name) {
  return {.name = name,
          .state = RunState::running,
          .updates = 12'345,
          .arrived = 13'000,
          .time = Time{41'200'000'000},
          .fraction = 0.455,
          .metric_name = "loss",
          .metric = 0.01234,
          .updates_per_second = 1234,
          .seconds_left = 125};
}

ProgressRow with_state(ProgressRow row, RunState state) {
  row.state = state;
  return row;
}

TEST(ProgressRow, WideAndNarrow) {
  const ProgressRow row = running("clipped-asgd");
  const auto at = [&](std::size_t width) { return progress_row(row, width, Colour::none); };
  EXPECT_EQ(
      at(120),
      "clipped-asgd  [##########............]   45 %  loss 0.01234  2 min 05 s left  t = 41.2 s  1.23k updates/s");
  EXPECT_EQ(at(60), "clipped-asgd  [##....]   45 %  loss 0.01234  2 min 05 s left");
  EXPECT_EQ(at(40), "clipped-asgd  [#######..........]   45 %");
  EXPECT_EQ(at(20), "clipped-asgd   45 %");
  EXPECT_EQ(at(12), "clipped-asgd");
  EXPECT_EQ(at(5), "clipp");
}

TEST(ProgressRow, NeverWiderThanTheTerminal) {
  for (const RunState state : {RunState::waiting, RunState::running, RunState::reached, RunState::diverged})
    for (std::size_t width = 1; width < 200; ++width)
      for (const char* name : {"m", "clipped-asgd step_size=0.1 clip_radius=1 seed=12 of a very long name"}) {
        const std::string text = progress_row(with_state(running(name), state), width, Colour::none);
        EXPECT_LE(width_of(text), width) << text;
      }
}

TEST(ProgressRow, ALongNameKeepsItsEnds) {
  EXPECT_THAT(progress_row(running("clipped-asgd step_size=0.1 seed=12"), 40, Colour::none),
              testing::StartsWith("clipped-a..1 seed=12  ["));
}

TEST(ProgressRow, HundredPercentMeansDone) {
  ProgressRow row = running("m");
  row.fraction = 0.99999;
  EXPECT_THAT(progress_row(row, 80, Colour::none), HasSubstr(" 99 %"));
  row.fraction = 7.0;
  EXPECT_THAT(progress_row(row, 80, Colour::none), HasSubstr("100 %"));
  row.fraction = NAN;
  EXPECT_THAT(progress_row(row, 80, Colour::none), HasSubstr("  0 %"));
}

TEST(ProgressRow, EndsSayHow) {
  EXPECT_EQ(progress_row(with_state(running("m"), RunState::reached), 80, Colour::none),
            "m  reached  loss 0.01234  t = 41.2 s  12.3k updates");
  EXPECT_EQ(progress_row(with_state(running("m"), RunState::waiting), 80, Colour::none), "m  waiting");
  EXPECT_EQ(progress_row(with_state(running("m"), RunState::diverged), 12, Colour::ansi), "m\x1b[31m  diverged\x1b[0m");
  ProgressRow row = with_state(running("m"), RunState::failed);
  row.metric = NAN;
  EXPECT_THAT(progress_row(row, 80, Colour::none), Not(HasSubstr("loss")));
}

TEST(ProgressScreen, RunningRowsThenTotals) {
  std::vector<ProgressRow> rows = {with_state(running("done"), RunState::reached), running("a"), running("long-name"),
                                   with_state(running("bad"), RunState::diverged),
                                   with_state(running("later"), RunState::waiting)};
  EXPECT_THAT(progress_screen(rows, 60, 10, Colour::none),
              ElementsAre("a          [####.....]   45 %  loss 0.01234  2 min 05 s left",
                          "long-name  [####.....]   45 %  loss 0.01234  2 min 05 s left",
                          "2 of 5 runs done (1 reached, 1 diverged), 2 running"));
  EXPECT_EQ(progress_screen(rows, 60, 2, Colour::none).size(), 2u);
  EXPECT_THAT(progress_screen(rows, 60, 1, Colour::none),
              ElementsAre("2 of 5 runs done (1 reached, 1 diverged), 2 running"));
  EXPECT_EQ(progress_screen({rows[1]}, 60, 10, Colour::none).size(), 1u);
}

/// What a display wrote to its stream.
class ProgressDisplayTest : public testing::Test {
 protected:
  void TearDown() override {
    if (stream_) std::fclose(stream_);
  }
  std::string written() {
    std::fclose(stream_);
    stream_ = nullptr;
    return record::read_file(path_);
  }
  static void run_to_end(RunProgress& progress) {
    progress.state = RunState::running;
    for (int i = 1; i <= 1000; ++i) {
      progress.updates = static_cast<std::uint64_t>(i);
      progress.time_ns = i * 1'000'000;
      progress.fraction = i / 1000.0;
      progress.metric = 1.0 / i;
    }
    progress.state = RunState::reached;
  }
  record::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "stderr";
  std::FILE* stream_ = std::fopen(path_.c_str(), "w");
};

TEST_F(ProgressDisplayTest, PlainTellsEveryEndOnce) {
  {
    ProgressDisplay display({.metric_name = "loss", .stream = stream_});  // a file is no terminal
    std::vector<std::jthread> threads;
    for (const char* name : {"a", "b", "c"}) {
      RunProgress& progress = display.add(name);
      threads.emplace_back([&progress] { run_to_end(progress); });
    }
    display.say("hello");
    threads.clear();
  }
  const std::string text = written();
  for (const char* line : {"a  reached  loss 0.001  t = 1 s  1k updates\n", "b  reached", "c  reached", "hello\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
    EXPECT_EQ(text.find(line), text.rfind(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST_F(ProgressDisplayTest, PlainReportsWhileRunning) {
  {
    ProgressDisplay display(
        {.mode = ProgressOptions::Mode::plain, .stream = stream_, .plain_interval = std::chrono::milliseconds(0)});
    display.add("only").state = RunState::running;
  }
  EXPECT_THAT(written(), HasSubstr("only  [......................]    0 %  t = 0 s  0 updates/s\n"));
}

// Else the rate of a run that goes on would begin with all updates of its earlier life.
TEST_F(ProgressDisplayTest, WhatWasDoneEarlierIsNoSpeed) {
  {
    ProgressDisplay display(
        {.mode = ProgressOptions::Mode::plain, .stream = stream_, .plain_interval = std::chrono::milliseconds(0)});
    RunProgress& progress = display.add("m");
    progress.state = RunState::running;
    while (record::read_file(path_).empty()) std::this_thread::yield();
    progress.earlier_updates = progress.updates = 1000;
    progress.earlier_fraction = progress.fraction = 0.5;
  }
  EXPECT_THAT(written(), testing::EndsWith("   50 %  t = 0 s  0 updates/s\n"));
}

TEST_F(ProgressDisplayTest, TerminalRedrawsInPlace) {
  {
    ProgressDisplay display({.mode = ProgressOptions::Mode::terminal, .stream = stream_});
    run_to_end(display.add("m"));
    display.say("above");
  }
  const std::string text = written();
  EXPECT_THAT(text, HasSubstr("reached"));
  EXPECT_THAT(text, testing::EndsWith("\x1b[K\n\x1b[J"));
  EXPECT_THAT(text, HasSubstr("above\n"));
}

TEST_F(ProgressDisplayTest, NoColorIsRespected) {
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_TRUE(colours_refused());
  {
    ProgressDisplay display({.mode = ProgressOptions::Mode::terminal, .stream = stream_});
    run_to_end(display.add("m"));
  }
  EXPECT_THAT(written(), Not(HasSubstr("\x1b[32m")));
  ::setenv("NO_COLOR", "", 1);
  EXPECT_FALSE(colours_refused());
  ::unsetenv("NO_COLOR");
}

TEST_F(ProgressDisplayTest, SilentWritesNothing) {
  {
    ProgressDisplay display({.mode = ProgressOptions::Mode::silent, .stream = stream_});
    run_to_end(display.add("m"));
  }
  EXPECT_EQ(written(), "");
}

}  // namespace
}  // namespace tardigrad::report
