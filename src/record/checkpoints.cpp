// SPDX-License-Identifier: Apache-2.0
#include "record/checkpoints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "record/file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExtension = ".checkpoint";

constexpr const char* kAside = ".aside";

[[noreturn]] void refuse(const std::string& problem) {
  throw Error(problem + "; nothing was changed", {Remedy::other_directory, Remedy::begin_anew});
}

}  // namespace

std::vector<fs::path> CheckpointFolder::files(const fs::path& ending) const {
  std::vector<fs::path> found;
  if (!is_there(options_.path)) return found;
  std::error_code error;
  fs::directory_iterator entry(options_.path, error);
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error))
    if (entry->path().string().ends_with(ending.string())) found.push_back(entry->path());
  if (error) fail(options_.path, "read the directory", error);
  std::ranges::sort(found);
  return found;
}

void CheckpointFolder::check_ours(const fs::path& file, const CheckpointHeader& header) const {
  std::optional<std::string> foreign = difference(parse_provenance(header.provenance), options_.provenance);
  if (!foreign && header.scenario_hash != options_.scenario_hash) foreign = "is of another scenario";
  if (foreign) throw ForeignCheckpoint(fmt::format("{}: {}", file.string(), *foreign));
}

// Reads it once before memory is taken for it, and its logs.
Checkpoint CheckpointFolder::checked(const fs::path& file, BufferPool& buffers, const fs::path& run) const {
  const CheckpointHeader header = verify_checkpoint(file);
  check_ours(file, header);
  check_kept(run / "events.jsonl", header.events);
  check_kept(run / "metrics.jsonl", header.metrics);
  check_kept(run / "recording.bin", header.recording);
  return read_checkpoint(file, buffers);
}

std::optional<CheckpointFolder::Found> CheckpointFolder::last(BufferPool& buffers, const fs::path& run,
                                                              Logs logs) const {
  std::vector<fs::path> candidates = files(kExtension);
  Found found;
  for (; !candidates.empty(); candidates.pop_back()) {
    const fs::path& file = candidates.back();
    const auto help = [&](const Error& error, const char* what) {
      return Error(fmt::format("{}; nothing was changed: {}, or move {} away to go on from an older one", error.what(),
                               what, file.string()));
    };
    try {
      if (logs == Logs::any || read_checkpoint_header(file).missing() == 0) {
        found.checkpoint = checked(file, buffers, run);
        return found;
      }
      found.passed_over.push_back({file, ""});
    } catch (const ForeignCheckpoint& error) {
      refuse(error.what());
    } catch (const IoError& error) {
      throw help(error, "say the same again when that is mended");
    } catch (const LogDiffers& error) {
      throw help(error, "bring it back from a copy");
    } catch (const DamagedCheckpoint& error) {
      found.passed_over.push_back({file, error.what()});
    }
  }
  const auto damaged = std::ranges::find_if(found.passed_over, [](const PassedOver& p) { return !p.why.empty(); });
  if (damaged != found.passed_over.end())
    refuse(fmt::format("{}; no other checkpoint can be gone on from", damaged->why));
  if (!files(kAside).empty() && found.passed_over.empty())
    refuse(fmt::format("{}: holds nothing but what an earlier run could not go on from", options_.path.string()));
  return std::nullopt;
}

void CheckpointFolder::put_aside(const std::vector<PassedOver>& files) const {
  for (const PassedOver& passed : files) {
    fs::path to = passed.file.string() + kAside;
    for (int i = 2; is_there(to); ++i) to = fmt::format("{}-{}{}", passed.file.string(), i, kAside);
    std::error_code error;
    fs::rename(passed.file, to, error);
    if (error) fail(passed.file, "rename", error);
  }
}

void CheckpointFolder::write(const CheckpointHeader& header, const SavedState& state) const {
  refuse_link(options_.path);
  std::error_code error;
  // Not its parents: a run's logs make its directory again where it has gone, and its scenario.toml with it.
  if (fs::create_directory(options_.path, error)) {
    try {
      sync_directory_of(options_.path);
    } catch (const IoError&) {
      fs::remove(options_.path, error);  // the next attempt makes it anew
      throw;
    }
  }
  if (error) fail(options_.path, "make the directory", error);
  write_checkpoint(options_.path / fmt::format("{:012}{}", header.updates, kExtension), header, state);
  try {
    remove_old();
  } catch (const IoError&) {  // again after the next
  }
}

