// SPDX-License-Identifier: Apache-2.0
// Directories, pipes, devices and links in the place of files: one line, at once, and nothing of others is touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "program.hpp"

namespace tardigrad::e2e {
namespace {

constexpr const char* kScenario = R"(
problem = { name = "quadratic", dimension = 10, noise = { kind = "gaussian", scale = 0.2 } }
workers = { count = 4, compute_time = 1.0 }
method = { name = "vanilla-asgd", step_size = 0.05 }
run = { stop = { updates = 400 }, record = true, checkpoint_every = { updates = 100 } }
)";
constexpr const char* kComparison = R"(
problem = { name = "quadratic", dimension = 10, noise = { kind = "gaussian", scale = 0.2 } }
workers = { count = 4, compute_time = 1.0 }
run = { stop = { updates = 100 }, target = { metric = "loss", at_most = 0.1 } }
compare = { seeds = [1], methods = [ { name = "vanilla-asgd", step_size = 0.05 } ] }
)";
constexpr const char* kNoLink = "is a symbolic link, and none is followed where a run writes";

class HostileFiles : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write("s.toml", kScenario);
    write("c.toml", kComparison);
    write("mine", "mine");
    ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    fs::create_directory(folder_ / "dir");
    fs::create_symlink("loop", folder_ / "loop");
  }
  Finished fresh(const std::string& directory = "r") {
    return run({"run", "s.toml", "--out", directory, "--overwrite", "--quiet"});
  }
  void put(const std::string& what, const std::string& place) {
    fs::remove_all(folder_ / place);
    fs::create_symlink(folder_ / what, folder_ / place);
  }
};

TEST_F(HostileFiles, NothingIsWrittenThroughALink) {
  ASSERT_EQ(fresh().code, 0);
  for (const char* name : {"metrics.jsonl", "events.jsonl", "recording.bin", "model.safetensors", "scenario.toml",
                           "provenance.json", "summary.json"}) {
    put("mine", "r/" + std::string(name));
    const Finished finished = fresh();
    EXPECT_EQ(read(folder_ / "mine"), "mine") << name;
    if (finished.code == 0) {
      EXPECT_FALSE(fs::is_symlink(folder_ / "r" / name)) << name << ": replaced";
    } else {
      EXPECT_EQ(finished.code, 2);
      EXPECT_THAT(finished.err, HasSubstr(kNoLink)) << name;
    }
    fs::remove_all(folder_ / "r");
    ASSERT_EQ(fresh().code, 0);
  }
  fs::rename(folder_ / "r" / "checkpoints", folder_ / "theirs");
  put("theirs", "r/checkpoints");
  expect_refused({"run", "s.toml", "--out", "r", "--overwrite", "--quiet"}, std::string("r/checkpoints: ") + kNoLink);
  EXPECT_FALSE(fs::is_empty(folder_ / "theirs"));
}

TEST_F(HostileFiles, NorByAComparison) {
  ASSERT_EQ(run({"compare", "c.toml", "--out", "c", "--quiet"}).code, 0);
  const fs::path one = fs::directory_iterator(folder_ / "c" / "runs")->path().filename();
  put("dir", "c/runs/" + one.string());
  expect_refused({"compare", "c.toml", "--out", "c", "--quiet", "--fresh"}, kNoLink);
  put("dir", "c/runs");
  expect_refused({"compare", "c.toml", "--out", "c", "--quiet"}, std::string("c/runs: ") + kNoLink);
  EXPECT_TRUE(fs::is_empty(folder_ / "dir"));
  fs::remove(folder_ / "c" / "runs");
  put("mine", "c/compare.json");
  EXPECT_EQ(run({"compare", "c.toml", "--out", "c", "--quiet"}).code, 0);
  EXPECT_EQ(read(folder_ / "mine"), "mine");
}

