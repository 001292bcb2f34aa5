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

class ForeignCheckpoint : public Error {
 public:
  using Error::Error;
};

// Does a log still hold what the checkpoint goes on from?
void check_log(const fs::path& path, std::uint64_t needed) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (needed > 0 && (error || size < needed))
    throw Error(
        fmt::format("{}: has {} bytes, and a checkpoint goes on after {}", path.string(), error ? 0 : size, needed));
}

}  // namespace

std::vector<fs::path> CheckpointFolder::files(const fs::path& ending) const {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(options_.path, error))
    if (entry.path().string().ends_with(ending.string())) found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

void CheckpointFolder::check_ours(const fs::path& file) const {
  const CheckpointHeader header = read_checkpoint_header(file);
  std::optional<std::string> foreign = difference(parse_provenance(header.provenance), options_.provenance);
  if (!foreign && header.scenario_hash != options_.scenario_hash) foreign = "is of another scenario";
  if (foreign) throw ForeignCheckpoint(fmt::format("{}: {}", file.string(), *foreign));
}

std::optional<Checkpoint> CheckpointFolder::last(BufferPool& buffers, const fs::path& run,
                                                 const std::function<void(const std::string&)>& tell) const {
  const auto pass_over = [&](const Error& error) { tell(fmt::format("{}; the one before it is taken", error.what())); };
  std::vector<fs::path> candidates = files(kExtension);
  for (; !candidates.empty(); candidates.pop_back()) {
    const fs::path& file = candidates.back();
    try {
      check_ours(file);
      Checkpoint checkpoint = read_checkpoint(file, buffers);
      const CheckpointHeader& header = checkpoint.header;
      check_log(run / "events.jsonl", header.events_bytes);
      check_log(run / "metrics.jsonl", header.metrics_bytes);
      check_log(run / "recording.bin", header.recording_bytes);
      return checkpoint;
    } catch (const ForeignCheckpoint& error) {
      throw Error(fmt::format("{}; give --out another directory, or say --overwrite", error.what()));
    } catch (const DamagedCheckpoint& error) {
      pass_over(error);
      std::error_code ignored;
      fs::rename(file, file.string() + ".damaged", ignored);
    } catch (const Error& error) {
      pass_over(error);
    }
  }
  return std::nullopt;
}

void CheckpointFolder::write(const CheckpointHeader& header, const State& state) const {
  refuse_link(options_.path);
  std::error_code error;
  // Not its parents: a run's logs make its directory again where it has gone, and its scenario.toml with it.
  fs::create_directory(options_.path, error);
  if (error) fail(options_.path, "make the directory", error);
  write_checkpoint(options_.path / fmt::format("{:012}{}", header.updates, kExtension), header, state);
  remove_old();
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

void CheckpointFolder::remove_old() const {
  std::error_code ignored;  // tried again after the next
  std::vector<fs::path> old = files(kExtension);
  const std::optional<fs::path> kept = best(old);
  old.resize(old.size() - std::min(old.size(), options_.keep));
  for (const fs::path& file : old)
    if (file != kept) fs::remove(file, ignored);
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

void CheckpointWriter::write(CheckpointHeader header, State state, std::function<void()> before) {
  write(Job{.header = std::move(header), .state = std::move(state), .before = std::move(before)});
}

std::optional<std::string> CheckpointWriter::write_last(CheckpointHeader header, State state,
                                                        std::function<void()> before) {
  write(Job{
      .header = std::move(header), .state = std::move(state), .before = std::move(before), .place = Job::Place::last});
  wait();
  return trouble_;
}

void CheckpointWriter::write(Job job) {
  wait();
  {
    const std::scoped_lock lock(mutex_);
    job_ = std::move(job);
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
  const auto has_job = [&] { return job_.has_value(); };
  while (!stopping.stop_requested()) {
    if (due == never)
      changed_.wait(lock, stopping, has_job);
    else
      changed_.wait_until(lock, stopping, due, has_job);
    if (job_) {
      lock.unlock();
      carry_out(*job_);
      lock.lock();
      job_.reset();  // gives its vectors back
      busy_ = false;
      due = next();
      changed_.notify_all();
    } else if (Clock::now() >= due) {
      due_ = true;
      due = never;  // until one was written
    }
  }
}

void CheckpointWriter::carry_out(const Job& job) {
  try {
    job.before();
    folder_.write(job.header, job.state);
    ++written_;
    if (std::exchange(trouble_, {}) && job.place == Job::Place::on_the_way)
      options_.tell(folder_.path().string() + ": checkpoints are written again");
  } catch (const std::exception& error) {  // out of memory, too
    if (!std::exchange(trouble_, error.what()) && job.place == Job::Place::on_the_way)
      options_.tell(fmt::format("{}; the run goes on, and this is tried again at the next checkpoint", error.what()));
  }
}

}  // namespace tardigrad::record
