// SPDX-License-Identifier: Apache-2.0
#include "record/run_directory.hpp"

#include <fmt/format.h>

#include <system_error>

#include "record/file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace fs = std::filesystem;

RunDirectory::RunDirectory(fs::path path, IfFinished if_finished) : path_(std::move(path)) {
  make();
  check_contents(if_finished);
  clear();
  File(metrics()).close();
}

void RunDirectory::make() const {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) throw Error(fmt::format("{}: cannot make a run directory: {}", path_.string(), error.message()));
}

void RunDirectory::check_contents(IfFinished if_finished) const {
  std::error_code error;
  const fs::directory_iterator contents(path_, error);
  if (error) throw Error(fmt::format("{}: cannot read the directory: {}", path_.string(), error.message()));
  if (contents == fs::directory_iterator{}) return;
  if (!fs::exists(metrics()))
    throw Error(
        fmt::format("{}: the directory is not empty and holds no run; name a new or an empty one", path_.string()));
  if (fs::exists(summary()) && if_finished == IfFinished::refuse)
    throw Error(fmt::format("{}: holds a finished run; name another directory, or say --overwrite", path_.string()));
}

// The summary goes first: were we killed in between, nobody would take the rest for a finished run.
void RunDirectory::clear() const {
  for (const fs::path& file : {summary(), model(), recording(), events(), scenario()}) {
    for (const fs::path& name : {file, temporary_name(file)}) {
      std::error_code error;
      fs::remove(name, error);
      if (error) throw Error(fmt::format("{}: cannot remove: {}", name.string(), error.message()));
    }
  }
}

void RunDirectory::write_scenario(std::string_view toml) const { write_file(scenario(), toml); }

}  // namespace tardigrad::record
