// SPDX-License-Identifier: Apache-2.0
// A run's directory is never made worse: `--resume` goes on from what it has verified, or says what is wrong and
// changes nothing, not a byte and not a time.
#include <sys/stat.h>

#include <fmt/format.h>
#include <algorithm>
#include <functional>
#include <map>
#include <sstream>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

using testing::Not;

constexpr const char* kRun = R"(
[run]
stop = { updates = 200 }
evaluate_every = { updates = 60 }
checkpoint_every = { updates = 40 }
record = true
)";

class Recovery : public Program {
 protected:
  fs::path disk() const override { return memory(); }
  void SetUp() override {
    Program::SetUp();
    write("s.toml", std::string(kSmallWorld) + kRun);
  }
  Finished run_in(const std::string& directory, std::vector<std::string> more = {}, const std::string& faults = "") {
    more.insert(more.begin(), {"run", "s.toml", "--quiet", "--out", directory});
    return run(more, faults);
  }
  // The run was killed at its end, and it waited at every evaluation: its logs are whole, and it has three checkpoints.
  void break_off(const std::string& directory) {
    ASSERT_EQ(run_in(directory, {}, "rename */summary.json 1 kill; write */metrics.jsonl * slow").code, 128 + SIGKILL);
    ASSERT_EQ(checkpoints().size(), 3u);
  }
  // The newest first.
  std::vector<fs::path> checkpoints() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_ / "r" / "checkpoints")) files.push_back(entry.path());
    std::ranges::sort(files, std::greater<>());
    return files;
  }
  fs::path checkpoint(int updates) const {
    return folder_ / "r" / "checkpoints" / fmt::format("{:012}.checkpoint", updates);
  }
  fs::path log(const char* name) const { return folder_ / "r" / name; }
  void overwrite(const fs::path& file, std::size_t at, char byte) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(byte);
  }

  // Every name, with its bytes and the time of its last change.
  std::map<std::string, std::string> everything() const {
    std::map<std::string, std::string> found;
    const auto add = [&](const fs::path& path) {
      struct stat about {};
      lstat(path.c_str(), &about);
      found[path.string()] =
          fmt::format("{} {} {}.{} ", about.st_mode, about.st_ino, about.st_mtim.tv_sec, about.st_mtim.tv_nsec) +
          (S_ISREG(about.st_mode) ? read(path) : "");
    };
    add(folder_ / "r");
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "r")) add(entry.path());
    return found;
  }
  // With and without -q: one line, exit code 2, and nothing has changed.
  void expect_refused_unchanged(const std::string& message, const std::string& faults = "") {
    const auto before = everything();
    for (const bool quiet : {true, false}) {
      std::vector<std::string> words = {"run", "s.toml", "--out", "r", "--resume"};
      if (quiet) words.emplace_back("--quiet");
      const Finished refused = run(words, faults);
      EXPECT_EQ(refused.code, 2) << message;
      EXPECT_THAT(refused.err, HasSubstr(message));
      EXPECT_EQ(std::ranges::count(refused.err, '\n'), 1) << refused.err;
      EXPECT_EQ(refused.out, "");
    }
    EXPECT_TRUE(everything() == before) << message;
  }
  void expect_same_as_whole(const std::string& directory = "r") {
    for (const char* file : {"scenario.toml", "metrics.jsonl", "events.jsonl", "model.safetensors"})
      EXPECT_TRUE(read(folder_ / directory / file) == read(folder_ / "whole" / file)) << file;
    EXPECT_EQ(summary(directory)["digest"], summary("whole")["digest"]);
    EXPECT_EQ(summary(directory)["missing"], json::object());
  }
};

