// SPDX-License-Identifier: Apache-2.0
// What is in the place of a file, and is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "record/file.hpp"
#include "record/retry_policy.hpp"
#include "record/run_directory.hpp"
#include "record_test_support.hpp"

namespace tardigrad::record {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

constexpr const char* kLink = "is a symbolic link, and none is followed where a run writes";

class InItsPlace : public testing::Test {
 protected:
  fs::path make_pipe() const {
    EXPECT_EQ(mkfifo((directory_ / "pipe").c_str(), 0600), 0);
    return directory_ / "pipe";
  }
  fs::path make_socket() const {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = (directory_ / "socket").string();
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(descriptor);
    return path;
  }
  /// A link to a file with "mine" in it.
  fs::path make_link() const {
    write_file(directory_ / "target", "mine");
    fs::create_symlink("target", directory_ / "link");
    return directory_ / "link";
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_.path())) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
  const TemporaryDirectory directory_;
};

TEST_F(InItsPlace, NothingThatIsNoFileIsReadOrWaitedFor) {
  const auto refuses = [](const fs::path& path, const std::string& why) {
    const std::string read = path.string() + ": cannot read: " + why, write = path.string() + ": cannot write: " + why;
    EXPECT_THAT([&] { read_file(path); }, ThrowsMessage<Obstructed>(read));
    EXPECT_THAT([&] { InputFile{path}; }, ThrowsMessage<Obstructed>(read));
    EXPECT_THAT([&] { File{path}; }, ThrowsMessage<Obstructed>(write));
    EXPECT_THAT([&] { File(path, 4); }, ThrowsMessage<Obstructed>(write));
    EXPECT_THAT([&] { FileLock{path}; }, ThrowsMessage<Obstructed>(HasSubstr("cannot lock: " + why)));
  };
  refuses(directory_.path(), "is a directory, not a file");
  refuses(make_pipe(), "is a pipe, not a file");
  refuses(make_socket(), "is a socket, not a file");
  refuses("/dev/zero", "is a device, not a file");
}

TEST_F(InItsPlace, LinksAreReadAndNotWrittenThrough) {
  const fs::path link = make_link();
  EXPECT_EQ(read_file(link), "mine");
  EXPECT_THAT([&] { File{link}; }, ThrowsMessage<Obstructed>(link.string() + ": cannot write: " + kLink));
  EXPECT_THAT([&] { File(link, 2); }, ThrowsMessage<Obstructed>(HasSubstr(kLink)));
  EXPECT_THAT([&] { FileLock{link}; }, ThrowsMessage<Obstructed>(HasSubstr(kLink)));
  fs::create_symlink("nowhere", directory_ / "dangling");
  EXPECT_THAT([&] { File{directory_ / "dangling"}; }, ThrowsMessage<Obstructed>(HasSubstr(kLink)));
  fs::create_symlink("loop", directory_ / "loop");
  EXPECT_THAT([&] { read_file(directory_ / "loop"); },
              ThrowsMessage<Obstructed>(HasSubstr("cannot read: Too many levels of symbolic links")));
  write_file(link, "ours");  // in the place of the link
  EXPECT_EQ(read_file(directory_ / "target"), "mine");
  EXPECT_FALSE(fs::is_symlink(link));
  EXPECT_THAT(names(), ElementsAre("dangling", "link", "loop", "target"));
}

TEST_F(InItsPlace, NobodyForeseesTheNameOfATemporaryFile) {
  const fs::path path = directory_ / "summary.json";
  std::vector<std::string> all;
  for (int i = 0; i < 2; ++i) {
    AtomicFile file(path);
    ASSERT_EQ(names().size(), 1u);
    all.push_back(names().front());
    EXPECT_EQ(name_behind_temporary(all.back()), "summary.json");
  }
  EXPECT_NE(all[0], all[1]);
  for (const char* name : {"summary.json", "summary.json.tmp", "a.0123456789abcde.tmp", "a.0123456789abcdeF.tmp",
                           ".0123456789abcdef.tmp", "a-0123456789abcdef.tmp", ""})
    EXPECT_EQ(name_behind_temporary(name), "") << name;
}

TEST_F(InItsPlace, WhatAKillLeftIsRemovedAndNothingElse) {
  for (const char* name : {"a.0123456789abcdef.tmp", "b.0123456789abcdef.tmp", "a.tmp", "a"})
    write_file(directory_ / name, "");
  remove_temporaries({directory_ / "a", directory_ / "c"});
  EXPECT_THAT(names(), ElementsAre("a", "a.tmp", "b.0123456789abcdef.tmp"));
}

TEST_F(InItsPlace, PatienceIsForWhatMayPass) {
  int slept = 0;
  RetryPolicy retry({.total = std::chrono::hours(1), .tell = [&](const std::string&) { ++slept; }});
  fs::create_directory(directory_ / "taken");
  EXPECT_THAT([&] { retry.run([&] { write_file(directory_ / "taken", "text"); }); },
              ThrowsMessage<Obstructed>((directory_ / "taken").string() + ": cannot write: Is a directory"));
  EXPECT_EQ(slept, 0);
}

TEST_F(InItsPlace, MoreTextThanAnyRunWritesIsNotRead) {
  const fs::path path = directory_ / "file";
  write_file(path, "12345");
  EXPECT_EQ(read_file(path, 5), "12345");
  EXPECT_THAT([&] { read_file(path, 4); },
              ThrowsMessage<Error>(path.string() + ": has 5 bytes, and at most 4 are read"));
  fs::resize_file(path, std::uintmax_t{1} << 40);  // takes no room on the disk, nor in memory
  EXPECT_THAT([&] { read_file(path); }, ThrowsMessage<Error>(HasSubstr(": has 1099511627776 bytes, and at most")));
  EXPECT_NE(read_file("/proc/self/status"), "");  // says that it is empty
}

// Every file of a run in turn is a link to somebody's own.
TEST_F(InItsPlace, ARunWritesThroughNoLink) {
  write_file(directory_ / "target", "mine");
  for (const char* name : {kMetricsFile, "events.jsonl", kScenarioFile, kProvenanceFile, kSummaryFile}) {
    const fs::path path = directory_ / "run";
    fs::remove_all(path);
    fs::create_directory(path);
    if (name != std::string(kMetricsFile)) write_file(path / kMetricsFile, "");
    fs::create_symlink(directory_ / "target", path / name);
    try {
      const RunDirectory run(path);
      run.begin(IfFinished::overwrite);
      run.write_identity("a scenario", {});
      File(run.events()).write("a row");
      write_file(run.summary(), "{}");
    } catch (const Obstructed& error) {
      EXPECT_THAT(error.what(), HasSubstr(kLink));
    }
    EXPECT_EQ(read_file(directory_ / "target"), "mine") << name;
  }
}

TEST_F(InItsPlace, CheckpointsAreNeitherWrittenNorRemovedThroughALink) {
  const fs::path run = directory_ / "run", elsewhere = directory_ / "elsewhere";
  for (const fs::path& made : {run, elsewhere}) fs::create_directory(made);
  write_file(run / kMetricsFile, "");
  write_file(elsewhere / "000000000001.checkpoint", "somebody's");
  fs::create_directory_symlink(elsewhere, run / kCheckpointFolder);
  const RunDirectory directory(run);
  EXPECT_THAT([&] { directory.begin(IfFinished::overwrite); },
              ThrowsMessage<Obstructed>((run / kCheckpointFolder).string() + ": " + kLink));
  EXPECT_TRUE(fs::exists(elsewhere / "000000000001.checkpoint"));
}

}  // namespace
}  // namespace tardigrad::record
