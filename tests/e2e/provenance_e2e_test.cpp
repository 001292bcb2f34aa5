// SPDX-License-Identifier: Apache-2.0
// What a result came from: data, plugin, program; and what is done with it when that has changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/hash.hpp"
#include "program.hpp"

namespace tardigrad::e2e {
namespace {

constexpr const char* kRun = R"(
problem = { name = "logistic", batch_size = 2, data = "data/d.svm" }
workers = { count = 2, compute_time = [1, 3] }
method = { name = "vanilla-asgd", step_size = 0.1 }
run = { stop = { updates = 60 }, evaluate_every = { updates = 20 }, checkpoint_every = { updates = 20 } }
)";
constexpr const char* kCompare = R"(
problem = { name = "logistic", batch_size = 2, data = "data/d.svm" }
workers = { count = 2, compute_time = [1, 3] }
run = { stop = { updates = 60 } }
compare.seeds = 1
compare.methods = [ { name = "vanilla-asgd", step_size = [0.1, 0.2] }, { name = "minibatch-sgd", step_size = 0.1 } ]
)";
constexpr const char* kLonger = "run.stop.updates=120";

class Provenance : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    fs::create_directory(folder_ / "data");
    write("data/d.svm", kRows);
    write("s.toml", kRun);
    write("c.toml", kCompare);
  }
  // The files below a directory with their contents, without what a lock or a look may touch.
  std::map<std::string, std::string> contents(const std::string& directory) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / directory))
      if (entry.is_regular_file()) files[entry.path().string()] = read(entry.path());
    return files;
  }
  // Refused with this message, and nothing in the directory has changed.
  void expect_left_alone(const std::string& directory, const std::vector<std::string>& words,
                         const std::string& message) {
    const auto before = contents(directory);
    expect_refused(words, message);
    EXPECT_TRUE(contents(directory) == before);
  }
  void rewrite(const fs::path& file, const std::string& from, const std::string& to) {
    std::string text = read(file);
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
    std::ofstream(file, std::ios::binary) << text;
  }
  // As this program would have written it.
  void rewrite_summary(const fs::path& file, const std::string& from, const std::string& to) {
    rewrite(file, from, to);
    auto summary = nlohmann::ordered_json::parse(read(file));
    summary.erase("checksum");
    Hasher hasher;
    hasher.add(summary.dump(2) + "\n");
    summary["checksum"] = hasher.hex();
    std::ofstream(file, std::ios::binary) << summary.dump(2) + "\n";
  }
  static constexpr const char* kRows = "+1 1:0.5 3:1\n-1 2:1\n+1 1:1\n";
  static constexpr const char* kRepaired = "+1 1:0.5 3:1\n+1 2:1\n+1 1:1\n";  // of the same length
  static constexpr const char* kWider = "+1 1:0.5 9:1\n-1 2:1\n";
};

TEST_F(Provenance, IsRecorded) {
  ASSERT_EQ(run({"run", "s.toml", "--out", "r", "--record"}).code, 0);
  const json made_by = summary("r")["provenance"];
  EXPECT_THAT(made_by["program"].get<std::string>(), testing::StartsWith("tardigrad "));
  EXPECT_THAT(made_by["commit"].get<std::string>(), testing::AnyOf("unknown", testing::SizeIs(40)));
  EXPECT_TRUE(made_by["dirty"].is_boolean());
  EXPECT_EQ(made_by["sources"].get<std::string>().size(), 32u);
  EXPECT_EQ(made_by["library"], "");
  EXPECT_TRUE(made_by["plugin"].is_null());
  ASSERT_EQ(made_by["data"].size(), 1u);
  EXPECT_EQ(made_by["data"][0]["name"], (folder_ / "data" / "d.svm").string());
  EXPECT_EQ(made_by["data"][0]["bytes"], std::string(kRows).size());
  EXPECT_EQ(json::parse(read(folder_ / "r" / "provenance.json"))["provenance"], made_by);
  const Finished version = run({"--version"});
  EXPECT_THAT(version.out, HasSubstr(made_by["commit"] == "unknown"
                                         ? std::string("tardigrad ")
                                         : "commit " + made_by["commit"].get<std::string>().substr(0, 12)));
  EXPECT_THAT(version.out, HasSubstr("(" + made_by["build"].get<std::string>() + ")\n"));
}

