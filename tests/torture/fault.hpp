// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include "torture/process.hpp"
#include "torture/world.hpp"

namespace tardigrad::torture {

/// What befalls one leg of a run.
struct Fault {
  enum class Kind {
    none,
    kill,     ///< SIGKILL at some instant
    aimed,    ///< SIGKILL before, in or after one call
    refusal,  ///< one call, or several, fail with an error
    signal,   ///< SIGINT, SIGTERM, SIGHUP or SIGUSR1 at some instant
    pipe,     ///< nobody reads what the program prints
    damage,   ///< a file of the run has been changed
  } kind = Kind::none;
  std::string what = {};   ///< in words
  std::string rules = {};  ///< for tests/support/faults.cpp
  std::optional<Signal> signal = {};
};
const char* name_of(Fault::Kind kind);

/// How often an undisturbed run makes each call on its files, and how long it takes.
struct Undisturbed {
  std::map<std::string, std::uint64_t> calls;
  std::chrono::duration<double> time{};
};
/// Counts the lines of the file that tests/support/faults.cpp writes.
std::map<std::string, std::uint64_t> count_calls(const std::filesystem::path& log, const std::string& folder);

Fault draw_fault(Dice& dice, const Undisturbed& run);

/// Changes one of the files below `directory`.  Returns  what was done to which; "" when there is none
std::string damage(Dice& dice, const std::filesystem::path& directory);

/// A directory as it is: the bytes of its files, the aims of its links, by path below it.
std::map<std::string, std::string> look(const std::filesystem::path& directory);
/// Brings it about.
void restore(const std::filesystem::path& directory, const std::map<std::string, std::string>& files);

}  // namespace tardigrad::torture