TEST_F(Recovery, WhatCannotBeReadIsNoDamage) {
  break_off("r");
  const std::string newest = checkpoint(200).string();
  const std::string help = "; nothing was changed: say the same again when that is mended, or move ";
  const auto refused = [&](const std::string& message, const std::string& faults) {
    expect_refused_unchanged(message, faults);
  };
  for (const auto& [error, text] : {std::pair{"EACCES", "Permission denied"}, {"ESTALE", "Stale file handle"}})
    refused(fmt::format("000000000200.checkpoint: cannot read: {}{}", text, help),
            fmt::format("open {} * {}", newest, error));
  refused("000000000200.checkpoint: cannot read: Input/output error", fmt::format("read {} 1+ EIO", newest));
  refused("r/checkpoints: cannot read the directory: Input/output error", "list */r/checkpoints * EIO");
  for (const char* file : {"events.jsonl", "metrics.jsonl", "recording.bin"})
    refused(fmt::format("r/{}: cannot read: Input/output error{}", file, help), fmt::format("read */r/{} * EIO", file));
  for (const char* file : {"scenario.toml", "provenance.json"})
    refused(fmt::format("r/{}: cannot read: Input/output error", file), fmt::format("read */r/{} * EIO", file));
  EXPECT_EQ(run_in("r", {"--resume"}).code, 0) << "it was only for a while";
}

TEST_F(Recovery, WhatStandsInThePlaceOfACheckpointIsNoDamage) {
  break_off("r");
  const fs::path newest = checkpoint(200), away = folder_ / "away";
  fs::rename(newest, away);
  fs::create_directory(newest);
  expect_refused_unchanged("000000000200.checkpoint: cannot read: ");
  fs::remove(newest);
  fs::create_symlink(newest, newest);
  expect_refused_unchanged("000000000200.checkpoint: cannot read: Too many levels of symbolic links");
  fs::remove(newest);
  fs::rename(away, newest);
  for (const char* name : {"events.jsonl", "recording.bin"}) {  // it would be written through
    fs::rename(log(name), away);
    fs::create_symlink(away, log(name));
    expect_refused_unchanged(std::string("r/") + name + ": is a symbolic link");
    fs::rename(away, log(name));
  }
  EXPECT_EQ(run_in("r", {"--resume"}).code, 0);
}

TEST_F(Recovery, LogsMustBeWhatTheCheckpointGoesOnFrom) {
  break_off("r");
  const std::string help = "; nothing was changed: bring it back from a copy, or move ";
  for (const char* name : {"events.jsonl", "metrics.jsonl", "recording.bin"}) {
    const fs::path file = log(name), copy = folder_ / "copy";
    const std::string path = std::string("r/") + name;
    fs::copy_file(file, copy, fs::copy_options::overwrite_existing);
    const auto back = [&] { fs::copy_file(copy, file, fs::copy_options::overwrite_existing); };
    fs::resize_file(file, 100);
    expect_refused_unchanged(path + ": has 100 bytes, and ");
    back();
    const std::string bytes = read(file);
    for (const std::size_t at : {std::size_t{0}, bytes.size() / 3}) {
      overwrite(file, at, static_cast<char>(bytes[at] ^ 1));
      expect_refused_unchanged(path + ": its first ");
      expect_refused_unchanged(" bytes are not those that the run wrote" + help);
      back();
    }
    fs::remove(file);
    if (file.filename() == "metrics.jsonl")
      expect_refused_unchanged(
          "r: holds checkpoints, but metrics.jsonl, which marks the directory of a run, is missing");
    else
      expect_refused_unchanged(path + ": is missing, and ");
    back();
  }
  std::ofstream(log("events.jsonl"), std::ios::app) << "torn";  // what comes after the checkpoint does not matter
  ASSERT_EQ(run_in("whole").code, 0);
  ASSERT_EQ(run_in("r", {"--resume"}).code, 0);
  expect_same_as_whole();
}

TEST_F(Recovery, CheckpointsThatAreOthersAreLeftToThem) {
  break_off("r");
  overwrite(checkpoint(200), 8, 99);  // the number of the format
  expect_refused_unchanged("000000000200.checkpoint: a checkpoint of another program: format 99, only ");
}