TEST_F(Provenance, TheVersionAsJsonTellsTheBuildAndTheFormats) {
  const json version = json::parse(run({"--version", "--json"}).out);
  EXPECT_EQ(json::parse(run({"--json", "--version"}).out), version);
  EXPECT_EQ(version["program"], "tardigrad");
  EXPECT_THAT(version["version"].get<std::string>(), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  for (const char* key : {"compiler", "type", "system", "libtorch", "allocator", "sanitizers"})
    EXPECT_TRUE(version["build"].contains(key)) << key;
  ASSERT_EQ(run({"run", "s.toml", "--out", "r"}).code, 0);
  EXPECT_EQ(version["formats"]["summary.json"], summary("r")["format"]);
  EXPECT_EQ(version["formats"]["provenance.json"], json::parse(read(folder_ / "r" / "provenance.json"))["format"]);
  EXPECT_EQ(version["commit"], summary("r")["provenance"]["commit"]);
  const Finished alone = run({"--json", "list"});
  EXPECT_EQ(alone.code, 2);
  EXPECT_THAT(alone.err, HasSubstr("--json requires --version"));
}

TEST_F(Provenance, AComparisonOfOtherDataIsNeitherShownNorReplaced) {
  ASSERT_EQ(run({"compare", "c.toml", "--out", "c", "-q"}).code, 0);
  const std::string before = read(folder_ / "c" / "compare.csv");
  ASSERT_EQ(run({"compare", "c.toml", "--out", "c", "-q"}).code, 0);  // nothing has changed: it is shown again
  EXPECT_EQ(read(folder_ / "c" / "compare.csv"), before);
  write("data/d.svm", kRepaired);
  expect_left_alone("c", {"compare", "c.toml", "--out", "c", "-q"}, "data/d.svm has changed (27 bytes, ");
  expect_left_alone("c", {"compare", "c.toml", "--out", "c", "-q"},
                    "--fresh runs all of them again, --out names another directory\n");
  ASSERT_EQ(run({"compare", "c.toml", "--out", "c", "-q", "--fresh"}).code, 0);
  ASSERT_EQ(run({"compare", "c.toml", "--out", "new", "-q"}).code, 0);
  const auto digests = [&](const std::string& directory) {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_ / directory / "runs"))
      found.push_back(summary(fs::path(directory) / "runs" / entry.path().filename())["digest"]);
    std::ranges::sort(found);
    return found;
  };
  EXPECT_EQ(digests("c"), digests("new"));
}

