// SPDX-License-Identifier: Apache-2.0
// Random scenarios, random faults, and a run that goes on after each: until the time is over.
//
//   torture --program TARDIGRAD --faults libtardigrad_faults.so --golden DIR [--seconds S] [--seed N] [--once]
//
// An iteration runs a scenario undisturbed, and the same one in another directory where every leg but the last meets a
// fault; the last goes on in peace. It checks
//   - that every leg ends, within its time, with a code that it may have, and says something where it failed;
//   - that a leg that refused to go on, over a damaged file, has changed nothing: with the file as it was it goes on;
//   - of a simulated run, that the broken one leaves what the undisturbed one left: logs, model, digest, to the last
//     byte; of one on real threads, that every order is accounted for once;
//   - that its recording, where it has one, can be gone through to the end.
// Iteration i has the seed N + i. The first that fails ends the torture: its seed is printed, and its directory stays.
// A seed repeats the scenario, and kind and aim of every fault, but not what a run had done at the instant of a kill.
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "support/accounts.hpp"
#include "torture/fault.hpp"
#include "torture/process.hpp"
#include "torture/world.hpp"

namespace tardigrad::torture {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{120};
constexpr int kEnded = 0, kUserError = 2, kDiverged = 3, kInterrupted = 130, kKilled = 137;

struct Options {
  fs::path program, faults, golden;
  double seconds = 60.0;
  std::uint64_t seed = 1;
  bool once = false;
};

struct Counts {
  std::uint64_t iterations = 0, on_threads = 0, legs = 0, gone_on = 0, refused = 0, anew = 0;
  std::uint64_t digests = 0, accounts = 0, replays = 0;
  std::map<std::string, std::uint64_t> faults, ends;
};

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void check(bool holds, const std::string& what) {
  if (!holds) throw Failure(what);
}

class Iteration {
 public:
  Iteration(const Options& options, std::uint64_t seed, const fs::path& folder, Counts& counts)
      : options_(options), dice_(seed), folder_(folder), counts_(counts) {
    world_ = draw_world(dice_, options.golden);
    std::ofstream(folder_ / "s.toml") << world_.document;
  }

  void run() {
    run_undisturbed();
    const std::uint64_t legs = 2 + dice_.below(7);
    bool ended = false;
    for (std::uint64_t i = 0; i < legs && !ended; ++i) ended = meet(draw_fault(dice_, undisturbed_));
    // Whatever happened, in the end it goes on in peace.
    go_on({});
    compare();
    counts_.on_threads += world_.threads;
    ++counts_.iterations;
  }

  /// The legs so far, for whoever looks for the reason.
  std::string story() const { return world_.document + story_; }

 private:
  test::Start start(const std::string& directory, const std::string& rules = "") {
    test::Start start{.words = {options_.program, "run", "s.toml", "--out", directory, "--resume", "--quiet",
                                "--threads", dice_.chance(0.5) ? "1" : "2"},
                      .folder = folder_,
                      .out = "said",
                      .err = "said"};
    if (!rules.empty()) start.environment = test::under_faults(options_.faults, rules, folder_ / "calls");
    return start;
  }

  void run_undisturbed() {
    const Clock::time_point begin = Clock::now();
    const End end = torture::run(start("whole", "any */nothing 1 kill"), {}, kPatience);
    undisturbed_.time = Clock::now() - begin;
    undisturbed_.calls = count_calls(folder_ / "calls", "whole");
    check(!end.hung && (end.code == kEnded || end.code == kDiverged),
          fmt::format("undisturbed, it ends with {}: {}", end.code, end.said));
    code_ = end.code;
  }

  // Returns  has the run come to its end?
  bool meet(Fault fault) {
    if (fault.kind == Fault::Kind::damage) return meet_damage();
    test::Start leg = start("r", fault.rules);
    if (fault.kind == Fault::Kind::pipe) leg.out = leg.err = "";
    ++counts_.faults[name_of(fault.kind)];
    const End end = take(leg, fault.what, fault.signal);
    const bool fails = fault.kind == Fault::Kind::refusal;
    std::set<int> allowed = {code_, kKilled};
    if (fault.kind == Fault::Kind::signal)
      allowed.merge(std::set<int>{kInterrupted, 128 + SIGUSR1, 128 + SIGHUP, 128 + SIGTERM, 128 + SIGINT});
    if (fails || fault.kind == Fault::Kind::aimed) allowed.insert(kUserError);
    check(allowed.contains(end.code), fmt::format("it ends with {}", end.code));
    if (end.code == kUserError) check(!end.said.empty(), "it fails, and says nothing");
    return end.code == code_;
  }

  // A file of a run that has not ended is changed. Either that is found out and nothing else is, or it does no harm.
  bool meet_damage() {
    const std::map<std::string, std::string> good = look(folder_ / "r");
    const std::string what = damage(dice_, folder_ / "r");
    if (what.empty()) return false;
    ++counts_.faults[name_of(Fault::Kind::damage)];
    const std::map<std::string, std::string> damaged = look(folder_ / "r");
    const End end = take(start("r"), what);
    if (end.code == code_) return true;  // what it leaves is compared as ever
    check(end.code == kUserError, fmt::format("it ends with {}", end.code));
    check(!end.said.empty(), "it refuses, and says nothing");
    check(look(folder_ / "r") == damaged, "it refuses, and has changed the directory");
    ++counts_.refused;
    restore(folder_ / "r", good);
    return false;
  }