TEST_F(Recovery, InThePlaceOfADamagedOneTheOneBeforeItIsTakenAndThatIsSaid) {
  ASSERT_EQ(run_in("whole").code, 0);
  break_off("r");
  const std::vector<fs::path> files = checkpoints();
  fs::resize_file(files[0], 100);
  overwrite(files[1], fs::file_size(files[1]) / 2, 'x');
  const Finished on = run_in("r", {"--resume"});
  EXPECT_EQ(on.code, 0);
  EXPECT_THAT(on.err,
              HasSubstr(files[0].filename().string() +
                        ": not a checkpoint: it is shorter or longer than it says; it is put aside, and the one "
                        "before it is taken\n"));
  EXPECT_THAT(on.err, HasSubstr(files[1].filename().string() + ": not a checkpoint: its checksum does not hold"));
  expect_same_as_whole();
  for (const fs::path& file : {files[0], files[1]})  // they stay
    EXPECT_TRUE(fs::exists(file.string() + ".aside")) << file;
}

TEST_F(Recovery, NothingBeginsAnewWithoutOverwrite) {
  break_off("r");
  const std::vector<fs::path> files = checkpoints();
  for (const fs::path& file : files) fs::resize_file(file, 100);
  expect_refused_unchanged(
      "000000000200.checkpoint: not a checkpoint: it is shorter or longer than it says; no other "
      "checkpoint can be gone on from; nothing was changed; --out names another directory, "
      "--overwrite begins anew");
  for (const fs::path& file : files) fs::remove(file);
  expect_refused_unchanged("r: holds a run that was broken off, and no checkpoint to go on from");
  fs::remove(folder_ / "r" / "checkpoints");
  expect_refused_unchanged("r: holds a run that was broken off, and no checkpoint to go on from");
  expect_refused({"run", "s.toml", "--out", "r"},
                 "r: holds a run that was broken off; --out names another directory, --overwrite begins anew");
  ASSERT_EQ(run_in("whole").code, 0);
  EXPECT_EQ(run_in("r", {"--overwrite"}).code, 0);
  expect_same_as_whole();
}

// A kill before the first event leaves a checkpoint, or nothing that could be lost.
TEST_F(Recovery, ARunCanBeGoneOnWithFromItsFirstRowOn) {
  for (const char* every : {"run.checkpoint_every={updates=1000}", "run.keep_checkpoints=3"}) {
    ASSERT_EQ(run_in("r", {"--resume", "--set", every}, "write */metrics.jsonl 1 kill-after").code, 128 + SIGKILL);
    EXPECT_TRUE(fs::exists(checkpoint(0)));
    EXPECT_EQ(run_in("r", {"--resume", "--set", every}).code, 0);
    fs::remove_all(folder_ / "r");
  }
  ASSERT_EQ(run_in("r", {}, "rename */000000000000.checkpoint 1 kill").code, 128 + SIGKILL);
  EXPECT_EQ(run_in("r", {"--resume"}).code, 0);
}

TEST_F(Recovery, LogsOfARunThatHasEndedAreLookedAt) {
  ASSERT_EQ(run_in("r").code, 0);
  EXPECT_EQ(run_in("r", {"--resume"}).code, 0);
  for (const char* name : {"events.jsonl", "metrics.jsonl", "recording.bin"}) {
    const std::string whole = read(log(name));
    overwrite(log(name), whole.size() - 2, '~');  // after its last checkpoint, too
    expect_refused_unchanged(" bytes are not those that the run wrote; the run has ended, and nothing was changed: ");
    write(std::string("r/") + name, whole + "{}\n");
    expect_refused_unchanged(fmt::format("r/{}: has {} bytes, and the run wrote {}; the run has ended, and nothing",
                                         name, whole.size() + 3, whole.size()));
    write(std::string("r/") + name, whole);
    EXPECT_EQ(run_in("r", {"--resume"}).code, 0);
  }
  fs::remove(log("recording.bin"));
  fs::remove(log("events.jsonl"));
  expect_refused_unchanged("r/events.jsonl: is missing, and ");
}

