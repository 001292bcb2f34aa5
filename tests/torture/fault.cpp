// SPDX-License-Identifier: Apache-2.0
#include "torture/fault.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace tardigrad::torture {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLinkMark = "\x01link to ";  // before the aim of a link, where the bytes of a file would be

Fault aimed(Dice& dice, const Undisturbed& run) {
  const std::string call = dice.pick({"open", "write", "write", "write", "sync", "rename", "unlink", "cut"});
  const auto found = run.calls.find(call);
  const std::uint64_t number = dice.count(found == run.calls.end() ? 1 : found->second);
  const std::string action =
      call == "write" ? dice.pick({"kill", "kill-half", "kill-after"}) : dice.pick({"kill", "kill-after"});
  const std::string rule = fmt::format("{} */r/* {} {}", call, number, action);
  return {.kind = Fault::Kind::aimed, .what = rule, .rules = rule};
}

Fault refusal(Dice& dice, const Undisturbed& run) {
  const std::string call = dice.pick({"open", "read", "write", "write", "write", "cut", "sync", "sync", "rename",
                                      "unlink", "mkdir", "stat", "list", "close"});
  const auto found = run.calls.find(call);
  const std::uint64_t number = dice.count(found == run.calls.end() ? 3 : found->second);
  const std::string error = dice.pick({"EIO", "ENOSPC", "EACCES", "ESTALE", "EROFS"});
  // A few in a row, as a program that waits for better times waits long.
  const std::string which = fmt::format("{}-{}", number, number + dice.below(3));
  std::string rule = fmt::format("{} */r/* {} {}", call, which, error);
  if (call == "write" && dice.chance(0.5)) rule += fmt::format("; write */r/* {} half", number + 3);
  return {.kind = Fault::Kind::refusal, .what = rule, .rules = rule};
}

std::vector<fs::path> files_below(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(directory, none))
    if (entry.is_regular_file() && !entry.is_symlink()) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace

const char* name_of(Fault::Kind kind) {
  constexpr const char* kNames[] = {"none",   "kill",        "aimed kill",  "call that fails",
                                    "signal", "closed pipe", "damaged file"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::map<std::string, std::uint64_t> count_calls(const fs::path& log, const std::string& folder) {
  std::map<std::string, std::uint64_t> counts;
  std::ifstream lines(log);
  for (std::string line; std::getline(lines, line);)
    if (line.find("/" + folder + "/") != std::string::npos) ++counts[line.substr(0, line.find(' '))];
  return counts;
}

Fault draw_fault(Dice& dice, const Undisturbed& run) {
  const std::chrono::duration<double> instant = 1.1 * dice.uniform() * run.time;
  const Fault kill = {.kind = Fault::Kind::kill,
                      .what = fmt::format("SIGKILL after {:.4f} s", instant.count()),
                      .signal = Signal{SIGKILL, instant}};
  // A leg that comes to the end of the run is the last one: most are killed before.
  const auto and_kill = [&](Fault fault) {
    if (dice.chance(0.3)) return fault;
    fault.what += ", " + kill.what;
    fault.signal = kill.signal;
    return fault;
  };
  switch (dice.below(12)) {
    case 0:
    case 1:
      return kill;
    case 2:
    case 3:
    case 4:
      return aimed(dice, run);
    case 5:
    case 6:
      return and_kill(refusal(dice, run));
    case 7: {
      constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
      const int number = kSignals[dice.below(std::size(kSignals))];
      return {.kind = Fault::Kind::signal,
              .what = fmt::format("signal {} after {:.4f} s", number, instant.count()),
              .signal = Signal{number, instant}};
    }
    case 8:
      return and_kill({.kind = Fault::Kind::pipe, .what = "pipes that nobody reads"});
    default:
      return {.kind = Fault::Kind::damage};
  }
}

std::string damage(Dice& dice, const fs::path& directory) {
  const std::vector<fs::path> files = files_below(directory);
  if (files.empty()) return "";
  const fs::path& file = dice.pick(files);
  const std::string name = fs::relative(file, directory).string();
  std::string bytes = test::read(file);
  const auto write = [&] { std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes; };
  switch (dice.below(6)) {
    case 0:
    case 1: {
      if (bytes.empty()) return "";
      const std::size_t at = dice.below(bytes.size());
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << dice.below(8)));
      write();
      return fmt::format("{}: a bit of byte {} of {} flipped", name, at, bytes.size());
    }
    case 2: {
      const std::size_t kept = dice.below(bytes.size() + 1);
      const std::size_t was = bytes.size();
      bytes.resize(kept);
      write();
      return fmt::format("{}: cut from {} to {} bytes", name, was, kept);
    }
    case 3:
      bytes += "{\"more\": 1}\n";
      write();
      return name + ": a row appended";
    case 4:
      fs::remove(file);
      return name + ": removed";
    default:
      fs::remove(file);
      fs::create_symlink("/dev/zero", file);
      return name + ": a link to /dev/zero in its place";
  }
}

std::map<std::string, std::string> look(const fs::path& directory) {
  std::map<std::string, std::string> files;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(directory, none)) {
    const std::string name = fs::relative(entry.path(), directory).string();
    if (entry.is_symlink())
      files[name] = kLinkMark + fs::read_symlink(entry.path()).string();
    else if (entry.is_regular_file())
      files[name] = test::read(entry.path());
  }
  return files;
}

void restore(const fs::path& directory, const std::map<std::string, std::string>& files) {
  fs::remove_all(directory);
  for (const auto& [name, bytes] : files) {
    fs::create_directories((directory / name).parent_path());
    if (bytes.starts_with(kLinkMark))
      fs::create_symlink(bytes.substr(std::string_view(kLinkMark).size()), directory / name);
    else
      std::ofstream(directory / name, std::ios::binary) << bytes;
  }
}

}  // namespace tardigrad::torture
