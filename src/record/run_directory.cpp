// SPDX-License-Identifier: Apache-2.0
#include "record/run_directory.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>
#include <utility>

#include "record/file.hpp"
#include "record/run_summary.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace fs = std::filesystem;
namespace {

// Before the first file of ours is in it, it is empty.
fs::path make_ours(fs::path path) {
  make_directory(path);
  std::error_code error;
  const fs::directory_iterator contents(path, error);
  if (error) fail(path, "read the directory", error);
  if (contents != fs::directory_iterator{} && !is_there(path / kMetricsFile)) {
    if (is_there(path / kCheckpointFolder))
      throw Error(
          fmt::format("{}: holds checkpoints, but {}, which marks the directory of a run, is missing; nothing "
                      "was changed; bring it back from a copy, or name another directory",
                      path.string(), kMetricsFile));
    throw Error(
        fmt::format("{}: the directory is not empty and holds no run; name a new or an empty one", path.string()));
  }
  return path;
}

}  // namespace

std::optional<fs::path> newest_checkpoint(const fs::path& run) {
  const fs::path folder = run / kCheckpointFolder;
  std::optional<fs::path> newest;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error))
    if (entry->path().extension() == ".checkpoint" && (!newest || *newest < entry->path())) newest = entry->path();
  if (error && error != std::errc::no_such_file_or_directory) fail(folder, "read the directory", error);
  return newest;
}

bool holds_checkpoint(const fs::path& run) { return newest_checkpoint(run).has_value(); }

RunDirectory::RunDirectory(fs::path path)
    : path_(make_ours(std::move(path))), lock_(std::make_unique<FileLock>(metrics())) {
  if (!lock_->is_ours())
    throw Error(
        fmt::format("{}: a run is going on in it; wait until it has ended, or name another directory", path_.string()));
}

std::uint64_t RunDirectory::begin_epoch() const {
  std::uint64_t last = 0;
  if (is_there(epoch())) {
    const std::string text = read_file(epoch());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), last);
    if (error != std::errc{} || std::string_view(end, text.data() + text.size()) != "\n")
      throw Error(fmt::format("{}: must hold a number and the end of a line", epoch().string()));
  }
  write_file(epoch(), fmt::format("{}\n", last + 1));
  return last + 1;
}

void RunDirectory::begin(IfFinished if_finished) const {
  if (if_finished == IfFinished::refuse) check_earlier_run();
  // The summary goes first: were we killed in between, nobody would take the rest for a finished run.
  clear({summary(), model(), workers()});
  if (if_finished == IfFinished::go_on) return;
  clear_checkpoints();
  clear({recording(), events(), partition(), scenario(), provenance(), serve_log()});
  File(metrics()).close();
}

void RunDirectory::check_earlier_run() const {
  std::error_code error;
  const bool has_checkpoints =
      is_there(checkpoints()) && fs::directory_iterator(checkpoints(), error) != fs::directory_iterator{};
  if (error) fail(checkpoints(), "read the directory", error);
  const bool has_summary = is_there(summary());
  const auto refuse = [&](const char* what, Remedy first) {
    throw Error(fmt::format("{}: holds {}", path_.string(), what), {first, Remedy::begin_anew});
  };
  if (has_checkpoints && (!has_summary || is_unfinished(read_summary(summary()))))
    refuse("a run that was broken off", Remedy::go_on);
  if (has_summary) refuse("a finished run", Remedy::other_directory);
  if (holds_rows()) refuse("a run that was broken off", Remedy::other_directory);
}

bool RunDirectory::holds_rows() const {
  for (const fs::path& log : {metrics(), events()}) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(log, error);
    if (!error && size > 0) return true;
    if (error && error != std::errc::no_such_file_or_directory) fail(log, "read", error);
  }
  return false;
}

void RunDirectory::clear_checkpoints() const {
  refuse_link(checkpoints());
  std::error_code none;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(checkpoints(), none))
    if (entry.path().filename().string().find(".checkpoint") != std::string::npos) files.push_back(entry.path());
  clear(files);
  fs::remove(checkpoints(), none);  // where nothing else is in it
}

void RunDirectory::clear(const std::vector<fs::path>& files) const {
  remove_temporaries(files);
  for (const fs::path& file : files) {
    std::error_code error;
    fs::remove(file, error);
    if (error) fail(file, "remove", error);
  }
}

void RunDirectory::check_ours() const {
  std::error_code error;
  if (fs::exists(metrics(), error) && !lock_->is_on(metrics()))
    throw IoError(fmt::format("{}: has become another run's", path_.string()));
}

void RunDirectory::lock_again() { lock_ = std::make_unique<FileLock>(metrics()); }

bool RunDirectory::claim(std::string_view toml, const Provenance& provenance) {
  std::error_code error;
  const bool gone = !fs::exists(path_, error);
  make_directory(path_);
  check_ours();
  if (!fs::exists(metrics(), error)) lock_again();
  if (!fs::exists(scenario(), error)) write_identity(toml, provenance);
  return gone;
}

void RunDirectory::write_identity(std::string_view toml, const Provenance& made_by) const {
  const std::string here = fs::absolute(path_).lexically_normal().string();
  write_file(provenance(), provenance_text({.provenance = made_by, .directory = here}));
  write_scenario(toml);
}

void RunDirectory::write_scenario(std::string_view toml) const { write_file(scenario(), toml); }

}  // namespace tardigrad::record