TEST_F(Recovery, AComparisonAdoptsNoRunWhoseLogsWereChanged) {
  write("c.toml",
        "problem = { name = 'quadratic' }\nworkers = { count = 2, compute_time = 1.0 }\n"
        "run = { stop = { updates = 20 } }\n"
        "compare = { seeds = 1, methods = [ { name = 'vanilla-asgd', step_size = 0.1 } ] }\n");
  const std::vector<std::string> words = {"compare", "c.toml", "--out", "c", "--quiet"};
  ASSERT_EQ(run(words).code, 0);
  const fs::path metrics = fs::directory_iterator(folder_ / "c" / "runs")->path() / "metrics.jsonl";
  overwrite(metrics, read(metrics).find("\"loss\":") + 8, '9');
  expect_refused(words, " bytes are not those that the run wrote; --fresh runs all of them again");
  fs::resize_file(metrics, 10);
  expect_refused(words, "metrics.jsonl: has 10 bytes, and the run wrote ");
  EXPECT_EQ(run({"compare", "c.toml", "--out", "c", "--quiet", "--fresh"}).code, 0);
  EXPECT_EQ(run(words).code, 0);
}

TEST_F(Recovery, SummariesThatWereEditedAreNobodys) {
  ASSERT_EQ(run_in("r").code, 0);
  const std::string whole = read(log("summary.json"));
  std::string edited = whole;
  edited.replace(edited.find("\"wall_seconds\": "), 16, "\"wall_seconds\": 1");
  std::ofstream(log("summary.json")) << edited;
  expect_refused_unchanged("r/summary.json: not a run summary: its checksum does not hold: it was edited; --out names");
  std::ofstream(log("summary.json")) << whole;
  EXPECT_EQ(run_in("r", {"--resume"}).code, 0);
  ASSERT_EQ(run_in("other", {"--seed", "5"}).code, 0);
  fs::copy_file(folder_ / "other" / "summary.json", log("summary.json"), fs::copy_options::overwrite_existing);
  expect_refused_unchanged("r: summary.json is not of the scenario that scenario.toml says; --out names");
}

// What a disk could not be made to keep is written anew, and is complete.
TEST_F(Recovery, AFailedSyncIsNotForgotten) {
  ASSERT_EQ(run_in("whole").code, 0);
  for (const char* name : {"events.jsonl", "metrics.jsonl", "recording.bin"}) {
    const Finished finished = run_in("r", {"--overwrite"}, fmt::format("sync */r/{} 2 EIO", name));
    EXPECT_EQ(finished.code, 0);
    EXPECT_THAT(finished.err, HasSubstr(fmt::format("r/{}: cannot sync: Input/output error; the run goes on", name)));
    EXPECT_THAT(finished.err, HasSubstr(fmt::format("r/{}: is written again, and nothing of it is missing", name)));
    expect_same_as_whole();
    const std::string calls = read(folder_ / "calls");
    EXPECT_THAT(calls, HasSubstr(fmt::format("rename {}\n", log(name).string()))) << "it was written anew";
    EXPECT_THAT(finished.out, HasSubstr("could not be written"));
    fs::remove(folder_ / "calls");
  }
}

TEST_F(Recovery, RowsThatFoundNoRoomAreMadeAgain) {
  ASSERT_EQ(run_in("whole").code, 0);
  const Finished full = run_in("r", {"--set", "run.checkpoint_every={updates=100}"}, "write */events.jsonl 2+ ENOSPC");
  EXPECT_EQ(full.code, 2);
  EXPECT_THAT(full.err, HasSubstr("r: rows could not be written; what is printed is complete, the directory is not"));
  EXPECT_GT(summary("r")["missing"]["events.jsonl"], 0);
  const Finished on = run_in("r", {"--resume", "--set", "run.checkpoint_every={updates=100}"});
  EXPECT_EQ(on.code, 0) << on.err;
  EXPECT_EQ(summary("r")["digest"], summary("whole")["digest"]);
  EXPECT_EQ(summary("r")["missing"], json::object());
  EXPECT_TRUE(read(log("events.jsonl")) == read(folder_ / "whole" / "events.jsonl"));
}