// A directory where a run is to write: no retries, and the result is printed where there is one.
TEST_F(HostileFiles, ADirectoryInThePlaceOfAFileIsNotWaitedFor) {
  fs::create_directories(folder_ / "c" / "compare.json" / "x");
  const Finished compared = run({"compare", "c.toml", "--out", "c", "--quiet"});
  EXPECT_EQ(compared.code, 2);
  EXPECT_EQ(compared.err,
            "tardigrad: c/compare.json: cannot write: Is a directory; what is printed is complete, the directory is "
            "not\n");
  EXPECT_THAT(compared.out, HasSubstr("vanilla-asgd"));
  ASSERT_EQ(fresh().code, 0);
  fs::remove(folder_ / "r" / "events.jsonl");
  fs::create_directories(folder_ / "r" / "events.jsonl" / "x");
  expect_refused({"run", "s.toml", "--out", "r", "--overwrite"}, "r/events.jsonl: cannot remove: Directory not empty");
}

TEST_F(HostileFiles, WhatIsReadIsAFile) {
  const std::vector<std::pair<std::string, std::string>> cases = {{"pipe", "is a pipe, not a file"},
                                                                  {"dir", "is a directory, not a file"},
                                                                  {"loop", "Too many levels of symbolic links"}};
  ASSERT_EQ(fresh().code, 0);
  for (const auto& one : cases) {
    const std::string &what = one.first, &why = one.second;
    for (const std::string command : {"run", "compare"})
      expect_refused({command, what}, what + ": cannot read: " + why);
    const auto is_refused = [&](const std::string& name, const std::vector<std::string>& words) {
      SCOPED_TRACE(name);
      fs::rename(folder_ / "r" / name, folder_ / "kept");
      put(what, "r/" + name);
      expect_refused(words, name + ": cannot read: " + why);
      fs::remove(folder_ / "r" / name);
      fs::rename(folder_ / "kept", folder_ / "r" / name);
    };
    is_refused("recording.bin", {"replay", "r"});
    is_refused("recording.bin", {"what-if", "r", "--set", "method.step_size=0.1"});
    is_refused("scenario.toml", {"replay", "r"});
    is_refused("scenario.toml", {"run", "--resume", "r"});
    is_refused("provenance.json", {"run", "--resume", "r"});
    is_refused("summary.json", {"run", "--resume", "r", "--quiet"});
  }
}

// A data set of one file, and one of an archive.
TEST_F(HostileFiles, WhatIsImportedIsAFile) {
  for (const std::string set : {"a9a", "cifar10"}) {
    expect_refused({"data", "import", set, "pipe", "--data-root", "data"}, "pipe: is a pipe, not a file");
    expect_refused({"data", "import", set, "/dev/zero", "--data-root", "data"}, "/dev/zero: is a device, not a file");
    // A pipe whose writer is there, and writes nothing.
    const std::string command = "cd " + folder_.string() + " && exec 3<>pipe && " + kBinary.string() + " data import " +
                                set + " /dev/stdin --data-root data <&3 2> err";
    EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 2);
    EXPECT_EQ(read(folder_ / "err"), "tardigrad: /dev/stdin: is a pipe, not a file\n");
  }
  fs::rename(folder_ / "pipe", folder_ / "dir" / "a9a");
  expect_refused({"data", "import", "a9a", "dir", "--data-root", "data"}, "dir/a9a: is a pipe, not a file");
  EXPECT_TRUE(fs::is_empty(folder_ / "data"));
}

// 100,000 levels, where a reader, a writer or a destructor might go down them one call each.
TEST_F(HostileFiles, WhatIsNestedWithoutEndIsOneLine) {
  ASSERT_EQ(fresh().code, 0);
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const std::string why = "it is nested more than 32 deep";
  for (const std::string name : {"summary.json", "provenance.json"}) {
    const std::string text = read(folder_ / "r" / name);
    for (const std::string& bad : {deep, text.substr(0, text.rfind('}')) + ", \"more\": " + deep + "}"}) {
      write("r/" + name, bad);
      expect_refused({"run", "--resume", "r", "--quiet"}, name + ": not a ");
      expect_refused({"replay", "r"}, why);
    }
    write("r/" + name, text);
  }
}

}  // namespace
}  // namespace tardigrad::e2e