std::optional<fs::path> CheckpointFolder::best(const std::vector<fs::path>& files) const {
  if (!options_.direction) return std::nullopt;
  const double sign = *options_.direction == Target::Direction::at_most ? 1.0 : -1.0;
  std::optional<fs::path> best;
  double least = 0.0;
  for (const fs::path& file : files) {
    try {
      const std::optional<double> metric = read_checkpoint_header(file).metric;
      if (!metric || !std::isfinite(*metric) || (best && sign * *metric >= least)) continue;
      best = file;
      least = sign * *metric;
    } catch (const Error&) {  // not the best
    }
  }
  return best;
}

// The last one whose logs lack nothing: from it their rows can be made again.
std::optional<fs::path> CheckpointFolder::last_whole(const std::vector<fs::path>& files) const {
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    try {
      if (read_checkpoint_header(*file).missing() == 0) return *file;
    } catch (const Error&) {  // none
    }
  }
  return std::nullopt;
}

void CheckpointFolder::remove_old() const {
  std::error_code ignored;
  std::vector<fs::path> old = files(kExtension);
  const std::optional<fs::path> kept = best(old), whole = last_whole(old);
  old.resize(old.size() - std::min(old.size(), options_.keep));
  for (const fs::path& file : old)
    if (file != kept && file != whole) fs::remove(file, ignored);
  for (const auto& entry : fs::directory_iterator(options_.path, ignored)) {
    const std::string name = name_behind_temporary(entry.path().filename().string());
    if (name.ends_with(kExtension)) fs::remove(entry.path(), ignored);
  }
}

CheckpointWriter::CheckpointWriter(CheckpointFolder folder, Options options)
    : folder_(std::move(folder)),
      options_(std::move(options)),
      thread_([this](const std::stop_token& stopping) { run(stopping); }) {}

CheckpointWriter::~CheckpointWriter() { wait(); }

void CheckpointWriter::write(CheckpointHeader header, SavedState state, std::function<void()> before) {
  write(WriteRequest{.header = std::move(header), .state = std::move(state), .before = std::move(before)});
}

std::optional<std::string> CheckpointWriter::write_last(CheckpointHeader header, SavedState state,
                                                        std::function<void()> before) {
  write(WriteRequest{.header = std::move(header),
                     .state = std::move(state),
                     .before = std::move(before),
                     .place = WriteRequest::Place::last});
  wait();
  return trouble_;
}

void CheckpointWriter::write(WriteRequest request) {
  wait();
  {
    const std::scoped_lock lock(mutex_);
    request_ = std::move(request);
    busy_ = true;
    due_ = false;
  }
  changed_.notify_all();
}

void CheckpointWriter::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !busy_; });
}

void CheckpointWriter::run(const std::stop_token& stopping) {
  using Clock = std::chrono::steady_clock;
  const auto never = Clock::time_point::max();
  const auto next = [&] { return options_.every ? Clock::now() + *options_.every : never; };
  std::unique_lock lock(mutex_);
  Clock::time_point due = next();
  const auto has_job = [&] { return request_.has_value(); };
  while (!stopping.stop_requested()) {
    if (due == never)
      changed_.wait(lock, stopping, has_job);
    else
      changed_.wait_until(lock, stopping, due, has_job);
    if (request_) {
      lock.unlock();
      const Clock::time_point begin = Clock::now();
      carry_out(*request_);
      if (options_.every) skipped_ += static_cast<std::uint64_t>((Clock::now() - begin) / *options_.every);
      lock.lock();
      request_.reset();  // gives its vectors back
      busy_ = false;
      due = next();
      changed_.notify_all();
    } else if (Clock::now() >= due) {
      due_ = true;
      due = never;  // until one was written
    }
  }
}

void CheckpointWriter::carry_out(const WriteRequest& request) {
  try {
    request.before();
    folder_.write(request.header, request.state);
    ++written_;
    if (options_.on_written) options_.on_written(request.header.updates, "");
    if (std::exchange(trouble_, {}) && request.place == WriteRequest::Place::on_the_way)
      options_.tell(folder_.path().string() + ": checkpoints are written again");
  } catch (const std::exception& error) {  // out of memory, too
    ++failed_;
    if (options_.on_written) options_.on_written(request.header.updates, error.what());
    if (!std::exchange(trouble_, error.what()) && request.place == WriteRequest::Place::on_the_way)
      options_.tell(fmt::format("{}; the run goes on, and this is tried again at the next checkpoint", error.what()));
  }
}

}  // namespace tardigrad::record