TEST_F(Recovery, AComparisonMakesThemAgainToo) {
  write("c.toml",
        "problem = { name = 'quadratic', dimension = 20 }\nworkers = { count = 2, compute_time = 1.0 }\n"
        "run = { stop = { updates = 20 }, events = true }\n"
        "compare = { seeds = 1, methods = [ { name = 'vanilla-asgd', step_size = 0.1 } ] }\n");
  const Finished full = run({"compare", "c.toml", "--out", "r", "--quiet"}, "write */events.jsonl * ENOSPC");
  EXPECT_EQ(full.code, 2) << full.err;
  EXPECT_THAT(full.err, HasSubstr(": rows could not be written; what is printed is complete, the directory is not\n"));
  const Finished again = run({"compare", "c.toml", "--out", "r"});
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.err, Not(HasSubstr("are there already")));
  EXPECT_EQ(run({"compare", "c.toml", "--out", "r", "--quiet"}).code, 0);
}

TEST_F(Recovery, CheckpointsThatAreLeftOutAreCounted) {
  const Finished slow = run_in("r", {"--set", "run.checkpoint_every={updates=1}"}, "sync */checkpoints/* 2-3 slow");
  EXPECT_EQ(slow.code, 0);
  EXPECT_THAT(slow.out, HasSubstr(" were left out, as one was still being written"));
}

// Every order of the logs once, and the counters know how it ended.
void expect_accounts_to_hold(const std::string& events, const json& counters) {
  std::map<std::string, std::uint64_t> outcomes;
  std::map<std::uint64_t, int> orders;
  std::istringstream rows(events);
  for (std::string line; std::getline(rows, line);) {
    const json row = json::parse(line);
    if (!row.contains("order")) continue;
    EXPECT_EQ(++orders[row["order"].get<std::uint64_t>()], 1) << line;
    ++outcomes[row["outcome"].get<std::string>()];
  }
  for (const char* outcome : {"applied", "discarded", "cancelled", "lost"})
    EXPECT_EQ(outcomes[outcome], counters[outcome].get<std::uint64_t>()) << outcome;
}

// until tardigrad run --resume r; do :; done
TEST_F(Recovery, ARunWhoseWorkersAllFailIsUnfinishedAndTheyHaveAnotherChance) {
  for (const char* runtime : {"sim", "threads"}) {
    write("s.toml", std::string("problem = { name = 'flaky', gradients = 40 }\n"
                                "workers = { count = 3, compute_time = 0.0001 }\n"
                                "method = { name = 'vanilla-asgd', step_size = 0.01 }\n"
                                "run = { stop = { updates = 500 }, record = true, runtime = '") +
                        runtime + "' }\n");
    const std::vector<std::string> command = {
        "run",      "s.toml",    "--out", "r",        "--quiet",
        "--resume", "--threads", "1",     "--plugin", (fs::path(TARDIGRAD_BINARY_DIR) / "tardigrad_flaky.so").string()};
    int unfinished = 0;
    Finished leg = run(command);
    for (; leg.code == 4 && unfinished < 20; leg = run(command)) {
      ++unfinished;
      EXPECT_EQ(summary("r")["reason"], "no_workers");
      EXPECT_THAT(leg.err, HasSubstr("no worker is left, and none will return"));
      EXPECT_THAT(leg.err, HasSubstr("tardigrad: r: is unfinished; --resume goes on with it"));
      expect_accounts_to_hold(read(log("events.jsonl")), summary("r")["counters"]);
    }
    EXPECT_EQ(leg.code, 0) << leg.err;
    EXPECT_GE(unfinished, 3);
    EXPECT_EQ(summary("r")["reason"], "updates");
    EXPECT_EQ(summary("r")["updates"], 500);
    expect_accounts_to_hold(read(log("events.jsonl")), summary("r")["counters"]);
    EXPECT_EQ(run(command).code, 0) << "it has ended";
    fs::remove_all(folder_ / "r");
  }
}

}  // namespace
}  // namespace tardigrad::e2e