// A file that was moved, or is reached through a link, is the same file.
TEST_F(Provenance, PathsDoNotCount) {
  ASSERT_EQ(run({"compare", "c.toml", "--out", "c", "-q"}).code, 0);
  fs::create_symlink("data", folder_ / "link");
  const Finished again = run({"compare", "c.toml", "--out", "c", "--set", "problem.data=./link/d.svm"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("3 of them are there already and are kept"));
}

TEST_F(Provenance, ARunGoesOnWithItsOwnDataAlone) {
  ASSERT_EQ(run({"run", "s.toml", "--out", "r", "--record"}).code, 0);
  write("data/d.svm", kRepaired);
  expect_left_alone("r", {"run", "--resume", "r"}, "data/d.svm has changed (27 bytes, ");
  expect_left_alone("r", {"run", "--resume", "r", "--set", kLonger}, "data/d.svm has changed (27 bytes, ");
  expect_left_alone("r", {"replay", "r"}, "r/recording.bin: ");
  expect_left_alone("r", {"what-if", "r"}, "data/d.svm has changed (27 bytes, ");
  write("data/d.svm", kWider);
  expect_left_alone("r", {"run", "--resume", "r", "--set", kLonger}, "data/d.svm has changed (27 bytes, ");
  fs::remove(folder_ / "r" / "provenance.json");  // then the summary and every checkpoint say it
  expect_left_alone("r", {"run", "--resume", "r", "--set", kLonger}, "data/d.svm has changed (27 bytes, ");
  fs::remove(folder_ / "r" / "summary.json");
  expect_left_alone("r", {"run", "--resume", "r", "--set", kLonger}, "data/d.svm has changed (27 bytes, ");
}

TEST_F(Provenance, AnotherProgramGoesOnWithNothing) {
  ASSERT_EQ(run({"run", "s.toml", "--out", "r", "--record"}).code, 0);
  ASSERT_EQ(run({"compare", "c.toml", "--out", "c", "-q"}).code, 0);
  const std::string sources = summary("r")["provenance"]["sources"];
  const std::string others(sources.size(), '0');
  rewrite(folder_ / "r" / "provenance.json", sources, others);
  expect_left_alone("r", {"run", "--resume", "r", "--set", kLonger}, "built from other sources (000000000000; now ");
  for (const auto& entry : fs::directory_iterator(folder_ / "c" / "runs"))
    rewrite_summary(entry.path() / "summary.json", sources, others);
  expect_left_alone("c", {"compare", "c.toml", "--out", "c", "-q"}, "built from other sources (000000000000; now ");
  const std::string library = "\"library\": \"";
  rewrite(folder_ / "r" / "provenance.json", others, sources);
  rewrite(folder_ / "r" / "provenance.json", library, library + "LibTorch 1");
  expect_left_alone("r", {"run", "--resume", "r", "--set", kLonger},
                    "it was made with LibTorch 1; now it is no library");
}

TEST_F(Provenance, ASummaryThatWasEditedIsNotAdopted) {
  ASSERT_EQ(run({"compare", "c.toml", "--out", "c", "-q"}).code, 0);
  for (const auto& entry : fs::directory_iterator(folder_ / "c" / "runs"))
    rewrite(entry.path() / "summary.json", "\"loss\": 0.", "\"loss\": 0.0");
  expect_left_alone("c", {"compare", "c.toml", "--out", "c", "-q"},
                    "summary.json: not a run summary: its checksum does not hold: it was edited; --fresh runs all of ");
  EXPECT_EQ(run({"compare", "c.toml", "--out", "c", "-q", "--fresh"}).code, 0);
}

// A summary that this program cannot read names the ways out.
TEST_F(Provenance, OfAnotherFormatIsNotTheEnd) {
  ASSERT_EQ(run({"compare", "c.toml", "--out", "c", "-q"}).code, 0);
  for (const auto& entry : fs::directory_iterator(folder_ / "c" / "runs"))
    rewrite(entry.path() / "summary.json", "\"format\": ", "\"format\": 1");
  expect_left_alone("c", {"compare", "c.toml", "--out", "c", "-q"}, "are read; --fresh runs all of them again");
  EXPECT_EQ(run({"compare", "c.toml", "--out", "c", "-q", "--fresh"}).code, 0);
}

class Plugins : public Provenance {
 protected:
  void SetUp() override {
    Provenance::SetUp();
    fs::copy_file(fs::path(TARDIGRAD_BINARY_DIR) / "tardigrad_example.so", folder_ / "mine.so");
    write("p.toml", R"(
problem = { name = "rosenbrock", dimension = 2 }
workers = { count = 2, compute_time = 1.0 }
method = { name = "vanilla-asgd", step_size = 1e-4 }
run = { stop = { updates = 60 }, checkpoint_every = { updates = 20 } }
)");
  }
};

TEST_F(Plugins, AreRemembered) {
  expect_refused({"run", "p.toml", "--out", "r"}, "); --plugin FILE names a shared library that brings it");
  ASSERT_EQ(run({"run", "p.toml", "--out", "r", "--record", "--plugin", "mine.so"}).code, 0);
  EXPECT_EQ(summary("r")["provenance"]["plugin"]["name"], (folder_ / "mine.so").string());
  fs::create_directory(folder_ / "elsewhere");
  EXPECT_EQ(run({"replay", "r"}).code, 0);
  EXPECT_EQ(run({"what-if", "r", "--set", "method.step_size=2e-4"}).code, 0);
  EXPECT_EQ(run({"run", "--resume", "r", "--set", kLonger}).code, 0);
  EXPECT_EQ(summary("r")["updates"], 120);
  EXPECT_EQ(run({"run", "r/scenario.toml", "--out", "again"}).code, 0);
  EXPECT_EQ(summary("again")["digest"], summary("r")["digest"]);
}

TEST_F(Plugins, ThatHaveGoneOrChangedAreNamed) {
  ASSERT_EQ(run({"run", "p.toml", "--out", "r", "--record", "--plugin", "mine.so"}).code, 0);
  fs::rename(folder_ / "mine.so", folder_ / "yours.so");
  expect_left_alone("r", {"replay", "r"},
                    "came from the plugin " + (folder_ / "mine.so").string() + ", which has gone");
  EXPECT_EQ(run({"replay", "r", "--plugin", "yours.so"}).code, 0);  // where it lies does not matter
  fs::copy_file(folder_ / "yours.so", folder_ / "mine.so");
  std::ofstream(folder_ / "mine.so", std::ios::app) << "a later one";
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"replay", "r"}, {"what-if", "r"}, {"run", "--resume", "r"}, {"run", "--resume", "r", "--set", kLonger}})
    expect_left_alone("r", words, "the plugin " + (folder_ / "mine.so").string() + " has changed (");
}

