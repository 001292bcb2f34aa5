// SPDX-License-Identifier: Apache-2.0
#include "record/run_directory.hpp"

#include <fmt/format.h>

#include <system_error>

#include "record/file.hpp"
#include "record/run_summary.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace fs = std::filesystem;

RunDirectory::RunDirectory(fs::path path, IfFinished if_finished) : path_(std::move(path)) {
  make();
  check_contents(if_finished);
  // The summary goes first: were we killed in between, nobody would take the rest for a finished run.
  clear({summary(), model()});
  if (if_finished == IfFinished::go_on) return;
  clear_checkpoints();
  clear({recording(), events(), scenario()});
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
  if (if_finished != IfFinished::refuse) return;
  const bool has_checkpoints = fs::exists(checkpoints()) && !fs::is_empty(checkpoints());
  if (has_checkpoints && (!fs::exists(summary()) || read_summary(summary()).reason == StopReason::interrupted))
    throw Error(fmt::format("{}: holds a run that was broken off; --resume goes on with it, --overwrite begins anew",
                            path_.string()));
  if (fs::exists(summary()))
    throw Error(fmt::format("{}: holds a finished run; name another directory, or say --overwrite", path_.string()));
}

void RunDirectory::clear_checkpoints() const {
  std::error_code none;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(checkpoints(), none))
    if (entry.path().filename().string().find(".checkpoint") != std::string::npos) files.push_back(entry.path());
  clear(files);
  fs::remove(checkpoints(), none);  // where nothing else is in it
}

void RunDirectory::clear(const std::vector<fs::path>& files) const {
  for (const fs::path& file : files) {
    for (const fs::path& name : {file, temporary_name(file)}) {
      std::error_code error;
      fs::remove(name, error);
      if (error) throw Error(fmt::format("{}: cannot remove: {}", name.string(), error.message()));
    }
  }
}

void RunDirectory::write_scenario(std::string_view toml) const { write_file(scenario(), toml); }

}  // namespace tardigrad::record
