// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/state.hpp"
#include "record/file.hpp"
#include "record/recording_reader.hpp"
#include "record/recording_writer.hpp"
#include "record_test_support.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

using testing::HasSubstr;
using Status = RecordingReader::Status;

const RecordingHeader kHeader{
    .provenance = {.program = "tardigrad x", .data = {{.name = "/d", .hash = "h", .bytes = 2}}},
    .scenario_hash = "abc",
    .runtime = "sim",
    .method = "clipped-asgd",
    .problem = "quadratic",
    .dimension = 7,
    .initial_point = ~std::uint64_t{0}};

class Recordings : public testing::Test {
 protected:
  // One of everything; the first block of items ends after the third event.
  void write() {
    RecordingWriter writer(path(), kHeader);
    writer.joined(Time{0}, 3, 2.5);
    writer.assigned(3, 17, 0, {});
    writer.joined(Time{0}, 4, 1.0);
    const LocalWork work{
        .steps = 5, .epochs = 2, .step_size = 0.25, .proximal_weight = 0.5, .clip_radius = 2.0, .budget = Time{9}};
    writer.assigned(4, 18, 0, work);
    writer.timer_set(TimerId{6}, Time{1'000'000'000'000});
    writer.arrived(Time{300}, {.id = 17, .worker = 3, .index = 200, .version = 0, .compute_time = Time{300}},
                   {.delay = 4, .outcome = Outcome::applied, .coefficient = -0.125, .norm = 0.5, .hash = 99});
    writer.flush_soon();
    writer.lost(Time{400}, 4, std::vector<Order>{{.id = 18, .worker = 4, .index = 1000}});
    writer.cancelled(3, std::vector<Order>{{.id = 20, .worker = 3, .index = 201}, {.id = 21, .worker = 3, .index = 9}});
    writer.timer_fired(Time{1'000'000'000'000}, TimerId{6});
    writer.arrived(Time{1'000'000'000'000}, {.id = 22, .worker = 3, .version = 1, .steps_done = 2},
                   {.outcome = Outcome::not_finite, .norm = std::nan("")});
    writer.end({.time = Time{1'000'000'000'001}, .reason = "diverged", .digest = "00ff"});
    writer.close();
  }
  std::filesystem::path path() const { return directory_ / "recording.bin"; }
  std::string bytes() const { return read_file(path()); }
  static std::size_t count(RecordingReader& reader) {
    std::size_t events = 0;
    while (reader.next()) ++events;
    return events;
  }
  std::string message_of(std::string contents) {
    try {
      RecordingReader(std::move(contents), "FILE");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  TemporaryDirectory directory_;
};

TEST_F(Recordings, GiveBackWhatWasWritten) {
  write();
  RecordingReader reader(path());
  EXPECT_EQ(reader.header(), kHeader);
  std::vector<RecordedEvent> events;
  while (const auto event = reader.next()) events.push_back(*event);
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(reader.status(), Status::ended);
  ASSERT_TRUE(reader.end());
  EXPECT_EQ(reader.end()->time, Time{1'000'000'000'001});
  EXPECT_EQ(reader.end()->reason, "diverged");
  EXPECT_EQ(reader.end()->digest, "00ff");

  EXPECT_EQ(events[0].number, 1u);
  EXPECT_EQ(events[0].kind, Event::Kind::worker_joined);
  EXPECT_EQ(events[0].worker, 3u);
  EXPECT_EQ(events[0].examples, 2.5);
  ASSERT_EQ(events[0].commands.size(), 1u);
  EXPECT_EQ(events[0].commands[0].kind, Command::Kind::assign);
  EXPECT_EQ(events[0].commands[0].order, 17u);
  EXPECT_EQ(events[0].commands[0].work, LocalWork{});

  ASSERT_EQ(events[1].commands.size(), 2u);
  const LocalWork& work = events[1].commands[0].work;
  EXPECT_EQ(
      work,
      (LocalWork{
          .steps = 5, .epochs = 2, .step_size = 0.25, .proximal_weight = 0.5, .clip_radius = 2.0, .budget = Time{9}}));
  EXPECT_EQ(events[1].commands[1].kind, Command::Kind::set_timer);
  EXPECT_EQ(events[1].commands[1].timer, TimerId{6});
  EXPECT_EQ(events[1].commands[1].after, Time{1'000'000'000'000});

  EXPECT_EQ(events[2].time, Time{300});
  EXPECT_EQ(events[2].order.index, 200u);
  EXPECT_EQ(events[2].order.compute_time, Time{300});
  EXPECT_EQ(events[2].decision.delay, 4u);
  EXPECT_EQ(events[2].decision.coefficient, -0.125);
  EXPECT_EQ(events[2].decision.norm, 0.5);
  EXPECT_EQ(events[2].decision.hash, 99u);
  EXPECT_EQ(describe(events[2]), "worker 3 brings order 17, at 3e-07 s");

  EXPECT_EQ(events[3].lost.at(0).index, 1000u);
  EXPECT_EQ(events[3].commands.at(0).cancelled.at(1).id, 21u);
  EXPECT_EQ(describe(events[3]), "worker 4 vanishes, at 4e-07 s");
  EXPECT_EQ(events[4].kind, Event::Kind::timer_fired);
  EXPECT_EQ(describe(events[4]), "timer 6 fires, at 1000 s");
  EXPECT_EQ(events[5].decision.outcome, Outcome::not_finite);
  EXPECT_TRUE(std::isnan(events[5].decision.norm.value()));
  EXPECT_FALSE(events[5].decision.hash);
  EXPECT_EQ(events[5].order.steps_done, 2u);
}

// Cut at every byte: the events of the whole blocks are there, and the recording says that it is torn.
TEST_F(Recordings, TornAnywhereTheyAreReadableUpToTheTear) {
  write();
  const std::string whole = bytes();
  std::size_t most = 0;
  for (std::size_t size = whole.size() - 1;; --size) {
    try {
      RecordingReader reader(whole.substr(0, size), "FILE");
      const std::size_t events = count(reader);
      EXPECT_TRUE(events == 3 || events == 0) << events;  // the last block holds the other events and the end
      EXPECT_EQ(reader.status(), Status::torn);
      EXPECT_THAT(reader.trouble(), HasSubstr("torn after event " + std::to_string(events)));
      EXPECT_FALSE(reader.end());
      most = std::max(most, events);
    } catch (const Error& error) {  // not even the header is whole
      EXPECT_THAT(error.what(), HasSubstr("FILE: not a recording"));
      EXPECT_LE(size, whole.find('}', whole.find("initial_point")));
    }
    if (size == 0) break;
  }
  EXPECT_EQ(most, 3u);
}

// Every byte in turn is changed: it is always noticed.
TEST_F(Recordings, AFlippedByteIsNoticed) {
  write();
  const std::string whole = bytes();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    try {
      RecordingReader reader(changed, "FILE");
      EXPECT_LE(count(reader), 3u) << i;
      EXPECT_NE(reader.status(), Status::ended) << i;  // a length that grew looks like a tear
      EXPECT_THAT(reader.trouble(), HasSubstr(" after event ")) << i;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("FILE: not a recording: ")) << i;
    }
  }
}