class Paths : public Provenance {};

// Relative to the scenario's file, from whatever folder; on the command line relative to the current one.
TEST_F(Paths, CountFromTheScenario) {
  fs::create_directories(folder_ / "project" / "data");
  write("project/s.toml", kRun);
  write("project/data/d.svm", kRepaired);
  ASSERT_EQ(run({"run", "project/s.toml", "--out", "a"}).code, 0);
  EXPECT_EQ(summary("a")["provenance"]["data"][0]["name"], (folder_ / "project/data/d.svm").string());
  ASSERT_EQ(run({"run", "project/s.toml", "--out", "b", "--set", "problem.data=data/d.svm"}).code, 0);
  EXPECT_EQ(summary("b")["provenance"]["data"][0]["name"], (folder_ / "data/d.svm").string());
  EXPECT_NE(summary("a")["digest"], summary("b")["digest"]);
  fs::create_directory(folder_ / "empty");
  write("empty/s.toml", kRun);
  expect_refused({"run", "empty/s.toml"}, "problem.data = \"data/d.svm\": is neither a LIBSVM data set (");
  expect_refused({"run", "empty/s.toml"}, "; a path in a scenario counts from the scenario's folder");
}

TEST_F(Paths, TildeIsTheHomeFolder) {
  setenv("HOME", (folder_ / "data").c_str(), 1);
  ASSERT_EQ(run({"run", "s.toml", "--out", "a"}).code, 0);
  ASSERT_EQ(run({"run", "s.toml", "--out", "b", "--set", "problem.data=~/d.svm"}).code, 0);
  EXPECT_EQ(summary("a")["digest"], summary("b")["digest"]);
  EXPECT_EQ(summary("a")["scenario_hash"], summary("b")["scenario_hash"]);
}

// Scenario, data and runs together; and the run alone, as its data stay where they were.
TEST_F(Paths, AProjectThatWasMovedGoesOn) {
  fs::create_directories(folder_ / "project");
  for (const char* name : {"s.toml", "data"}) fs::rename(folder_ / name, folder_ / "project" / name);
  ASSERT_EQ(run({"run", "project/s.toml", "--out", "project/r", "--record"}).code, 0);
  ASSERT_EQ(run({"run", "project/s.toml", "--out", "whole", "--set", kLonger}).code, 0);
  fs::rename(folder_ / "project", folder_ / "moved");
  EXPECT_EQ(run({"replay", "moved/r"}).code, 0);
  const Finished longer = run({"run", "--resume", "moved/r", "--set", kLonger});
  ASSERT_EQ(longer.code, 0) << longer.err;
  EXPECT_EQ(summary("moved/r")["digest"], summary("whole")["digest"]);
  EXPECT_EQ(run({"replay", "moved/r"}).code, 0);
  fs::rename(folder_ / "whole", folder_ / "elsewhere");
  EXPECT_EQ(run({"run", "--resume", "elsewhere"}).code, 2);  // its data were moved, and not along with it
  fs::rename(folder_ / "moved", folder_ / "project");
  EXPECT_EQ(run({"run", "--resume", "elsewhere"}).code, 0);
}

}  // namespace
}  // namespace tardigrad::e2e