  void go_on(const std::vector<std::string>& more) {
    test::Start leg = start("r");
    leg.words.insert(leg.words.end(), more.begin(), more.end());
    const bool there = fs::exists(folder_ / "r" / "checkpoints") && !fs::is_empty(folder_ / "r" / "checkpoints");
    End end = take(leg, more.empty() ? "in peace" : "in peace, anew");
    if (end.code == kUserError && !there && more.empty()) {  // killed before it could keep anything
      check(end.said.find("--overwrite") != std::string::npos, "it does not say what would help");
      ++counts_.anew;
      return go_on({"--overwrite"});
    }
    counts_.gone_on += there;
    check(end.code == code_, fmt::format("in peace it ends with {}", end.code));
  }

  End take(const test::Start& leg, const std::string& what, const std::optional<Signal>& signal = {}) {
    const End end = torture::run(leg, signal, kPatience);
    ++counts_.legs;
    ++counts_.ends[std::to_string(end.code)];
    story_ +=
        fmt::format("leg {}: {}: ended with {}{}\n{}", ++leg_, what, end.code, end.hung ? ", hung" : "", end.said);
    if (!story_.ends_with('\n')) story_ += '\n';
    check(!end.hung, "it does not end");
    return end;
  }

  json summary(const std::string& directory) const {
    return json::parse(test::read(folder_ / directory / "summary.json"));
  }

  void compare() {
    if (world_.threads) {
      const std::vector<std::string> wrong = test::wrong_accounts(folder_ / "r");
      check(wrong.empty(), wrong.empty() ? "" : wrong.front());
      ++counts_.accounts;
    } else {
      for (const char* file : {"events.jsonl", "metrics.jsonl", "model.safetensors", "scenario.toml"})
        check(test::read(folder_ / "r" / file) == test::read(folder_ / "whole" / file),
              fmt::format("another {}", file));
      const json a = summary("r"), b = summary("whole");
      for (const char* key : {"digest", "counters", "metrics", "time_ns", "time_to_target_ns", "figures", "reason"})
        check(a[key] == b[key], fmt::format("another {} in summary.json", key));
      ++counts_.digests;
    }
    if (!world_.records) return;
    test::Start replay = start("r");
    replay.words = {options_.program, "replay", "r", "--quiet"};
    const End end = torture::run(replay, {}, kPatience);
    story_ += end.said;
    check(end.code == kEnded, fmt::format("its replay ends with {}", end.code));
    ++counts_.replays;
  }

  const Options& options_;
  Dice dice_;
  const fs::path folder_;
  Counts& counts_;
  World world_;
  Undisturbed undisturbed_;
  int code_ = kEnded;  // of the run's own end
  int leg_ = 0;
  std::string story_;
};

void print(const Counts& c, double seconds) {
  std::string text = fmt::format(
      "torture: {} iterations in {:.0f} s ({} on real threads), {} legs; gone on with {}, begun anew {}, refused over "
      "damage {}\n  compared: {} digests with their logs, {} accounts, {} replays\n  faults:",
      c.iterations, seconds, c.on_threads, c.legs, c.gone_on, c.anew, c.refused, c.digests, c.accounts, c.replays);
  for (const auto& [kind, count] : c.faults) text += fmt::format(" {} {};", kind, count);
  text += "\n  exit codes:";
  for (const auto& [code, count] : c.ends) text += fmt::format(" {}: {};", code, count);
  std::cout << text << std::endl;
}

int torture(const Options& options) {
  const Clock::time_point begin = Clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  std::string pattern = (fs::temp_directory_path() / "tardigrad-torture-XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary directory: " + pattern);
  const fs::path folder = pattern;
  Counts counts;
  for (std::uint64_t seed = options.seed; counts.iterations == 0 || (!options.once && passed() < options.seconds);
       ++seed) {
    const fs::path here = folder / std::to_string(seed);
    fs::create_directory(here);
    Iteration iteration(options, seed, here, counts);
    try {
      iteration.run();
    } catch (const std::exception& failure) {
      std::cout << iteration.story()
                << fmt::format("torture: seed {} FAILED: {}\n  it lies in {}\n", seed, failure.what(), here.string());
      print(counts, passed());
      return 1;
    }
    fs::remove_all(here);
  }
  fs::remove_all(folder);
  print(counts, passed());
  return 0;
}

}  // namespace
}  // namespace tardigrad::torture

int main(int argc, char** argv) {
  tardigrad::torture::Options options;
  CLI::App app("Random scenarios, random faults, and a run that goes on after each");
  app.add_option("--program", options.program, "tardigrad")->required();
  app.add_option("--faults", options.faults, "libtardigrad_faults.so")->required();
  app.add_option("--golden", options.golden, "Where the method tables lie")->required();
  app.add_option("--seconds", options.seconds, "So long, at least one iteration")->check(CLI::NonNegativeNumber);
  app.add_option("--seed", options.seed, "Of the first iteration; the next has the next")->take_last();
  app.add_flag("--once", options.once, "One iteration");
  CLI11_PARSE(app, argc, argv);
  return tardigrad::torture::torture(options);
}