TEST_F(Recordings, SayWhyAFileIsNone) {
  EXPECT_EQ(message_of(""), "FILE: not a recording: it begins with something else");
  EXPECT_THAT(message_of("tgrecord"), HasSubstr("FILE: not a recording: torn after event 0, at byte 8 of 8"));
  write();
  std::string changed = bytes();
  changed[30] = static_cast<char>(changed[30] ^ 1);
  EXPECT_THAT(message_of(changed), HasSubstr("damaged after event 0, at byte 8 of "));
  EXPECT_THROW(RecordingReader(std::filesystem::path("/no/such/file")), Error);
}

// Nothing may follow the end, and time never goes back.
TEST_F(Recordings, WhatFollowsTheEndIsDamage) {
  write();
  RecordingReader reader(bytes() + "more", "FILE");
  EXPECT_EQ(count(reader), 6u);
  EXPECT_EQ(reader.status(), Status::damaged);
}

// What was written after the state was saved makes way; times go on from there.
TEST_F(Recordings, AreGoneOnWithFromASavedState) {
  std::uint64_t kept = 0;
  tardigrad::SavedState saved;
  {
    RecordingWriter writer(path(), kHeader);
    writer.joined(Time{0}, 3, 2.5);
    writer.assigned(3, 17, 0, {});
    writer.timer_fired(Time{1000}, TimerId{6});
    writer.flush();
    kept = writer.file().bytes();
    StateWriter state;
    state(writer);
    saved = state.take();
    writer.joined(Time{5000}, 4, 1.0);  // never happened, to those who go on
  }
  {
    RecordingWriter writer(path(), kHeader, {.kept = kept});
    StateReader state(saved);
    state(writer);
    state.finish();
    writer.joined(Time{1002}, 5, 1.0);
    writer.end({.time = Time{1003}, .reason = "updates", .digest = "00ff"});
    writer.close();
  }
  RecordingReader reader(path());
  EXPECT_EQ(reader.header(), kHeader);
  EXPECT_EQ(reader.next()->commands.at(0).order, 17u);
  EXPECT_EQ(reader.next()->time, Time{1000});
  const std::optional<RecordedEvent> last = reader.next();
  EXPECT_EQ(last->time, Time{1002});
  EXPECT_EQ(last->worker, 5u);
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.end()->time, Time{1003});
}

// A block holds whole events: what is written after 64 KiB is readable though nobody closed the file.
TEST_F(Recordings, FullBlocksAreWritten) {
  RecordingWriter writer(path(), kHeader);
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    writer.joined(Time{static_cast<Time::rep>(i)}, 1, 1.0);
    writer.assigned(1, i, i, {});
  }
  RecordingReader reader(bytes(), "FILE");
  std::uint64_t events = 0;
  while (const auto event = reader.next()) {
    EXPECT_EQ(event->commands.size(), 1u);
    ++events;
  }
  EXPECT_GT(events, 4'000u);
  EXPECT_LT(events, 10'000u);
  writer.close();
}

}  // namespace
}  // namespace tardigrad::record
