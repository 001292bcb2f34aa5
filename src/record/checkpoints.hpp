// SPDX-License-Identifier: Apache-2.0
// The checkpoints of one run: which are kept, which is gone on from, and the thread that writes them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "record/checkpoint.hpp"
#include "record/provenance.hpp"
#include "tardigrad/run.hpp"

namespace tardigrad::record {

/// A folder of files UPDATES.checkpoint, twelve digits.
/// Thread  one at a time
class CheckpointFolder {
 public:
  struct Options {
    std::filesystem::path path;
    Provenance provenance = {};  ///< of the run
    std::string scenario_hash;   ///< of the run
    std::size_t keep = 3;        ///< the last so many, and the one that was best by the target's metric
    std::optional<Target::Direction> direction = {};
  };
  explicit CheckpointFolder(Options options) : options_(std::move(options)) {}

  /// The last one that is whole and whose logs are long enough. One that is not is told of, and the one before it is
  /// taken; a damaged one, and no other, is put aside (".damaged").
  /// Errors  Error naming what differs, where one is of another program, scenario or data
  std::optional<Checkpoint> last(BufferPool& buffers, const std::filesystem::path& run,
                                 const std::function<void(const std::string&)>& tell) const;
  /// Writes one, then removes those that are not to be kept, and what a kill left half written.
  void write(const CheckpointHeader& header, const State& state) const;
  const std::filesystem::path& path() const { return options_.path; }

 private:
  std::vector<std::filesystem::path> files(const std::filesystem::path& ending) const;  // the oldest first
  void check_ours(const std::filesystem::path& file) const;
  void remove_old() const;
  std::optional<std::filesystem::path> best(const std::vector<std::filesystem::path>& files) const;
  Options options_;
};

/// Writes checkpoints on a thread of its own, one at a time. A disk that is full, or a folder that has gone, does not
/// end the run: it is told of once, and tried again with the next one; that one was written is told, too.
/// Thread  one, that of the run
class CheckpointWriter {
 public:
  struct Options {
    std::optional<std::chrono::nanoseconds> every = {};  ///< of real time: `due`
    std::function<void(const std::string&)> tell = {};   ///< on the writer's thread
  };
  CheckpointWriter(CheckpointFolder folder, Options options);
  ~CheckpointWriter();  ///< waits for what is being written
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  bool is_busy() const { return busy_.load(std::memory_order_relaxed); }
  /// The time for the next one has come.
  bool is_due() const { return due_.load(std::memory_order_relaxed); }
  /// Waits while it is busy. `before` is called first, on the writer's thread: what the checkpoint relies on must be on
  /// the disk before it is.
  void write(CheckpointHeader header, State state, std::function<void()> before);
  /// The last one of a run, which is waited for. Returns what went wrong, and tells nobody.
  std::optional<std::string> write_last(CheckpointHeader header, State state, std::function<void()> before);
  /// Returns when nothing is being written any more.
  void wait();
  std::uint64_t written() const { return written_.load(); }

 private:
  struct Job {
    CheckpointHeader header;
    State state;
    std::function<void()> before;
    enum class Place : std::uint8_t { on_the_way, last } place = Place::on_the_way;
  };
  void write(Job job);
  void run(const std::stop_token& stopping);
  void carry_out(const Job& job);

  const CheckpointFolder folder_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Job> job_;  // guarded by mutex_; the writer's while busy_
  std::atomic<bool> busy_{false}, due_{false};
  std::atomic<std::uint64_t> written_{0};
  std::optional<std::string> trouble_;  // of the last attempt; the writer's while busy_
  std::jthread thread_;                 // last: it uses the rest
};

}  // namespace tardigrad::record
