// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <numeric>
#include <sstream>

#include "core/hash.hpp"
#include "record/checkpoints.hpp"
#include "record/file.hpp"
#include "record_test_support.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kFloats = 5;

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}
void write(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

class Checkpoints : public testing::Test {
 protected:
  SavedState example(float first = 1.0f) {
    SavedState state;
    state.bytes.resize(37);
    for (std::size_t i = 0; i < state.bytes.size(); ++i) state.bytes[i] = static_cast<std::byte>(7 * i);
    for (int k = 0; k < 2; ++k) {
      auto vector = std::make_shared<Buffer>(pool_.take());
      std::iota(vector->view().begin(), vector->view().end(), first + static_cast<float>(10 * k));
      state.vectors.push_back(vector);
    }
    return state;
  }
  static CheckpointHeader header(std::uint64_t updates, std::optional<double> metric = {}) {
    return {.provenance = provenance_line({.program = "tardigrad 1"}),
            .scenario_hash = "abc",
            .updates = updates,
            .metric = metric};
  }
  CheckpointFolder folder(std::size_t keep = 3, std::optional<Target::Direction> direction = {}) const {
    return CheckpointFolder({.path = directory_ / "checkpoints",
                             .provenance = {.program = "tardigrad 1"},
                             .scenario_hash = "abc",
                             .keep = keep,
                             .direction = direction});
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_ / "checkpoints"))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
  static std::string name(std::uint64_t updates) {
    const std::string digits = std::to_string(updates);
    return std::string(12 - digits.size(), '0') + digits + ".checkpoint";
  }
  fs::path file(std::uint64_t updates) const { return directory_ / "checkpoints" / name(updates); }
  std::string problem(const fs::path& path) {
    try {
      read_checkpoint(path, pool_);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  // Puts aside those that were passed over.
  std::optional<Checkpoint> last(const CheckpointFolder& from,
                                 CheckpointFolder::Logs logs = CheckpointFolder::Logs::any) {
    told_.clear();
    auto found = from.last(pool_, directory_.path(), logs);
    if (!found) return std::nullopt;
    for (const auto& [file, why] : found->passed_over) told_.push_back(why);
    from.put_aside(found->passed_over);
    return std::move(found->checkpoint);
  }
  std::string refusal(const CheckpointFolder& from) {
    try {
      last(from);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  static KeptLog kept_of(const std::string& text) {
    Hasher hasher;
    hasher.add(text);
    return {.bytes = text.size(), .checksum = hasher.hex()};
  }

  BufferPool pool_{kFloats};
  TemporaryDirectory directory_;
  std::vector<std::string> told_;
};

TEST_F(Checkpoints, AreReadAsTheyWereWritten) {
  const SavedState state = example();
  CheckpointHeader wanted = header(42, 0.5);
  wanted.events = {.bytes = 7, .checksum = "sum", .missing = 2};
  wanted.recording.bytes = 9;
  write_checkpoint(directory_ / "one", wanted, state);
  const Checkpoint found = read_checkpoint(directory_ / "one", pool_);
  EXPECT_EQ(found.header.updates, 42u);
  EXPECT_EQ(found.header.metric, 0.5);
  EXPECT_EQ(found.header.events.bytes, 7u);
  EXPECT_EQ(found.header.events.checksum, "sum");
  EXPECT_EQ(found.header.missing(), 2u);
  EXPECT_EQ(found.header.recording.bytes, 9u);
  EXPECT_EQ(verify_checkpoint(directory_ / "one").updates, 42u);
  EXPECT_EQ(found.state.bytes, state.bytes);
  ASSERT_EQ(found.state.vectors.size(), 2u);
  for (int k = 0; k < 2; ++k)
    for (std::size_t j = 0; j < kFloats; ++j) EXPECT_EQ(found.state.vectors[k]->view()[j], state.vectors[k]->view()[j]);
  EXPECT_EQ(read_checkpoint_header(directory_ / "one").updates, 42u);
}

TEST_F(Checkpoints, TornAtAnyLengthAreRefused) {
  write_checkpoint(directory_ / "one", header(42, 0.5), example());
  const std::string whole = read(directory_ / "one");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write(directory_ / "torn", whole.substr(0, length));
    EXPECT_THAT(problem(directory_ / "torn"), HasSubstr("torn: not a checkpoint: ")) << length;
  }
  write(directory_ / "torn", whole + '0');
  EXPECT_THAT(problem(directory_ / "torn"), HasSubstr("longer than it says"));
  EXPECT_EQ(problem(directory_ / "one"), "");
}

TEST_F(Checkpoints, AnyBitThatChangedIsNoticed) {
  write_checkpoint(directory_ / "one", header(42, 0.5), example());
  const std::string whole = read(directory_ / "one");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      write(directory_ / "flipped", flipped);
      const bool in_format = i >= 8 && i < 12;  // that of another program, for all that is known
      ASSERT_THAT(problem(directory_ / "flipped"), HasSubstr(in_format ? "of another program" : "not a checkpoint: "))
          << i << ' ' << bit;
    }
  }
}

TEST_F(Checkpoints, OfOtherModelsAndOtherFilesAreRefused) {
  write_checkpoint(directory_ / "one", header(1), example());
  BufferPool other(kFloats + 1);
  EXPECT_THROW(read_checkpoint(directory_ / "one", other), Error);
  write(directory_ / "text", "a text that is long enough to have been the beginning of a checkpoint\n");
  EXPECT_THAT(problem(directory_ / "text"), HasSubstr("it begins with other bytes"));
  EXPECT_THAT(problem(directory_ / "nowhere"), HasSubstr("cannot read"));
}

TEST_F(Checkpoints, TheLastAreKept) {
  const CheckpointFolder kept = folder(3);
  for (const std::uint64_t updates : {50, 100, 150, 200, 250}) kept.write(header(updates), example());
  EXPECT_THAT(files(), ElementsAre(name(150), name(200), name(250)));
  EXPECT_EQ(last(kept)->header.updates, 250u);
}

TEST_F(Checkpoints, TheBestIsKeptToo) {
  const CheckpointFolder least = folder(1, Target::Direction::at_most);
  least.write(header(10), example());
  least.write(header(20, 0.5), example());
  least.write(header(30, 0.2), example());
  least.write(header(40, 0.3), example());
  least.write(header(50, std::numeric_limits<double>::quiet_NaN()), example());
  EXPECT_THAT(files(), ElementsAre(name(30), name(50)));
  least.write(header(60, 0.1), example());
  EXPECT_THAT(files(), ElementsAre(name(60)));
  fs::remove_all(directory_ / "checkpoints");
  const CheckpointFolder most = folder(1, Target::Direction::at_least);
  for (const std::uint64_t updates : {10, 20, 30}) most.write(header(updates, updates == 10 ? 0.9 : 0.2), example());
  EXPECT_THAT(files(), ElementsAre(name(10), name(30)));
}

TEST_F(Checkpoints, WhatAKillLeftHalfWrittenGoesAway) {
  folder().write(header(50), example());
  write(directory_ / "checkpoints" / (name(60) + ".0123456789abcdef.tmp"), "half");
  write(directory_ / "checkpoints" / "mine.txt", "not a checkpoint");
  EXPECT_EQ(last(folder())->header.updates, 50u);
  EXPECT_THAT(told_, IsEmpty());
  folder().write(header(70), example());
  EXPECT_THAT(files(), ElementsAre(name(50), name(70), "mine.txt"));
}

TEST_F(Checkpoints, InThePlaceOfADamagedOneThePreviousIsTaken) {
  const CheckpointFolder kept = folder();
  for (const std::uint64_t updates : {50, 100, 150}) kept.write(header(updates), example());
  fs::resize_file(file(150), 60);
  const auto found = last(kept);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->header.updates, 100u);
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_THAT(told_[0], HasSubstr("000000000150.checkpoint: not a checkpoint: it is shorter or longer than it says"));
  EXPECT_THAT(files(), ElementsAre(name(50), name(100), name(150) + ".aside"));
  EXPECT_EQ(last(kept)->header.updates, 100u);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(Checkpoints, WhereAllAreDamagedThereIsNone) {
  const CheckpointFolder kept = folder();
  EXPECT_FALSE(last(kept));  // not even a folder
  kept.write(header(50), example());
  write(file(50), "");
  EXPECT_THAT(refusal(kept), HasSubstr("000000000050.checkpoint: not a checkpoint: it ends too early; no other "
                                       "checkpoint can be gone on from; nothing was changed"));
  EXPECT_THAT(files(), ElementsAre(name(50)));
  kept.put_aside({{file(50), ""}});
  write(file(50), "");
  kept.put_aside({{file(50), ""}});  // not in the place of the other
  EXPECT_THAT(files(), ElementsAre(name(50) + "-2.aside", name(50) + ".aside"));
  EXPECT_THAT(refusal(kept), HasSubstr("checkpoints: holds nothing but what an earlier run could not go on from; "));
}

// Nothing is put aside, and no older one is taken in silence.
TEST_F(Checkpoints, OfAnotherProgramScenarioOrDataAreRefused) {
  const CheckpointFolder kept = folder();
  const auto refused = [&](const CheckpointHeader& foreign, const std::string& why) {
    kept.write(header(40), example());  // an older one that is ours
    kept.write(foreign, example());
    EXPECT_THAT([&] { last(kept); },
                testing::ThrowsMessage<Error>(HasSubstr(file(foreign.updates).string() + ": " + why)));
    EXPECT_THAT(told_, IsEmpty());
    EXPECT_THAT(files(), ElementsAre(name(40), name(foreign.updates)));
    fs::remove(file(foreign.updates));
  };
  const auto made_by = [](std::uint64_t updates, const Provenance& provenance) {
    CheckpointHeader foreign = header(updates);
    foreign.provenance = provenance_line(provenance);
    return foreign;
  };
  refused(made_by(50, {.program = "tardigrad 0"}),
          "it was made by tardigrad 0; this is tardigrad 1; nothing was changed");
  refused(made_by(60, {.program = "tardigrad 1", .data = {{.name = "/d.svm", .hash = "x", .bytes = 3}}}),
          "it was made from 1 files of data, and now there are 0");
  CheckpointHeader foreign = header(70);
  foreign.scenario_hash = "xyz";
  refused(foreign, "is of another scenario");
  EXPECT_EQ(last(kept)->header.updates, 40u);
}

// A model of another width is no damage.
TEST_F(Checkpoints, OfAnotherWidthAreRefused) {
  folder().write(header(50), example());
  BufferPool other(kFloats + 1);
  EXPECT_THAT([&] { folder().last(other, directory_.path()); },
              testing::ThrowsMessage<Error>(HasSubstr("a checkpoint of 5 parameters, not of 6; nothing was changed")));
  EXPECT_THAT(files(), ElementsAre(name(50)));
}

TEST_F(Checkpoints, AreOfNoUseWithoutTheirLogs) {
  const CheckpointFolder kept = folder();
  kept.write(header(50), example());
  CheckpointHeader longer = header(100);
  longer.events = kept_of("0123456789a");
  kept.write(longer, example());
  EXPECT_THAT(refusal(kept), HasSubstr("events.jsonl: is missing, and 11 bytes of it are gone on from; nothing was"));
  write(directory_ / "events.jsonl", "0123456789");
  EXPECT_THAT(refusal(kept),
              HasSubstr("events.jsonl: has 10 bytes, and 11 of it are gone on from; nothing was changed: "
                        "bring it back from a copy, or move "));
  write(directory_ / "events.jsonl", "0123456789b and more");
  EXPECT_THAT(refusal(kept), HasSubstr("events.jsonl: its first 11 bytes are not those that the run wrote"));
  write(directory_ / "events.jsonl", "0123456789a and more");
  EXPECT_EQ(last(kept)->header.updates, 100u);
  EXPECT_THAT(files(), ElementsAre(name(50), name(100)));
}

TEST_F(Checkpoints, TheLastOneThatLacksNoRowsIsKept) {
  const CheckpointFolder kept = folder(2);
  kept.write(header(50), example());
  for (const std::uint64_t updates : {100, 150, 200}) {
    CheckpointHeader torn = header(updates);
    torn.metrics.missing = 1;
    kept.write(torn, example());
  }
  EXPECT_THAT(files(), ElementsAre(name(50), name(150), name(200)));
  EXPECT_EQ(last(kept)->header.updates, 200u);
  EXPECT_EQ(last(kept, CheckpointFolder::Logs::whole)->header.updates, 50u);
  EXPECT_THAT(files(), ElementsAre(name(50), name(150) + ".aside", name(200) + ".aside"));
}

// Tells once, goes on trying, and tells again when it was well in between.
TEST_F(Checkpoints, AFolderThatHasGoneEndsNothing) {
  const fs::path gone = directory_ / "run";
  std::vector<std::string> told;
  CheckpointWriter writer(
      CheckpointFolder({.path = gone / "checkpoints", .provenance = {}, .scenario_hash = "s", .direction = {}}),
      {.every = {}, .tell = [&](const std::string& text) { told.push_back(text); }});
  const auto attempt = [&](std::uint64_t updates) {
    writer.write(header(updates), example(), [] {});
    writer.wait();
  };
  attempt(1);
  attempt(2);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_THAT(told[0], HasSubstr("the run goes on"));
  fs::create_directory(gone);
  attempt(3);
  EXPECT_EQ(writer.written(), 1u);
  fs::remove_all(gone);
  attempt(4);
  attempt(5);
  EXPECT_EQ(told.size(), 3u);  // gone, there again, gone
  EXPECT_FALSE(fs::exists(gone));
  EXPECT_EQ(pool_.in_use(), 0u);
}

TEST_F(Checkpoints, AFullDiskEndsNothing) {
  folder().write(header(1), example());
  std::vector<std::string> told;
  {
    CheckpointWriter writer(folder(), {.every = {}, .tell = [&](const std::string& text) { told.push_back(text); }});
    {
      const FullDisk full(64);
      for (const std::uint64_t updates : {2, 3}) writer.write(header(updates), example(), [] {});
      writer.wait();
    }
    EXPECT_THAT(files(), ElementsAre(name(1)));  // whole, and nothing half
    writer.write(header(4), example(), [] {});
  }
  ASSERT_EQ(told.size(), 2u);
  EXPECT_THAT(told[0], HasSubstr("cannot write: File too large"));
  EXPECT_THAT(told[1], HasSubstr("checkpoints are written again"));
  EXPECT_THAT(files(), ElementsAre(name(1), name(4)));
}

TEST_F(Checkpoints, AreDueByTheClock) {
  CheckpointWriter writer(folder(), {.every = std::chrono::milliseconds(1), .tell = [](const std::string&) {}});
  for (int i = 0; i < 10000 && !writer.is_due(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_TRUE(writer.is_due());
  writer.write(header(1), example(), [] {});
  writer.wait();
  for (int i = 0; i < 10000 && !writer.is_due(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(writer.is_due());
}

TEST_F(Checkpoints, LogsAreCutBackAndGoneOnWith) {
  const fs::path path = directory_ / "log";
  write(path, "kept and cut");
  {
    record::File log(path, 4);
    EXPECT_EQ(log.bytes(), 4u);
    log.write(std::string_view(", on"));
    EXPECT_EQ(log.bytes(), 8u);
  }
  EXPECT_EQ(read(path), "kept, on");
  EXPECT_THROW(record::File(path, 9), Error);
  EXPECT_THROW(record::File(directory_ / "nowhere", 1), Error);
}

}  // namespace
}  // namespace tardigrad::record
